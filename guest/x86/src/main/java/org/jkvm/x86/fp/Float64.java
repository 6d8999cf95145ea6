package org.jkvm.x86.fp;

/**
 * binary64 arithmetic on raw bits, with SSE's results, flags and masked responses (SDM vol. 1, 4.8, 4.9 and 11.5). Where the
 * environment allows it the JVM's own arithmetic is used: its results are the correctly rounded ones (JLS 15.4), and they
 * stand if nothing but #P can have happened.
 */
public final class Float64 {
    private static final long SIGN = Long.MIN_VALUE;
    private static final long ONE_EXPONENT = 0x0010000000000000L;
    private static final long SPECIAL = 0x7ff0000000000000L;
    /** Integers up to here have 53 bits. */
    private static final long LAST_EXACT = 1L << 53;

    private Float64() {
    }

    /** x + y. */
    public static long add(FpEnv env, long x, long y) {
        if (env.quick()) {
            long result = Double.doubleToRawLongBits(Double.longBitsToDouble(x) + Double.longBitsToDouble(y));
            if (isUsual(x) && isUsual(y) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        FpMath.add(env);
        return pack(env);
    }

    /** x - y. */
    public static long subtract(FpEnv env, long x, long y) {
        if (env.quick()) {
            long result = Double.doubleToRawLongBits(Double.longBitsToDouble(x) - Double.longBitsToDouble(y));
            if (isUsual(x) && isUsual(y) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        FpMath.subtract(env);
        return pack(env);
    }

    /** x * y. */
    public static long multiply(FpEnv env, long x, long y) {
        if (env.quick()) {
            long result = Double.doubleToRawLongBits(Double.longBitsToDouble(x) * Double.longBitsToDouble(y));
            if (isUsual(x) && isUsual(y) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        FpMath.multiply(env);
        return pack(env);
    }

    /** x * y + z, rounded once, with the product or the addend negated; the first NaN counts. */
    public static long multiplyAdd(FpEnv env, long x, long y, long z, boolean negateProduct, boolean negateAddend) {
        if (env.quick()) {
            double product = Double.longBitsToDouble(negateProduct ? x ^ SIGN : x);
            double addend = Double.longBitsToDouble(negateAddend ? z ^ SIGN : z);
            long result = Double.doubleToRawLongBits(Math.fma(product, Double.longBitsToDouble(y), addend));
            if (isUsual(x) && isUsual(y) && isUsual(z) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        env.c.load64(z, env.daz());
        FusedMath.multiplyAdd(env, negateProduct, negateAddend);
        return pack(env);
    }

    /** x / y. */
    public static long divide(FpEnv env, long x, long y) {
        if (env.quick()) {
            long result = Double.doubleToRawLongBits(Double.longBitsToDouble(x) / Double.longBitsToDouble(y));
            if (isUsual(x) && isUsual(y) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        FpMath.divide(env);
        return pack(env);
    }

    /** The square root of x. */
    public static long squareRoot(FpEnv env, long x) {
        if (env.quick()) {
            long result = Double.doubleToRawLongBits(Math.sqrt(Double.longBitsToDouble(x)));
            if (isUsual(x) && isSafe(result)) {
                return result;
            }
        }
        load(env, x);
        FpMath.squareRoot(env);
        return pack(env);
    }

    /** MIN: the second operand if they are equal, both zero or unordered; any NaN is #I (SDM vol. 2, MINSD). */
    public static long min(FpEnv env, long x, long y) {
        return select(env, x, y, FpOrder.LESS);
    }

    /** MAX, with the same rules as {@link #min}. */
    public static long max(FpEnv env, long x, long y) {
        return select(env, x, y, FpOrder.GREATER);
    }

    private static long select(FpEnv env, long x, long y, int wanted) {
        return compare(env, x, y, true) == wanted ? flush(env, x) : flush(env, y);
    }

    /** An operand as the unit sees it: with DAZ, a denormal is a zero. */
    private static long flush(FpEnv env, long x) {
        return env.daz() && (x & SPECIAL) == 0 ? x & SIGN : x;
    }

    /** Compares; returns one of {@link FpOrder}'s relations. A quiet NaN raises #I only if {@code signalling}. */
    public static int compare(FpEnv env, long x, long y, boolean signalling) {
        double a = Double.longBitsToDouble(x);
        double b = Double.longBitsToDouble(y);
        if (isUsual(x) && isUsual(y) && !Double.isNaN(a) && !Double.isNaN(b)) {
            return a < b ? FpOrder.LESS : a > b ? FpOrder.GREATER : FpOrder.EQUAL;
        }
        load(env, x, y);
        return FpOrder.compare(env, signalling);
    }

    /** Converts to a signed 32-bit integer, rounding by {@code mode} (an RC value). */
    public static int toInt32(FpEnv env, long x, int mode) {
        double value = Double.longBitsToDouble(x);
        if (mode == FpEnv.TRUNCATE && isUsual(x) && Math.abs(value) < 0x1p31) {
            return (int) truncate(env, value);
        }
        return (int) Integers.toInteger(env, load(env, x), 32, mode);
    }

    /** Converts to a signed 64-bit integer, rounding by {@code mode} (an RC value). */
    public static long toInt64(FpEnv env, long x, int mode) {
        double value = Double.longBitsToDouble(x);
        if (mode == FpEnv.TRUNCATE && isUsual(x) && Math.abs(value) < 0x1p63) {
            return truncate(env, value);
        }
        return Integers.toInteger(env, load(env, x), 64, mode);
    }

    /** Truncates a number in range as the JVM does (JLS 5.1.3), and raises #P if it has a fraction. */
    static long truncate(FpEnv env, double value) {
        long whole = (long) value;
        if (whole != value) {
            env.raise(FpEnv.PE);
        }
        return whole;
    }

    /** Converts from a signed integer. */
    public static long fromInteger(FpEnv env, long value) {
        if (Math.abs(value) <= LAST_EXACT && value != Long.MIN_VALUE) {
            return Double.doubleToRawLongBits(value);
        }
        Integers.load(env.r, value);
        return pack(env);
    }

    /** Rounds to an integral value by {@code mode} (an RC value); raises #P only if {@code precise}, never #D (ROUNDSD). */
    public static long roundToIntegral(FpEnv env, long x, int mode, boolean precise) {
        FpValue v = load(env, x);
        if (!FpMath.nanOperand(env, v, v, env.r)) {
            env.r.set(v);
            Integers.toIntegral(env, env.r, mode, precise);
        }
        return pack(env);
    }

    /** Narrows to a binary32 (CVTSD2SS). */
    public static int toFloat32(FpEnv env, long x) {
        if (env.quick()) {
            int result = Float.floatToRawIntBits((float) Double.longBitsToDouble(x));
            if (Float32.isSafe(result)) {
                return result;
            }
        }
        return Float32.convert(env, load(env, x));
    }

    /** Rounds an unpacked value to this format, quieting NaNs. */
    static long convert(FpEnv env, FpValue v) {
        return FpMath.nanOperand(env, v, v, env.r) || FpMath.denormalFault(env, v, v) ? pack(env) : Rounding.pack64(env, v);
    }

    /** Whether a result is normal, and not the least normal magnitude, which a tiny result may have been rounded to. */
    static boolean isSafe(long bits) {
        long magnitude = bits & ~SIGN;
        return magnitude > ONE_EXPONENT && magnitude < SPECIAL;
    }

    /** Whether an operand is normal or zero: no #D. */
    private static boolean isUsual(long bits) {
        return (bits & SPECIAL) != 0 || bits << 1 == 0;
    }

    private static FpValue load(FpEnv env, long x) {
        env.a.load64(x, env.daz());
        return env.a;
    }

    private static void load(FpEnv env, long x, long y) {
        env.a.load64(x, env.daz());
        env.b.load64(y, env.daz());
    }

    private static long pack(FpEnv env) {
        return Rounding.pack64(env, env.r);
    }
}
