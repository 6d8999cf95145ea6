package org.jkvm.devices.pci;

import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.Register;
import org.jkvm.devices.bus.AddressSpace;

/**
 * One base address register and the window behind it (PCI 3.0, section 6.2.5.1). Writing ones and reading back tells
 * the size, because only the bits above it can be written. Single-threaded: the caller holds the bus lock.
 */
public final class Bar {
    /** What a base address register decodes, and its type bits. */
    public enum Kind {
        /** I/O ports. */
        IO(1),
        /** Memory below 4 GiB. */
        MEMORY_32(0),
        /** Memory anywhere: the next register holds bits 63 to 32. */
        MEMORY_64(4);

        private final int typeBits;

        Kind(int typeBits) {
            this.typeBits = typeBits;
        }
    }

    /** No BAR is mapped above this: what the widest x86 physical address allows (SDM volume 1, section 3.3.1). */
    private static final long MEMORY_END = 1L << 52;
    private static final long IO_END = 1L << 16;

    private final PciFunction function;
    private final int index;
    private final Kind kind;
    private final long size;
    private final IoHandler handler;
    private final Register low;
    private final Register high;
    private AddressSpace.Window window;

    Bar(PciFunction function, int index, Kind kind, long size, IoHandler handler) {
        if (!Bits.isPowerOfTwo(size) || size < 16) {
            throw new IllegalArgumentException("BAR of " + size + " bytes");
        }
        this.function = function;
        this.index = index;
        this.kind = kind;
        this.size = size;
        this.handler = handler;
        this.low = declare("BAR" + index, index, kind.typeBits, -size);
        this.high = kind == Kind.MEMORY_64 ? declare("BAR" + (index + 1), index + 1, 0, -size >>> 32) : null;
    }

    private Register declare(String name, int slot, int typeBits, long writable) {
        return function.config().register(name, offset(slot), 32).summary("base address " + slot).reset(typeBits)
                .writable(writable & 0xffff_ffffL).onWrite(written -> function.mappingChanged());
    }

    /** The number of its (first) register, 0 to 5. */
    public int index() {
        return index;
    }

    /** What it decodes. */
    public Kind kind() {
        return kind;
    }

    /** Bytes it decodes. */
    public long size() {
        return size;
    }

    /** Where its (first) register is in configuration space. */
    public int offset() {
        return offset(index);
    }

    /** The address that the registers hold, whether decoded or not. */
    public long address() {
        long upper = high == null ? 0 : high.get() << 32;
        return (low.get() | upper) & -size;
    }

    /** What answers behind it. */
    IoHandler handler() {
        return handler;
    }

    /** Unmaps the window unless it is where the registers now say. */
    void withdraw() {
        if (window != null && (!decoded() || window.start() != address())) {
            space().unmap(window);
            window = null;
        }
    }

    /** Maps the window where the registers say. An address that something else has already is not decoded. */
    void claim() {
        if (window == null && decoded() && space().isFree(address(), size)) {
            window = space().map(function.name(), address(), size, handler);
        }
    }

    private boolean decoded() {
        long address = address();
        long end = kind == Kind.IO ? IO_END : MEMORY_END;
        // Zero and the all-ones of a sizing cycle are what "not assigned" looks like.
        boolean sizing = kind != Kind.MEMORY_64 && address == (-size & 0xffff_ffffL);
        return function.decodes(kind) && address > 0 && address <= end - size && !sizing;
    }

    private AddressSpace space() {
        return kind == Kind.IO ? function.bus().io() : function.bus().memory();
    }

    private static int offset(int slot) {
        return 0x10 + 4 * slot;
    }
}
