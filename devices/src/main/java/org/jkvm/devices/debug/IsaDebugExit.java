package org.jkvm.devices.debug;

import java.util.List;
import java.util.function.IntConsumer;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/** QEMU's {@code isa-debug-exit}: a write ends the monitor with status {@code value << 1 | 1}, which is never success. */
public final class IsaDebugExit implements Device {
    private final RegisterFile file = new RegisterFile("isa-debug-exit").summary("Exit port for test guests")
            .source("QEMU, isa-debug-exit");

    /** Makes the chip; {@code exit} is given the exit status and returns before the process ends. */
    public IsaDebugExit(IntConsumer exit) {
        file.register("EXIT", 0, 32).writeOnly().writable(0).notSaved().onWrite(v -> exit.accept((int) v << 1 | 1))
                .summary("Exit code: the process' status is twice that, plus one");
    }

    @Override
    public String name() {
        return "isa-debug-exit";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(file);
    }

    /** The window of up to four bytes. */
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
