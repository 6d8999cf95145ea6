package org.jkvm.x86.fp;

/** Conversions between unpacked values and integers, and rounding to an integral value. */
final class Integers {
    private Integers() {
    }

    /**
     * Converts to a signed integer of {@code width} bits (16, 32 or 64), rounding by {@code mode}. NaN, infinity and values
     * out of range give the integer indefinite and #I (SDM vol. 1, 4.2.1 and table 8-10).
     */
    static long toInteger(FpEnv env, FpValue v, int width, int mode) {
        long indefinite = -1L << width - 1;
        if (v.kind == FpValue.ZERO) {
            env.setRoundedUp(false);
            return 0;
        }
        if (v.kind != FpValue.FINITE || v.exp > 63) {
            env.raise(FpEnv.IE);
            return indefinite;
        }
        long magnitude = magnitude(env, v, mode);
        long limit = v.sign != 0 ? indefinite : -1 - indefinite;
        if (Long.compareUnsigned(magnitude, v.sign != 0 ? -indefinite : limit) > 0) {
            env.setRoundedUp(false);
            env.raise(FpEnv.IE);
            return indefinite;
        }
        if (v.lo != 0) {
            env.raise(FpEnv.PE);
        }
        return v.sign != 0 ? -magnitude : magnitude;
    }

    /** The magnitude (below 2^64) of a finite value with exponent up to 63, rounded; the fraction stays in {@code v.lo}. */
    private static long magnitude(FpEnv env, FpValue v, int mode) {
        long whole = v.exp < 0 ? 0 : v.hi >>> 63 - v.exp;
        v.lo = fraction(v);
        boolean up = v.lo != 0 && Rounding.roundsUp(mode, v.sign, (whole & 1) != 0, v.lo);
        env.setRoundedUp(up);
        return up ? whole + 1 : whole;
    }

    private static long fraction(FpValue v) {
        if (v.exp < -1) {
            return 1;
        }
        return v.exp == 63 ? 0 : v.hi << v.exp + 1;
    }

    /** Rounds a value to an integral one by {@code mode}; raises #P if that changes it and {@code precise}. */
    static void toIntegral(FpEnv env, FpValue v, int mode, boolean precise) {
        env.setRoundedUp(false);
        if (v.kind != FpValue.FINITE || v.exp >= 63) {
            return;
        }
        long magnitude = magnitude(env, v, mode);
        if (v.lo != 0 && precise) {
            env.raise(FpEnv.PE);
        }
        v.setNormalized(v.sign, 63, magnitude, 0);
    }

    /** Unpacks a signed integer. */
    static void load(FpValue v, long value) {
        int sign = value < 0 ? 1 : 0;
        v.setNormalized(sign, 63, value < 0 ? -value : value, 0);
    }
}
