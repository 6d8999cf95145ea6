package org.jkvm.x86.fp;

/**
 * The shortcut for the x87's common case: normal operands, 64 bits, to nearest, a normal result. Everything stays in local
 * variables. Each operation answers false, having changed nothing, where the case is another one; then {@link FpMath} does
 * it. Both give the same results.
 */
final class Plain80 {
    private static final int BIAS = FpValue.BIAS80;
    private static final int SPECIAL = 0x7fff;

    private Plain80() {
    }

    /** to = x * y. */
    static boolean multiply(FpEnv env, Float80 x, Float80 y, Float80 to) {
        if (!isNormal(x) || !isNormal(y)) {
            return false;
        }
        long hi = Math.unsignedMultiplyHigh(x.significand(), y.significand());
        long lo = x.significand() * y.significand();
        // Without a branch: whether the product needs a shift is as good as random.
        int shift = (int) (~hi >>> 63);
        int exponent = x.biasedExponent() + y.biasedExponent() - BIAS + 1 - shift;
        int sign = (x.signExponent() ^ y.signExponent()) & 0x8000;
        return round(env, sign, exponent, hi << shift | lo >>> 1 >>> 63 - shift, lo << shift, to);
    }

    /** to = x + y, or x - y if {@code flip} is 8000h rather than 0. */
    static boolean add(FpEnv env, Float80 x, Float80 y, int flip, Float80 to) {
        if (!isNormal(x) || !isNormal(y)) {
            return false;
        }
        int ySign = (y.signExponent() ^ flip) & 0x8000;
        int xSign = x.signExponent() & 0x8000;
        int distance = x.biasedExponent() - y.biasedExponent();
        boolean swap = distance < 0 || distance == 0 && Long.compareUnsigned(x.significand(), y.significand()) < 0;
        long large = swap ? y.significand() : x.significand();
        long small = swap ? x.significand() : y.significand();
        int exponent = swap ? y.biasedExponent() : x.biasedExponent();
        int shift = Math.abs(distance);
        long smallHi = shift < 64 ? small >>> shift : 0;
        long smallLo = shift == 0 ? 0 : shift < 64 ? small << 64 - shift : below(small, shift);
        int sign = swap ? ySign : xSign;
        return xSign == ySign ? sum(env, sign, exponent, large, smallHi, smallLo, to)
            : difference(env, sign, exponent, large, smallHi, smallLo, to);
    }

    /** A significand shifted right by 64 places or more into the low word, jammed. */
    private static long below(long small, int shift) {
        if (shift == 64) {
            return small;
        }
        return shift < 128 ? small >>> shift - 64 | (small << 128 - shift != 0 ? 1 : 0) : 1;
    }

    private static boolean sum(FpEnv env, int sign, int exponent, long large, long smallHi, long smallLo, Float80 to) {
        long hi = large + smallHi;
        // The larger one has its top bit set: only a carry clears it, or makes the sum smaller.
        if (Long.compareUnsigned(hi, large) < 0) {
            return round(env, sign, exponent + 1, hi >>> 1 | FpValue.TOP, hi << 63 | smallLo >>> 1 | smallLo & 1, to);
        }
        return round(env, sign, exponent, hi, smallLo, to);
    }

    private static boolean difference(FpEnv env, int sign, int exponent, long large, long smallHi, long smallLo,
            Float80 to) {
        long hi = large - smallHi - (smallLo != 0 ? 1 : 0);
        long lo = -smallLo;
        if (hi == 0) {
            // Massive cancellation: an exact result, perhaps zero, whose sign depends on the mode.
            return false;
        }
        int shift = Long.numberOfLeadingZeros(hi);
        long normalized = shift == 0 ? hi : hi << shift | lo >>> 64 - shift;
        return round(env, sign, exponent - shift, normalized, lo << shift, to);
    }

    private static boolean isNormal(Float80 value) {
        int biased = value.biasedExponent();
        return value.significand() < 0 && biased != 0 && biased != SPECIAL;
    }

    private static boolean round(FpEnv env, int sign, int exponent, long hi, long lo, Float80 to) {
        boolean up = lo < 0 && (lo != Long.MIN_VALUE || (hi & 1) != 0);
        long rounded = up ? hi + 1 : hi;
        int carried = exponent;
        if (rounded == 0) {
            rounded = FpValue.TOP;
            carried++;
        }
        if (exponent <= 0 || carried >= SPECIAL) {
            return false;
        }
        if (lo != 0) {
            env.raise(FpEnv.PE);
        }
        env.setRoundedUp(up);
        to.set(sign | carried, rounded);
        return true;
    }
}
