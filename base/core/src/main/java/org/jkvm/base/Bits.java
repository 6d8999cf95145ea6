package org.jkvm.base;

/** Bit arithmetic shared by every part of jkvm. Bit 0 is the least significant, as in Intel's and PCI's manuals. */
public final class Bits {
    private Bits() {
    }

    /** Returns a value whose low {@code width} bits are one; {@code width} is 0 to 64. */
    public static long mask(int width) {
        return width >= 64 ? -1L : (1L << width) - 1;
    }

    /** Returns bits {@code high} down to {@code low} of {@code value}, moved down to bit 0. */
    public static long extract(long value, int high, int low) {
        return value >>> low & mask(high - low + 1);
    }

    /** Returns whether bit {@code bit} of {@code value} is one. */
    public static boolean isSet(long value, int bit) {
        return (value >>> bit & 1) != 0;
    }

    /** Returns {@code value} with bit {@code bit} set or cleared. */
    public static long with(long value, int bit, boolean set) {
        return set ? value | 1L << bit : value & ~(1L << bit);
    }

    /** Rounds {@code value} up to a multiple of {@code alignment}, a power of two. */
    public static long alignUp(long value, long alignment) {
        return value + alignment - 1 & -alignment;
    }

    /** Rounds {@code value} down to a multiple of {@code alignment}, a power of two. */
    public static long alignDown(long value, long alignment) {
        return value & -alignment;
    }

    /** Returns whether exactly one bit of {@code value} is set. */
    public static boolean isPowerOfTwo(long value) {
        return value != 0 && (value & value - 1) == 0;
    }
}
