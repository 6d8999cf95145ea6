package org.jkvm.x86.fp;

/**
 * F2XM1, FYL2X, FYL2XP1 and FPATAN, within one unit in the last place of a 64-bit significand (SDM vol. 1, 8.3.10), rounded
 * by RC. Holds temporaries: one for each unit.
 */
public final class Transcendental {
    /** sqrt(2), the upper end of the mantissa's range in logarithms. */
    private static final long ROOT_2 = 0xb504f333f9de6484L;

    private final Series series = new Series();
    private final Wide p = new Wide();
    private final Wide q = new Wide();
    private final Wide s = new Wide();
    private final Wide t = new Wide();

    /** to = 2^x - 1, |x| up to 1; beyond that, where the manual defines nothing, x itself. */
    public void f2xm1(FpEnv env, Float80 x, Float80 to) {
        FpValue a = Float80Math.load(env, x);
        FpValue r = env.r;
        if (!FpMath.nanOperand(env, a, a, r) && !FpMath.denormalFault(env, a, a)) {
            if (a.kind == FpValue.INFINITE && a.sign != 0) {
                r.setFinite(1, 0, FpValue.TOP, 0);
            } else if (a.kind != FpValue.FINITE || a.exp > 0 || a.exp == 0 && a.hi != FpValue.TOP) {
                r.set(a);
            } else if (a.exp == 0) {
                r.setFinite(a.sign, -a.sign, FpValue.TOP, 0);
            } else {
                p.set(a).multiply(Series.LN_2);
                series.expMinus1(p);
                p.storeInexact(r);
            }
        }
        Rounding.pack80(env, r, 64, to);
    }

    /** to = y * log2 x (SDM vol. 2, table 3-50 for zeros and infinities). */
    public void yLog2X(FpEnv env, Float80 x, Float80 y, Float80 to) {
        Float80Math.load(env, x, y);
        yLog2X(env, env.a, env.b, env.r);
        Rounding.pack80(env, env.r, 64, to);
    }

    private void yLog2X(FpEnv env, FpValue a, FpValue b, FpValue r) {
        if (FpMath.nanOperand(env, a, b, r)) {
            return;
        }
        boolean one = a.kind == FpValue.FINITE && a.exp == 0 && a.hi == FpValue.TOP;
        boolean zeroTimesInfinity = one && b.kind == FpValue.INFINITE
            || b.kind == FpValue.ZERO && (a.kind == FpValue.ZERO || a.kind == FpValue.INFINITE);
        if (a.sign != 0 && a.kind != FpValue.ZERO || zeroTimesInfinity) {
            FpMath.invalid(env, r);
        } else if (a.kind == FpValue.ZERO) {
            logOfZero(env, b, r);
        } else if (!FpMath.denormalFault(env, a, b)) {
            boolean negative = a.kind == FpValue.FINITE && a.exp < 0;
            int sign = b.sign ^ (negative ? 1 : 0);
            if (a.kind == FpValue.INFINITE || b.kind == FpValue.INFINITE) {
                r.setInfinite(sign);
            } else if (one || b.kind == FpValue.ZERO) {
                r.setZero(sign);
            } else {
                logarithm(a);
                multiplyBy(b, a, r);
            }
        }
    }

    private static void logOfZero(FpEnv env, FpValue b, FpValue r) {
        if (b.kind == FpValue.FINITE) {
            env.raise(FpEnv.ZE);
        }
        r.setInfinite(b.sign ^ 1);
    }

    /** p = log2 of a positive value: exponent plus 2 atanh((m-1)/(m+1)) / ln 2 with the mantissa m near 1. */
    private void logarithm(FpValue a) {
        boolean high = Long.compareUnsigned(a.hi, ROOT_2) > 0;
        int exponent = high ? a.exp + 1 : a.exp;
        q.set(a);
        q.sign = 0;
        q.exp = high ? -1 : 0;
        p.set(q).add(s.set(-1));
        q.add(Series.ONE);
        logOfQuotient(exponent);
    }

    /** p = log2((1 + p/q) / (1 - p/q)) + exponent. */
    private void logOfQuotient(int exponent) {
        if (!p.isZero()) {
            p.divide(q, s, t);
            series.logOfRatio(p);
            p.multiply(Series.LOG2_E);
        }
        p.add(s.set(exponent));
    }

