package org.jkvm.devices.debug;

import java.util.List;
import org.jkvm.base.IoHandler;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * A port that firmware prints on: Bochs' E9h, SeaBIOS' and OVMF's 402h (QEMU's {@code isa-debugcon}). A read returns
 * {@link #READBACK}, which is how a guest finds it.
 */
public final class DebugPort implements Device {
    /** What a read returns. */
    public static final int READBACK = 0xe9;

    private final RegisterFile file = new RegisterFile("debug-port").summary("Debug console")
            .source("QEMU, isa-debugcon; Bochs user manual, port_e9_hack");

    /** Makes the chip; what the guest prints goes to {@code out}. */
    public DebugPort(CharacterBackend out) {
        file.register("DATA", 0, 8).writable(0).notSaved().reset(READBACK).onRead(() -> READBACK)
                .onWrite(v -> out.write(new byte[] {(byte) v}, 0, 1)).summary("Prints a character; reads E9h");
    }

    @Override
    public String name() {
        return "debug-port";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(file);
    }

    /** The one-byte window. */
    public IoHandler window() {
        return file;
    }

    @Override
    public void reset() {
    }

    @Override
    public void exchangeState(StateIo io) {
    }
}
