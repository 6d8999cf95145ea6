package org.jkvm.x86.fp;

/**
 * a * b + c with one rounding, on unpacked values, as {@link FpMath} does for its operations; the result is exact but for
 * jammed low bits. Rules for NaNs and invalid operations: SDM vol. 1, tables 14-17 and 14-18.
 */
final class FusedMath {
    private FusedMath() {
    }

    /** r = (-)a * b (-) c; a NaN keeps its sign. */
    static void multiplyAdd(FpEnv env, boolean negateProduct, boolean negateAddend) {
        FpValue a = env.a;
        FpValue b = env.b;
        FpValue c = env.c;
        if (nanOperand(env)) {
            return;
        }
        int sign = a.sign ^ b.sign ^ (negateProduct ? 1 : 0);
        c.sign ^= negateAddend ? 1 : 0;
        int kinds = a.kind | b.kind;
        boolean infinite = (kinds & FpValue.INFINITE) != 0;
        boolean cancels = infinite && c.kind == FpValue.INFINITE && sign != c.sign;
        if (kinds == (FpValue.ZERO | FpValue.INFINITE) || cancels) {
            FpMath.invalid(env, env.r);
        } else if (!denormalFault(env)) {
            if (infinite) {
                env.r.setInfinite(sign);
            } else if (kinds != FpValue.FINITE || c.kind == FpValue.INFINITE) {
                addToZero(env, sign);
            } else {
                FpMath.multiplyFinite(a, b, env.r);
                env.r.sign = sign;
                add(env);
            }
        }
    }

    /** The product is zero, or does not count beside an infinity. */
    private static void addToZero(FpEnv env, int sign) {
        FpValue c = env.c;
        if (c.kind == FpValue.ZERO) {
            env.r.setZero(sign == c.sign ? sign : FpMath.exactZeroSign(env));
        } else {
            env.r.set(c);
        }
    }

    /** r = r + c: the product has up to 128 bits, so that what is shifted out of the smaller one can only be sticky. */
    private static void add(FpEnv env) {
        FpValue c = env.c;
        FpValue r = env.r;
        if (c.kind == FpValue.ZERO) {
            return;
        }
        // An addend has no low half, so a product with the same high half is no smaller.
        boolean productIsLarge = r.exp > c.exp || r.exp == c.exp && Long.compareUnsigned(r.hi, c.hi) >= 0;
        FpValue large = productIsLarge ? r : c;
        FpValue small = productIsLarge ? c : r;
        int shift = large.exp - small.exp;
        if (shift != 0) {
            small.shiftRightJam(shift);
        }
        if (large.sign == small.sign) {
            sum(large, small, r);
        } else {
            difference(env, large, small, r);
        }
    }

    private static void sum(FpValue large, FpValue small, FpValue r) {
        long lo = large.lo + small.lo;
        long carry = Long.compareUnsigned(lo, large.lo) < 0 ? 1 : 0;
        long hi = large.hi + small.hi + carry;
        boolean overflows = Long.compareUnsigned(hi, large.hi) < 0 || hi == large.hi && (small.hi | carry) != 0;
        if (overflows) {
            r.setFinite(large.sign, large.exp + 1, hi >>> 1 | FpValue.TOP, hi << 63 | lo >>> 1 | lo & 1);
        } else {
            r.setFinite(large.sign, large.exp, hi, lo);
        }
    }

    private static void difference(FpEnv env, FpValue large, FpValue small, FpValue r) {
        int sign = large.sign;
        long lo = large.lo - small.lo;
        long hi = large.hi - small.hi - (Long.compareUnsigned(large.lo, small.lo) < 0 ? 1 : 0);
        r.setNormalized(sign, large.exp, hi, lo);
        if (r.kind == FpValue.ZERO) {
            r.sign = FpMath.exactZeroSign(env);
        }
    }

    /** The first NaN of a, b and c decides the result; a signalling one raises #I. */
    private static boolean nanOperand(FpEnv env) {
        int kinds = env.a.kind | env.b.kind | env.c.kind;
        if (kinds < FpValue.QNAN) {
            return false;
        }
        if ((kinds & FpValue.SNAN) != 0) {
            env.raise(FpEnv.IE);
        }
        env.r.setQuiet(env.a.isNan() ? env.a : env.b.isNan() ? env.b : env.c);
        return true;
    }

    private static boolean denormalFault(FpEnv env) {
        return FpMath.denormalFault(env, env.a, env.b) || FpMath.denormalFault(env, env.c, env.c);
    }
}
