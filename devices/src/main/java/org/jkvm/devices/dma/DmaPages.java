package org.jkvm.devices.dma;

import java.util.List;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * The PC's DMA page registers (IBM AT Technical Reference, "DMA page registers"; a 74LS612): 16 bytes that keep what is
 * written. The first is wired to nothing, and has become the port for power-on codes and for short delays.
 */
public final class DmaPages implements Device {
    /** The channel that each register extends the address of, or -1; the order is the AT's. */
    private static final int[] CHANNEL = {-1, 2, 3, 1, -1, -1, -1, 0, -1, 6, 7, 5, -1, -1, -1, 4};

    private final RegisterFile file = new RegisterFile("dma-pages").summary("DMA page registers, 80h on a PC")
            .source("IBM Personal Computer AT Technical Reference, DMA page registers");

    /** Makes the chip. */
    public DmaPages() {
        for (int i = 0; i < CHANNEL.length; i++) {
            file.register("PAGE" + i, i, 8)
                    .summary(CHANNEL[i] < 0 ? "Wired to nothing" : "Address bits 23 to 16 of channel " + CHANNEL[i]);
        }
    }

    @Override
    public String name() {
        return "dma-pages";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(file);
    }

    /** The window of 16 bytes. */
    public IoHandler window() {
        return file;
    }

    @Override
    public void reset() {
        file.reset();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("registers", file);
    }
}
