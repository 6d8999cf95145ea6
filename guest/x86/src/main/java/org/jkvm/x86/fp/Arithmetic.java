package org.jkvm.x86.fp;

/** The six dyadic operations of x87 arithmetic, in the order of ModRM.reg of opcode D8 (2 and 3 there compare). */
public enum Arithmetic {
    /** x + y. */
    ADD,
    /** x * y. */
    MULTIPLY,
    /** x - y. */
    SUBTRACT,
    /** y - x. */
    SUBTRACT_REVERSED,
    /** x / y. */
    DIVIDE,
    /** y / x. */
    DIVIDE_REVERSED;

    /** to = x op y, rounded to the environment's precision. */
    public void apply(FpEnv env, Float80 x, Float80 y, Float80 to) {
        if (env.isPlain() && plain(env, x, y, to)) {
            return;
        }
        first(env).load80(x.signExponent(), x.significand());
        second(env).load80(y.signExponent(), y.significand());
        finish(env, to);
    }

    /** to = x op a binary32. */
    public void applyFloat32(FpEnv env, Float80 x, int y, Float80 to) {
        first(env).load80(x.signExponent(), x.significand());
        second(env).load32(y, false);
        finish(env, to);
    }

    /** to = x op a binary64. */
    public void applyFloat64(FpEnv env, Float80 x, long y, Float80 to) {
        first(env).load80(x.signExponent(), x.significand());
        second(env).load64(y, false);
        finish(env, to);
    }

    /** to = x op a signed integer. */
    public void applyInteger(FpEnv env, Float80 x, long y, Float80 to) {
        first(env).load80(x.signExponent(), x.significand());
        Integers.load(second(env), y);
        finish(env, to);
    }

    private boolean plain(FpEnv env, Float80 x, Float80 y, Float80 to) {
        return switch (this) {
            case ADD -> Plain80.add(env, x, y, 0, to);
            case SUBTRACT -> Plain80.add(env, x, y, 0x8000, to);
            case SUBTRACT_REVERSED -> Plain80.add(env, y, x, 0x8000, to);
            case MULTIPLY -> Plain80.multiply(env, x, y, to);
            case DIVIDE, DIVIDE_REVERSED -> false;
        };
    }

    private boolean reversed() {
        return this == SUBTRACT_REVERSED || this == DIVIDE_REVERSED;
    }

    private FpValue first(FpEnv env) {
        return reversed() ? env.b : env.a;
    }

    private FpValue second(FpEnv env) {
        return reversed() ? env.a : env.b;
    }

    private void finish(FpEnv env, Float80 to) {
        switch (this) {
            case ADD -> FpMath.add(env);
            case MULTIPLY -> FpMath.multiply(env);
            case SUBTRACT, SUBTRACT_REVERSED -> FpMath.subtract(env);
            case DIVIDE, DIVIDE_REVERSED -> FpMath.divide(env);
        }
        Rounding.pack80(env, env.r, env.precision(), to);
    }
}