    /** r = p * b; exact where a is a power of two. */
    private void multiplyBy(FpValue b, FpValue a, FpValue r) {
        if (a.hi == FpValue.TOP) {
            q.set(b);
            p.multiply(q);
            r.setFinite(p.sign, p.exp, p.hi, p.lo);
        } else {
            p.multiply(q.set(b));
            p.storeInexact(r);
        }
    }

    /** to = y * log2(x + 1); for |x| up to 1 - sqrt(1/2) by the manual, here for x > -1, and x itself below. */
    public void yLog2XPlus1(FpEnv env, Float80 x, Float80 y, Float80 to) {
        Float80Math.load(env, x, y);
        yLog2XPlus1(env, env.a, env.b, env.r);
        Rounding.pack80(env, env.r, 64, to);
    }

    private void yLog2XPlus1(FpEnv env, FpValue a, FpValue b, FpValue r) {
        if (FpMath.nanOperand(env, a, b, r)) {
            return;
        }
        boolean zeroTimesInfinity = a.kind == FpValue.ZERO && b.kind == FpValue.INFINITE
            || a.kind == FpValue.INFINITE && b.kind == FpValue.ZERO;
        if (zeroTimesInfinity || a.kind == FpValue.INFINITE && a.sign != 0) {
            FpMath.invalid(env, r);
        } else if (!FpMath.denormalFault(env, a, b)) {
            if (a.kind == FpValue.INFINITE || b.kind == FpValue.INFINITE) {
                r.setInfinite(a.sign ^ b.sign);
            } else if (a.kind == FpValue.ZERO || b.kind == FpValue.ZERO) {
                r.setZero(a.sign ^ b.sign);
            } else if (a.sign != 0 && a.exp >= 0) {
                r.set(a);
                env.raise(FpEnv.PE);
            } else {
                logarithmPlus1(a);
                p.multiply(q.set(b));
                p.storeInexact(r);
            }
        }
    }

    /** p = log2(1 + a), a > -1. */
    private void logarithmPlus1(FpValue a) {
        if (a.exp >= -2) {
            // Far from zero 1 + a loses nothing that matters; take out the exponent.
            q.set(a).add(Series.ONE);
            boolean high = Long.compareUnsigned(q.hi, ROOT_2) > 0;
            int exponent = high ? q.exp + 1 : q.exp;
            q.exp = high ? -1 : 0;
            p.set(q).add(s.set(-1));
            q.add(Series.ONE);
            logOfQuotient(exponent);
        } else {
            p.set(a);
            q.set(a).add(s.set(2));
            logOfQuotient(0);
        }
    }

    /** to = the angle of the point (x, y), between -pi and pi (SDM vol. 2, table 3-30). */
    public void arctangent(FpEnv env, Float80 x, Float80 y, Float80 to) {
        Float80Math.load(env, x, y);
        arctangent(env, env.a, env.b, env.r);
        Rounding.pack80(env, env.r, 64, to);
    }

    private void arctangent(FpEnv env, FpValue a, FpValue b, FpValue r) {
        if (FpMath.nanOperand(env, a, b, r) || FpMath.denormalFault(env, a, b)) {
            return;
        }
        boolean flat = b.kind == FpValue.ZERO || a.kind == FpValue.INFINITE && b.kind != FpValue.INFINITE;
        if (flat && a.sign == 0) {
            r.setZero(b.sign);
            return;
        }
        if (flat) {
            p.set(Series.PI);
        } else if (a.kind == FpValue.ZERO || b.kind == FpValue.INFINITE && a.kind != FpValue.INFINITE) {
            p.set(Series.PI).scale(-1);
        } else if (a.kind == FpValue.INFINITE) {
            diagonal(a.sign);
        } else {
            angle(a, b);
        }
        p.sign = b.sign;
        p.storeInexact(r);
    }

    /** p = pi/4 or 3 pi/4. */
    private void diagonal(int sign) {
        p.set(Series.PI).scale(-2);
        if (sign != 0) {
            p.multiply(s.set(3));
        }
    }

    /** p = the angle of (x, |y|), both finite and not zero. */
    private void angle(FpValue x, FpValue y) {
        q.set(x);
        p.set(y);
        q.sign = 0;
        p.sign = 0;
        boolean steep = p.compareMagnitude(q) > 0;
        if (steep) {
            s.set(p);
            p.set(q);
            q.set(s);
        }
        p.divide(q, s, t);
        series.atan(p);
        if (steep) {
            p.negate().add(s.set(Series.PI).scale(-1));
        }
        if (x.sign != 0) {
            p.negate().add(Series.PI);
        }
    }
}
