package org.jkvm.x86.fp;

/**
 * RCPSS and RSQRTSS, which promise a relative error of at most 1.5 * 2^-12 and raise no exception (SDM vol. 2, RCPPS,
 * RSQRTPS). Processors differ below that: each has its own table. Here the operand's fraction is cut to 12 bits, the
 * function is taken at the middle of what those bits leave open, and the result is rounded to 13 significant bits: an error
 * below 2^-12, the same on every host. Denormal operands count as zeros, tiny results become zeros, as everywhere.
 */
public final class Approximation {
    private static final int SIGN = 0x8000_0000;
    private static final int INFINITY = 0x7f80_0000;
    private static final int QUIET = 0x40_0000;
    private static final int INDEFINITE = 0xffc0_0000;
    private static final int KEPT = 0x7f_f800;
    private static final int MIDDLE = 0x400;
    private static final int ONE = 0x3f80_0000;
    private static final int RESULT_BITS = 13;

    private Approximation() {
    }

    /** About 1 / x. */
    public static int reciprocal(int x) {
        int biased = x >>> 23 & 0xff;
        if (biased == 0xff) {
            return isNan(x) ? x | QUIET : x & SIGN;
        }
        if (biased == 0) {
            return x & SIGN | INFINITY;
        }
        // 1 / (1.f * 2^e) = (2 / 1.f) * 2^(-e - 1), and 2 / 1.f lies between 1 and 2.
        int exponent = 253 - biased;
        return x & SIGN | (exponent <= 0 ? 0 : exponent << 23 | fraction(2 / middle(x)));
    }

    /** About 1 / sqrt(x). */
    public static int reciprocalSquareRoot(int x) {
        int biased = x >>> 23 & 0xff;
        if (biased == 0xff && isNan(x)) {
            return x | QUIET;
        }
        if (biased == 0) {
            return x & SIGN | INFINITY;
        }
        if (x < 0) {
            return INDEFINITE;
        }
        if (biased == 0xff) {
            return 0;
        }
        int half = biased - 127 >> 1;
        double reduced = (biased & 1) != 0 ? middle(x) : 2 * middle(x);
        return 126 - half << 23 | fraction(2 / Math.sqrt(reduced));
    }

    private static boolean isNan(int x) {
        return (x & ~SIGN) > INFINITY;
    }

    /** 1.f with f cut to 12 bits, and the middle of the rest. */
    private static double middle(int x) {
        return Float.intBitsToFloat(ONE | x & KEPT | MIDDLE);
    }

    /** The fraction field of a number between 1 and 2 that is rounded, but not up to 2. */
    private static int fraction(double value) {
        int rounded = (int) Math.rint(value * (1 << RESULT_BITS - 1));
        return Math.min(rounded - (1 << RESULT_BITS - 1), (1 << RESULT_BITS - 1) - 1) << 24 - RESULT_BITS;
    }
}
