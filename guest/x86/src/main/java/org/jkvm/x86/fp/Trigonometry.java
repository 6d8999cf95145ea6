package org.jkvm.x86.fp;

/**
 * FSIN, FCOS and FPTAN, within one unit in the last place, for the value of pi that processors use: 66 bits
 * (SDM vol. 1, 8.3.8). Reduction by it is exact. Holds temporaries: one for each unit.
 */
public final class Trigonometry {
    /** pi/2 with 66 bits of significand: 0.C90FDAA2 2168C234 C * 2. */
    private static final long HALF_PI_HI = 0xc90fdaa22168c234L;
    private static final long HALF_PI_LO = 0xc000000000000000L;

    private final Series series = new Series();
    private final Wide reduced = new Wide();
    private final Wide p = new Wide();
    private final Wide q = new Wide();
    private final Wide s = new Wide();
    private final Wide t = new Wide();
    private int quadrant;

    /** to = sin x; false and nothing else if |x| is 2^63 or more (C2). */
    public boolean sine(FpEnv env, Float80 x, Float80 to) {
        return single(env, x, to, 0);
    }

    /** to = cos x; false and nothing else if |x| is 2^63 or more (C2). */
    public boolean cosine(FpEnv env, Float80 x, Float80 to) {
        return single(env, x, to, 1);
    }

    private boolean single(FpEnv env, Float80 x, Float80 to, int shift) {
        FpValue a = Float80Math.load(env, x);
        if (isTooLarge(a)) {
            return false;
        }
        if (!isSpecial(env, a)) {
            reduce(a);
            function(shift, p);
            p.storeInexact(env.r);
        } else if (shift == 1 && a.kind == FpValue.ZERO) {
            env.r.setFinite(0, 0, FpValue.TOP, 0);
        }
        Rounding.pack80(env, env.r, 64, to);
        return true;
    }

    /** to = tan x; false and nothing else if |x| is 2^63 or more (C2). */
    public boolean tangent(FpEnv env, Float80 x, Float80 to) {
        FpValue a = Float80Math.load(env, x);
        if (isTooLarge(a)) {
            return false;
        }
        if (!isSpecial(env, a)) {
            reduce(a);
            function(0, p);
            function(1, q);
            p.divide(q, s, t);
            p.storeInexact(env.r);
        }
        Rounding.pack80(env, env.r, 64, to);
        return true;
    }

    private static boolean isTooLarge(FpValue a) {
        return a.kind == FpValue.FINITE && a.exp >= 63;
    }

    /** Whether NaN, infinity, zero or an unmasked #D decides the result. */
    private static boolean isSpecial(FpEnv env, FpValue a) {
        if (FpMath.nanOperand(env, a, a, env.r)) {
            return true;
        }
        if (a.kind == FpValue.INFINITE) {
            FpMath.invalid(env, env.r);
            return true;
        }
        env.r.set(a);
        return a.kind == FpValue.ZERO || FpMath.denormalFault(env, a, a);
    }

    /** to = sin(x + shift * pi/2) of the reduced argument. */
    private void function(int shift, Wide to) {
        int turn = quadrant + shift;
        to.set(reduced);
        if ((turn & 1) == 0) {
            series.sine(to);
        } else {
            series.cosine(to);
        }
        if ((turn & 2) != 0) {
            to.negate();
        }
    }

    /** reduced = x - n * pi/2 with |reduced| up to pi/4; quadrant = n mod 4. */
    private void reduce(FpValue a) {
        reduced.set(a);
        quadrant = 0;
        if (a.exp < -1) {
            return;
        }
        reduced.sign = 0;
        // pi/2 has exponent 0: one quotient bit for each position from a's exponent down to 0.
        divide(a.exp < 0 ? 1 : 0, Math.max(a.exp, 0), a.hi);
        q.set(reduced).scale(1);
        p.setBits(0, HALF_PI_HI, HALF_PI_LO);
        if (!reduced.isZero() && q.compareMagnitude(p) > 0) {
            p.negate();
            reduced.add(p);
            quadrant++;
        }
        if (a.sign != 0) {
            reduced.negate();
            quadrant = -quadrant;
        }
    }

    /**
     * reduced = significand * 2^steps mod pi/2, bit by bit, and the quotient's low bits. Numbers stand one bit lower than in
     * {@link Wide}, for the doubling.
     */
    private void divide(int halving, int steps, long significand) {
        long hi = significand >>> 1 + halving;
        long lo = halving == 0 ? significand << 63 : significand << 62;
        long divisorHi = HALF_PI_HI >>> 1;
        long divisorLo = HALF_PI_HI << 63 | HALF_PI_LO >>> 1;
        for (int i = 0; ; i++) {
            quadrant <<= 1;
            int borrow = Long.compareUnsigned(lo, divisorLo) < 0 ? 1 : 0;
            if (Long.compareUnsigned(hi, divisorHi + borrow) >= 0) {
                hi -= divisorHi + borrow;
                lo -= divisorLo;
                quadrant |= 1;
            }
            if (i == steps) {
                reduced.setBits(1, hi, lo);
                return;
            }
            hi = hi << 1 | lo >>> 63;
            lo <<= 1;
        }
    }
}
