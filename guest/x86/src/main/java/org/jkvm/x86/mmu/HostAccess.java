package org.jkvm.x86.mmu;

import org.jkvm.linux.RawMemory;

/** Operands at host addresses that {@link Mmu#hostForRead}, {@link Mmu#hostForWrite} or the struct gave. */
public final class HostAccess {
    private HostAccess() {
    }

    /** Reads {@code size} (1, 2, 4, 8) bytes, zero-extended. */
    public static long read(long host, int size) {
        return switch (size) {
            case 4 -> RawMemory.getInt(host) & 0xffff_ffffL;
            case 8 -> RawMemory.getLong(host);
            case 1 -> RawMemory.getByte(host);
            default -> RawMemory.getShort(host);
        };
    }

    /** Writes the low {@code size} (1, 2, 4, 8) bytes. */
    public static void write(long host, int size, long value) {
        switch (size) {
            case 4 -> RawMemory.putInt(host, (int) value);
            case 8 -> RawMemory.putLong(host, value);
            case 1 -> RawMemory.putByte(host, (int) value);
            default -> RawMemory.putShort(host, (int) value);
        }
    }
}
