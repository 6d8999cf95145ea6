package org.jkvm.devices.debug;

import java.util.List;
import java.util.function.LongConsumer;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * QEMU's {@code pc-testdev}, which kvm-unit-tests drive: a register of four bytes for port accesses of every size (E0h
 * on a PC, and byte by byte at E8h), a port that makes the monitor forget what it knows of a page (E4h), the interrupt
 * controllers' input lines (2000h and on), and 64 KiB of memory that every access exits to (FF000000h).
 */
public final class PcTestdev implements Device {
    /** Bytes in the MMIO window. */
    public static final int MMIO_LENGTH = 0x10000;

    private final byte[] memory = new byte[MMIO_LENGTH];
    private final RegisterFile scratchFile = file("pc-testdev-ioport", "Port scratch register");
    private final RegisterFile flushFile = file("pc-testdev-flush-page", "Page flush");
    private final RegisterFile byteFile = file("pc-testdev-ioport-byte", "Port scratch register by bytes");
    private final RegisterFile irqFile = file("pc-testdev-irq-line", "Interrupt lines");
    private final RegisterFile memoryFile = file("pc-testdev-iomem", "MMIO scratch memory");

    /**
     * Makes the chip.
     *
     * @param irqs  the lines that the ports of the interrupt window drive, at most 24
     * @param flush told the guest physical address of a page whose translations are to be forgotten
     */
    public PcTestdev(List<Line> irqs, LongConsumer flush) {
        Register scratch = scratchFile.register("SCRATCH", 0, 32).summary("Keeps what is written");
        flushFile.register("FLUSH", 0, 32).writeOnly().writable(0).notSaved().onWrite(flush)
                .summary("Physical address of the page to flush");
        for (int i = 0; i < 4; i++) {
            declareByte(scratch, i);
        }
        for (int i = 0; i < irqs.size(); i++) {
            Line line = irqs.get(i);
            irqFile.register("IRQ" + i, i, 8).writeOnly().writable(0).notSaved().onWrite(v -> line.set(v != 0))
                    .summary("Level of the line");
        }
        memoryFile.window("RAM", 0, MMIO_LENGTH, "Keeps what is written", new Memory());
    }

    private static RegisterFile file(String chip, String summary) {
        return new RegisterFile(chip).summary(summary).source("QEMU, pc-testdev; kvm-unit-tests, x86");
    }

    private void declareByte(Register scratch, int index) {
        int shift = 8 * index;
        byteFile.register("BYTE" + index, index, 8).notSaved().onRead(() -> scratch.get() >>> shift & 0xff)
                .onWrite(v -> scratch.set(scratch.get() & ~(0xffL << shift) | v << shift))
                .summary("A byte of the scratch register");
    }

    @Override
    public String name() {
        return "pc-testdev";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(scratchFile, flushFile, byteFile, irqFile, memoryFile);
    }

    /** The scratch register: 4 bytes. */
    public IoHandler scratchWindow() {
        return scratchFile;
    }

    /** The flush port: 4 bytes. */
    public IoHandler flushWindow() {
        return flushFile;
    }

    /** The scratch register by bytes: 4 bytes. */
    public IoHandler byteWindow() {
        return byteFile;
    }

    /** The interrupt lines: a byte a line. */
    public IoHandler irqWindow() {
        return irqFile;
    }

    /** The MMIO memory: {@link #MMIO_LENGTH} bytes. */
    public IoHandler mmioWindow() {
        return memoryFile;
    }

    @Override
    public void reset() {
        scratchFile.reset();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("scratch", scratchFile);
        io.bytes("memory", memory);
    }

    private final class Memory implements IoHandler {
        @Override
        public long read(long offset, int size) {
            long value = 0;
            for (int i = 0; i < size; i++) {
                value |= (memory[(int) offset + i] & 0xffL) << 8 * i;
            }
            return value;
        }

        @Override
        public void write(long offset, int size, long value) {
            for (int i = 0; i < size; i++) {
                memory[(int) offset + i] = (byte) (value >>> 8 * i);
            }
        }
    }
}
