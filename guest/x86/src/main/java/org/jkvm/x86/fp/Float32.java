package org.jkvm.x86.fp;

/**
 * binary32 arithmetic on raw bits, with SSE's results, flags and masked responses (SDM vol. 1, 4.8, 4.9 and 11.5). Where the
 * environment allows it the JVM's own arithmetic is used: its results are the correctly rounded ones (JLS 15.4), and they
 * stand if nothing but #P can have happened.
 */
public final class Float32 {
    private static final int SIGN = Integer.MIN_VALUE;
    private static final int ONE_EXPONENT = 0x00800000;
    private static final int SPECIAL = 0x7f800000;
    /** Integers up to here have 24 bits. */
    private static final long LAST_EXACT = 1L << 24;

    private Float32() {
    }

    /** x + y. */
    public static int add(FpEnv env, int x, int y) {
        if (env.quick()) {
            int result = Float.floatToRawIntBits(Float.intBitsToFloat(x) + Float.intBitsToFloat(y));
            if (isUsual(x) && isUsual(y) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        FpMath.add(env);
        return pack(env);
    }

    /** x - y. */
    public static int subtract(FpEnv env, int x, int y) {
        if (env.quick()) {
            int result = Float.floatToRawIntBits(Float.intBitsToFloat(x) - Float.intBitsToFloat(y));
            if (isUsual(x) && isUsual(y) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        FpMath.subtract(env);
        return pack(env);
    }

    /** x * y. */
    public static int multiply(FpEnv env, int x, int y) {
        if (env.quick()) {
            int result = Float.floatToRawIntBits(Float.intBitsToFloat(x) * Float.intBitsToFloat(y));
            if (isUsual(x) && isUsual(y) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        FpMath.multiply(env);
        return pack(env);
    }

    /** x * y + z, rounded once, with the product or the addend negated; the first NaN counts. */
    public static int multiplyAdd(FpEnv env, int x, int y, int z, boolean negateProduct, boolean negateAddend) {
        if (env.quick()) {
            float product = Float.intBitsToFloat(negateProduct ? x ^ SIGN : x);
            float addend = Float.intBitsToFloat(negateAddend ? z ^ SIGN : z);
            int result = Float.floatToRawIntBits(Math.fma(product, Float.intBitsToFloat(y), addend));
            if (isUsual(x) && isUsual(y) && isUsual(z) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        env.c.load32(z, env.daz());
        FusedMath.multiplyAdd(env, negateProduct, negateAddend);
        return pack(env);
    }

    /** x / y. */
    public static int divide(FpEnv env, int x, int y) {
        if (env.quick()) {
            int result = Float.floatToRawIntBits(Float.intBitsToFloat(x) / Float.intBitsToFloat(y));
            if (isUsual(x) && isUsual(y) && isSafe(result)) {
                return result;
            }
        }
        load(env, x, y);
        FpMath.divide(env);
        return pack(env);
    }

    /** The square root of x. */
    public static int squareRoot(FpEnv env, int x) {
        if (env.quick()) {
            int result = Float.floatToRawIntBits((float) Math.sqrt(Float.intBitsToFloat(x)));
            if (isUsual(x) && isSafe(result)) {
                return result;
            }
        }
        load(env, x);
        FpMath.squareRoot(env);
        return pack(env);
    }

    /** MIN: the second operand if they are equal, both zero or unordered; any NaN is #I (SDM vol. 2, MINSD). */
    public static int min(FpEnv env, int x, int y) {
        return select(env, x, y, FpOrder.LESS);
    }

    /** MAX, with the same rules as {@link #min}. */
    public static int max(FpEnv env, int x, int y) {
        return select(env, x, y, FpOrder.GREATER);
    }

    private static int select(FpEnv env, int x, int y, int wanted) {
        return compare(env, x, y, true) == wanted ? flush(env, x) : flush(env, y);
    }

    /** An operand as the unit sees it: with DAZ, a denormal is a zero. */
    private static int flush(FpEnv env, int x) {
        return env.daz() && (x & SPECIAL) == 0 ? x & SIGN : x;
    }

    /** Compares; returns one of {@link FpOrder}'s relations. A quiet NaN raises #I only if {@code signalling}. */
    public static int compare(FpEnv env, int x, int y, boolean signalling) {
        float a = Float.intBitsToFloat(x);
        float b = Float.intBitsToFloat(y);
        if (isUsual(x) && isUsual(y) && !Float.isNaN(a) && !Float.isNaN(b)) {
            return a < b ? FpOrder.LESS : a > b ? FpOrder.GREATER : FpOrder.EQUAL;
        }
        load(env, x, y);
        return FpOrder.compare(env, signalling);
    }

    /** Converts to a signed 32-bit integer, rounding by {@code mode} (an RC value). */
    public static int toInt32(FpEnv env, int x, int mode) {
        float value = Float.intBitsToFloat(x);
        if (mode == FpEnv.TRUNCATE && isUsual(x) && Math.abs(value) < 0x1p31f) {
            return (int) Float64.truncate(env, value);
        }
        return (int) Integers.toInteger(env, load(env, x), 32, mode);
    }

    /** Converts to a signed 64-bit integer, rounding by {@code mode} (an RC value). */
    public static long toInt64(FpEnv env, int x, int mode) {
        return Integers.toInteger(env, load(env, x), 64, mode);
    }

    /** Converts from a signed integer. */
    public static int fromInteger(FpEnv env, long value) {
        if (Math.abs(value) <= LAST_EXACT && value != Long.MIN_VALUE) {
            return Float.floatToRawIntBits(value);
        }
        Integers.load(env.r, value);
        return pack(env);
    }

    /** Rounds to an integral value by {@code mode} (an RC value); raises #P only if {@code precise}, never #D (ROUNDSD). */
    public static int roundToIntegral(FpEnv env, int x, int mode, boolean precise) {
        FpValue v = load(env, x);
        if (!FpMath.nanOperand(env, v, v, env.r)) {
            env.r.set(v);
            Integers.toIntegral(env, env.r, mode, precise);
        }
        return pack(env);
    }

    /** Widens to a binary64 (CVTSS2SD). */
    public static long toFloat64(FpEnv env, int x) {
        float value = Float.intBitsToFloat(x);
        if (isUsual(x) && !Float.isNaN(value)) {
            return Double.doubleToRawLongBits(value);
        }
        return Float64.convert(env, load(env, x));
    }

    /** Rounds an unpacked value to this format, quieting NaNs. */
    static int convert(FpEnv env, FpValue v) {
        return FpMath.nanOperand(env, v, v, env.r) || FpMath.denormalFault(env, v, v) ? pack(env) : Rounding.pack32(env, v);
    }

    /** Whether a result is normal, and not the least normal magnitude, which a tiny result may have been rounded to. */
    static boolean isSafe(int bits) {
        int magnitude = bits & ~SIGN;
        return magnitude > ONE_EXPONENT && magnitude < SPECIAL;
    }

    /** Whether an operand is normal or zero: no #D. */
    private static boolean isUsual(int bits) {
        return (bits & SPECIAL) != 0 || bits << 1 == 0;
    }

    private static FpValue load(FpEnv env, int x) {
        env.a.load32(x, env.daz());
        return env.a;
    }

    private static void load(FpEnv env, int x, int y) {
        env.a.load32(x, env.daz());
        env.b.load32(y, env.daz());
    }

    private static int pack(FpEnv env) {
        return Rounding.pack32(env, env.r);
    }
}
