package org.jkvm.x86.fp;

/** Unsigned integers of 128 bits in two longs, as far as division and roots need them. */
final class UInt128 {
    private static final double TWO_32 = 0x1p32;
    private static final double TWO_64 = 0x1p64;

    private UInt128() {
    }

    /**
     * The 64-bit quotient of {@code high:low} by {@code divisor}, which has bit 63 set and exceeds {@code high}: schoolbook
     * division with two 32-bit digits (Knuth, TAOCP vol. 2, 4.3.1, algorithm D).
     */
    static long divide(long high, long low, long divisor) {
        long first = digit(high, low >>> 32, divisor);
        long rest = (high << 32 | low >>> 32) - first * divisor;
        long second = digit(rest, low & 0xffffffffL, divisor);
        return first << 32 | second;
    }

    /** The 32-bit quotient of the 96-bit number {@code high * 2^32 + low} by {@code divisor}. */
    private static long digit(long high, long low, long divisor) {
        long top = divisor >>> 32;
        long bottom = divisor & 0xffffffffL;
        long quotient = Long.divideUnsigned(high, top);
        long rest = high - quotient * top;
        while (quotient >>> 32 != 0 || Long.compareUnsigned(quotient * bottom, rest << 32 | low) > 0) {
            quotient--;
            rest += top;
            if (rest >>> 32 != 0) {
                break;
            }
        }
        return quotient;
    }

    /** The integer square root of {@code high:low}, whose bit 127 or 126 is set. */
    static long squareRoot(long high, long low) {
        double estimate = Math.sqrt(unsignedToDouble(high)) * TWO_32;
        long root = estimate >= TWO_64 ? -1L : doubleToUnsigned(estimate);
        // One Newton step in double: the estimate has about 52 right bits, its correction fewer than 14.
        long square = root * root;
        long restHigh = high - Math.unsignedMultiplyHigh(root, root) - (Long.compareUnsigned(low, square) < 0 ? 1 : 0);
        double rest = restHigh * TWO_64 + unsignedToDouble(low - square);
        long correction = (long) (rest / (2 * unsignedToDouble(root)));
        long corrected = root + correction;
        // Near 2^64 the sum can pass the end: the greatest root is 2^64 - 1.
        return settle(high, low, correction > 0 && corrected >= 0 ? -1L : corrected);
    }

    /** Moves an estimate that is off by a few units to the root. */
    private static long settle(long high, long low, long estimate) {
        long root = estimate;
        while (squareExceeds(root, high, low)) {
            root--;
        }
        while (root != -1 && !squareExceeds(root + 1, high, low)) {
            root++;
        }
        return root;
    }

    private static boolean squareExceeds(long root, long high, long low) {
        int order = Long.compareUnsigned(Math.unsignedMultiplyHigh(root, root), high);
        return order > 0 || order == 0 && Long.compareUnsigned(root * root, low) > 0;
    }

    private static double unsignedToDouble(long value) {
        return value >= 0 ? value : (value >>> 1) * 2.0;
    }

    private static long doubleToUnsigned(double value) {
        return (long) (value / 2) << 1;
    }
}
