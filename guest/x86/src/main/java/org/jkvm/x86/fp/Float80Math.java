package org.jkvm.x86.fp;

/**
 * What the x87 unit does with double-extended values, beside {@link Arithmetic}. Operands may be the same object as the
 * result. Roots are rounded to the environment's precision, everything else here to 64 bits (SDM vol. 1, 8.1.5.2).
 */
public final class Float80Math {
    private Float80Math() {
    }

    /** to = the square root of x. */
    public static void squareRoot(FpEnv env, Float80 x, Float80 to) {
        load(env, x);
        FpMath.squareRoot(env);
        Rounding.pack80(env, env.r, env.precision(), to);
    }

    /** Compares; returns one of {@link FpOrder}'s relations. A quiet NaN raises #I only if {@code signalling}. */
    public static int compare(FpEnv env, Float80 x, Float80 y, boolean signalling) {
        load(env, x, y);
        return FpOrder.compare(env, signalling);
    }

    /** Compares with a binary32, signalling. */
    public static int compareFloat32(FpEnv env, Float80 x, int y) {
        load(env, x);
        env.b.load32(y, false);
        return FpOrder.compare(env, true);
    }

    /** Compares with a binary64, signalling. */
    public static int compareFloat64(FpEnv env, Float80 x, long y) {
        load(env, x);
        env.b.load64(y, false);
        return FpOrder.compare(env, true);
    }

    /** Compares with a signed integer, signalling. */
    public static int compareInteger(FpEnv env, Float80 x, long y) {
        load(env, x);
        Integers.load(env.b, y);
        return FpOrder.compare(env, true);
    }

    /** to = x rounded to an integral value by RC (FRNDINT). */
    public static void roundToIntegral(FpEnv env, Float80 x, Float80 to) {
        FpValue v = load(env, x);
        if (!FpMath.nanOperand(env, v, v, env.r) && !FpMath.denormalFault(env, v, v)) {
            env.r.set(v);
            Integers.toIntegral(env, env.r, env.rounding(), true);
        }
        boolean up = env.roundedUp();
        Rounding.pack80(env, env.r, 64, to);
        env.setRoundedUp(up);
    }

    /** to = a binary32: quiets NaNs, raises #D (FLD m32fp). */
    public static void fromFloat32(FpEnv env, int bits, Float80 to) {
        env.a.load32(bits, false);
        widen(env, to);
    }

    /** to = a binary64: quiets NaNs, raises #D (FLD m64fp). */
    public static void fromFloat64(FpEnv env, long bits, Float80 to) {
        env.a.load64(bits, false);
        widen(env, to);
    }

    private static void widen(FpEnv env, Float80 to) {
        FpValue v = env.a;
        boolean decided = FpMath.nanOperand(env, v, v, env.r) || FpMath.denormalFault(env, v, v);
        Rounding.pack80(env, decided ? env.r : v, 64, to);
    }

    /** x as a binary32; a denormal operand is no exception here (FST m32fp). */
    public static int toFloat32(FpEnv env, Float80 x) {
        return Rounding.pack32(env, quieted(env, x));
    }

    /** x as a binary64; a denormal operand is no exception here (FST m64fp). */
    public static long toFloat64(FpEnv env, Float80 x) {
        return Rounding.pack64(env, quieted(env, x));
    }

    private static FpValue quieted(FpEnv env, Float80 x) {
        FpValue v = load(env, x);
        return FpMath.nanOperand(env, v, v, env.r) ? env.r : v;
    }

    /** to = a signed integer; always exact. */
    public static void fromInteger(FpEnv env, long value, Float80 to) {
        Integers.load(env.r, value);
        Rounding.pack80(env, env.r, 64, to);
    }

    /** x as a signed integer of {@code width} bits (16, 32 or 64), rounded by {@code mode} (an RC value). */
    public static long toInteger(FpEnv env, Float80 x, int width, int mode) {
        return Integers.toInteger(env, load(env, x), width, mode);
    }

    /** to = x * 2^trunc(scale) (FSCALE; SDM vol. 2, table 3-28). */
    public static void scale(FpEnv env, Float80 x, Float80 scale, Float80 to) {
        load(env, x, scale);
        scale(env, env.a, env.b, env.r);
        Rounding.pack80(env, env.r, 64, to);
    }

    private static void scale(FpEnv env, FpValue a, FpValue b, FpValue r) {
        if (FpMath.nanOperand(env, a, b, r)) {
            return;
        }
        if (b.kind == FpValue.INFINITE) {
            scaleByInfinity(env, a, b, r);
        } else if (!FpMath.denormalFault(env, a, b)) {
            r.set(a);
            r.exp += truncated(b);
        }
    }

    private static void scaleByInfinity(FpEnv env, FpValue a, FpValue b, FpValue r) {
        int impossible = b.sign == 0 ? FpValue.ZERO : FpValue.INFINITE;
        if (a.kind == impossible) {
            FpMath.invalid(env, r);
        } else if (!FpMath.denormalFault(env, a, b)) {
            if (b.sign == 0) {
                r.setInfinite(a.sign);
            } else {
                r.setZero(a.sign);
            }
        }
    }

    /** A scale as an integer, cut off where any result is far out of range. */
    private static int truncated(FpValue b) {
        if (b.kind == FpValue.ZERO || b.exp < 0) {
            return 0;
        }
        int magnitude = b.exp > 16 ? 1 << 17 : (int) (b.hi >>> 63 - b.exp);
        return b.sign != 0 ? -magnitude : magnitude;
    }

    /** Splits x into its unbiased exponent and its significand, both as values (FXTRACT). */
    public static void extract(FpEnv env, Float80 x, Float80 exponent, Float80 significand) {
        FpValue a = load(env, x);
        if (FpMath.nanOperand(env, a, a, env.r)) {
            Rounding.pack80(env, env.r, 64, significand);
            exponent.set(significand);
        } else if (a.kind == FpValue.ZERO) {
            env.raise(FpEnv.ZE);
            significand.set(x);
            exponent.set(0xffff, FpValue.TOP);
        } else if (a.kind == FpValue.INFINITE) {
            significand.set(x);
            exponent.set(0x7fff, FpValue.TOP);
        } else if (!FpMath.denormalFault(env, a, a)) {
            significand.set(a.sign << 15 | FpValue.BIAS80, a.hi);
            fromInteger(env, a.exp, exponent);
        }
    }

    static FpValue load(FpEnv env, Float80 x) {
        env.a.load80(x.signExponent(), x.significand());
        return env.a;
    }

    static void load(FpEnv env, Float80 x, Float80 y) {
        env.a.load80(x.signExponent(), x.significand());
        env.b.load80(y.signExponent(), y.significand());
    }
}
