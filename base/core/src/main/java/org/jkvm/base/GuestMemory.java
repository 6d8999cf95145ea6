package org.jkvm.base;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Guest physical memory as a bus-mastering device sees it. Every address and length here may come from a hostile guest:
 * an access that is not wholly inside RAM throws {@link BadAddress} and touches nothing. Little-endian, as on the bus.
 * Safe from any thread; ordering between threads is the caller's.
 */
public interface GuestMemory {
    /**
     * The host's view of {@code length} bytes at guest physical address {@code address}.
     *
     * @throws BadAddress when the range is not wholly inside one block of RAM
     */
    MemorySegment slice(long address, long length);

    /** Marks a range as written by a device, for dirty logs and translated code. Called after writing into a slice. */
    void markWritten(long address, long length);

    /** Copies guest memory into {@code target}. */
    default void read(long address, byte[] target, int offset, int length) {
        MemorySegment.copy(slice(address, length), ValueLayout.JAVA_BYTE, 0, target, offset, length);
    }

    /** Copies {@code source} into guest memory. */
    default void write(long address, byte[] source, int offset, int length) {
        MemorySegment.copy(source, offset, slice(address, length), ValueLayout.JAVA_BYTE, 0, length);
        markWritten(address, length);
    }

    /** Reads a little-endian integer of 1, 2, 4 or 8 bytes, zero-extended. */
    default long readInt(long address, int size) {
        MemorySegment s = slice(address, size);
        return switch (size) {
            case 1 -> s.get(ValueLayout.JAVA_BYTE, 0) & 0xff;
            case 2 -> s.get(ValueLayout.JAVA_SHORT_UNALIGNED, 0) & 0xffff;
            case 4 -> s.get(ValueLayout.JAVA_INT_UNALIGNED, 0) & 0xffff_ffffL;
            case 8 -> s.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
            default -> throw new IllegalArgumentException("size " + size);
        };
    }

    /** Writes a little-endian integer of 1, 2, 4 or 8 bytes. */
    default void writeInt(long address, int size, long value) {
        MemorySegment s = slice(address, size);
        switch (size) {
            case 1 -> s.set(ValueLayout.JAVA_BYTE, 0, (byte) value);
            case 2 -> s.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) value);
            case 4 -> s.set(ValueLayout.JAVA_INT_UNALIGNED, 0, (int) value);
            case 8 -> s.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, value);
            default -> throw new IllegalArgumentException("size " + size);
        }
        markWritten(address, size);
    }

    /** The guest named an address range that is not RAM. Stackless: a guest can cause any number of these. */
    final class BadAddress extends RuntimeException {
        private static final long serialVersionUID = 1L;

        /** Says which range. */
        public BadAddress(long address, long length) {
            super("no RAM at " + Long.toHexString(address) + "h, " + length + " bytes", null, false, false);
        }
    }
}
