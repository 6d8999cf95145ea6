package org.jkvm.x86.fp;

/** FPREM and FPREM1: the exact partial remainder, with the low bits of the quotient (SDM vol. 2, FPREM, FPREM1). */
public final class Remainder {
    /** Set in the answer when the reduction is incomplete (C2). */
    public static final int INCOMPLETE = 8;

    private Remainder() {
    }

    /**
     * to = x - q * y, where q is x / y truncated, or rounded to nearest even if {@code nearest}.
     *
     * @return the low three bits of q, or {@link #INCOMPLETE} with to = x reduced by part of the quotient
     */
    public static int of(FpEnv env, Float80 x, Float80 y, boolean nearest, Float80 to) {
        Float80Math.load(env, x, y);
        int quotient = reduce(env, env.a, env.b, nearest);
        Rounding.pack80(env, env.r, 64, to);
        return quotient;
    }

    private static int reduce(FpEnv env, FpValue a, FpValue b, boolean nearest) {
        FpValue r = env.r;
        if (FpMath.nanOperand(env, a, b, r)) {
            return 0;
        }
        if (a.kind == FpValue.INFINITE || b.kind == FpValue.ZERO) {
            FpMath.invalid(env, r);
            return 0;
        }
        if (FpMath.denormalFault(env, a, b)) {
            return 0;
        }
        if (a.kind == FpValue.ZERO || b.kind == FpValue.INFINITE || a.exp < b.exp - 1) {
            r.set(a);
            return 0;
        }
        return reduceFinite(a, b, nearest, r);
    }

    private static int reduceFinite(FpValue a, FpValue b, boolean nearest, FpValue r) {
        int distance = a.exp - b.exp;
        if (distance >= 64) {
            // "An implementation-dependent number between 32 and 63" of quotient bits: what the first 387 did, and every
            // processor since: all but a multiple of 32.
            int steps = distance & 31 | 32;
            divide(a.hi, b.hi, steps, r);
            r.setNormalized(a.sign, a.exp - steps, r.hi, 0);
            return INCOMPLETE;
        }
        long quotient = distance < 0 ? 0 : divide(a.hi, b.hi, distance, r);
        long rest = distance < 0 ? a.hi : r.hi;
        if (nearest && roundsUp(rest, b.hi, distance < 0, (quotient & 1) != 0)) {
            return roundUp(a, b, rest, distance, quotient, r);
        }
        r.setNormalized(a.sign, distance < 0 ? a.exp : b.exp, rest, 0);
        return (int) quotient & 7;
    }

    /** Whether rest (of half its weight if {@code halved}) exceeds half the divisor, or is half of it and q is odd. */
    private static boolean roundsUp(long rest, long divisor, boolean halved, boolean odd) {
        int order = halved ? Long.compareUnsigned(rest, divisor) : rest < 0 ? 1 : Long.compareUnsigned(rest << 1, divisor);
        return order > 0 || order == 0 && odd;
    }

    /** The remainder becomes negative: divisor - rest, with the other sign. */
    private static int roundUp(FpValue a, FpValue b, long rest, int distance, long quotient, FpValue r) {
        long high = distance < 0 ? b.hi - (rest >>> 1) - (rest & 1) : b.hi - rest;
        long low = distance < 0 ? rest << 63 : 0;
        r.setNormalized(a.sign ^ 1, b.exp, high, low);
        return (int) (quotient + 1) & 7;
    }

    /** {@code steps} + 1 bits of the quotient of two top-aligned numbers; leaves the remainder in r.hi. */
    private static long divide(long dividend, long divisor, int steps, FpValue r) {
        long rest = dividend;
        long quotient = 0;
        boolean carry = false;
        for (int i = 0; ; i++) {
            quotient <<= 1;
            if (carry || Long.compareUnsigned(rest, divisor) >= 0) {
                rest -= divisor;
                quotient |= 1;
            }
            if (i == steps) {
                r.hi = rest;
                return quotient;
            }
            carry = rest < 0;
            rest <<= 1;
        }
    }
}
