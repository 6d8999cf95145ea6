package org.jkvm.devices.pci;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.register.RegisterFile;

/**
 * Gives every base address register an address and every function an interrupt line, as firmware does, for machines
 * that start a kernel without one. A kernel may move everything again.
 */
public final class PciAllocator {
    private static final int COMMAND = 0x04;
    private static final int INTERRUPT_LINE = 0x3c;
    private static final int DECODE_IO_AND_MEMORY = 3;

    private final Range io;
    private final Range memory;

    /**
     * A range of addresses to give out.
     *
     * @param start  first address
     * @param length bytes
     */
    public record Range(long start, long length) {
    }

    /** Which interrupt line number a system without ACPI tables shall use. */
    @FunctionalInterface
    public interface InterruptLines {
        /** The number for pin {@code pin} (1 is INTA#) of slot {@code device}. */
        int line(int device, int pin);
    }

    private record Wanted(PciFunction function, Bar bar) {
    }

    /** An allocator over two ranges: I/O ports, and memory below 4 GiB. */
    public PciAllocator(Range io, Range memory) {
        this.io = io;
        this.memory = memory;
    }

    /**
     * Assigns everything on {@code bus} and turns on decoding; through configuration writes, as a guest would. Called
     * with the bus lock held, after a reset.
     *
     * @throws IllegalStateException when a range is too small for the board
     */
    public void assign(PciBus bus, InterruptLines lines) {
        place(wanted(bus, true), io);
        place(wanted(bus, false), memory);
        for (PciFunction function : bus.functions()) {
            assignInterruptLine(bus, function, lines);
            RegisterFile config = function.config();
            config.write(COMMAND, 2, config.read(COMMAND, 2) | (function.bars().isEmpty() ? 0 : DECODE_IO_AND_MEMORY));
        }
    }

    /** Largest first, so that natural alignment leaves no holes. */
    private static List<Wanted> wanted(PciBus bus, boolean io) {
        List<Wanted> all = new ArrayList<>();
        for (PciFunction function : bus.functions()) {
            function.bars().stream().filter(bar -> bar.kind() == Bar.Kind.IO == io)
                    .forEach(bar -> all.add(new Wanted(function, bar)));
        }
        all.sort(Comparator.comparingLong((Wanted w) -> w.bar.size()).reversed());
        return all;
    }

    private static void place(List<Wanted> wanted, Range range) {
        long next = range.start;
        for (Wanted w : wanted) {
            long address = Bits.alignUp(next, w.bar.size());
            next = address + w.bar.size();
            if (next > range.start + range.length) {
                throw new IllegalStateException("no room for the PCI windows of " + w.function.name());
            }
            w.function.config().write(w.bar.offset(), w.bar.kind() == Bar.Kind.MEMORY_64 ? 8 : 4, address);
        }
    }

    private static void assignInterruptLine(PciBus bus, PciFunction function, InterruptLines lines) {
        int pin = function.interruptPin();
        if (pin != 0) {
            function.config().write(INTERRUPT_LINE, 1, lines.line(bus.placeOf(function) / PciBus.FUNCTIONS, pin));
        }
    }
}
