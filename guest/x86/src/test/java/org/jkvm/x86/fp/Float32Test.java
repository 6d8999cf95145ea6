package org.jkvm.x86.fp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** binary32 against the JVM. */
class Float32Test {
    private static final int MXCSR = 0x1f80;
    private static final int CASES = 20_000;
    private static final long SEED = 32_261_121;

    /** An operation of ours beside the JVM's. */
    enum Op {
        ADD(Float32::add, (x, y) -> x + y),
        SUBTRACT(Float32::subtract, (x, y) -> x - y),
        MULTIPLY(Float32::multiply, (x, y) -> x * y),
        DIVIDE(Float32::divide, (x, y) -> x / y),
        SQUARE_ROOT((env, x, y) -> Float32.squareRoot(env, x), (x, y) -> (float) Math.sqrt(x));

        final Binary ours;
        final Jvm jvm;

        Op(Binary ours, Jvm jvm) {
            this.ours = ours;
            this.jvm = jvm;
        }
    }

    interface Binary {
        int apply(FpEnv env, int x, int y);
    }

    interface Jvm {
        float apply(float x, float y);
    }

    @ParameterizedTest
    @EnumSource
    void nearestMatchesTheJvmWithAndWithoutShortcut(Op op) {
        FpOperands random = new FpOperands(SEED);
        FpEnv env = FpEnv.sse();
        for (int i = 0; i < CASES; i++) {
            int x = random.float32();
            int y = random.float32();
            Float expected = op.jvm.apply(Float.intBitsToFloat(x), Float.intBitsToFloat(y));
            env.loadMxcsr(MXCSR);
            Float exact = Float.intBitsToFloat(op.ours.apply(env, x, y));
            int flags = env.flags();
            env.loadMxcsr(MXCSR | FpEnv.PE);
            Float quick = Float.intBitsToFloat(op.ours.apply(env, x, y));
            assertThat(exact).as("%s %x %x", op, x, y).isEqualTo(expected);
            assertThat(quick).as("%s %x %x", op, x, y).isEqualTo(expected);
            assertThat(env.flags()).as("%s %x %x", op, x, y).isEqualTo(flags | FpEnv.PE);
        }
    }

    @Test
    void narrowingMatchesTheJvmWithAndWithoutShortcut() {
        FpOperands random = new FpOperands(SEED + 1);
        FpEnv env = FpEnv.sse();
        for (int i = 0; i < CASES; i++) {
            long x = random.float64();
            Float expected = (float) Double.longBitsToDouble(x);
            env.loadMxcsr(MXCSR);
            assertThat(Float.valueOf(Float.intBitsToFloat(Float64.toFloat32(env, x)))).as("%x", x).isEqualTo(expected);
            env.loadMxcsr(MXCSR | FpEnv.PE);
            assertThat(Float.valueOf(Float.intBitsToFloat(Float64.toFloat32(env, x)))).as("%x", x).isEqualTo(expected);
        }
    }

    @Test
    void integersConvertAsInTheJvm() {
        FpOperands random = new FpOperands(SEED + 2);
        FpEnv env = FpEnv.sse();
        for (int i = 0; i < CASES; i++) {
            long value = random.significand();
            env.loadMxcsr(MXCSR);
            assertThat(Float.intBitsToFloat(Float32.fromInteger(env, value))).as("%d", value).isEqualTo(value);
            assertThat(Double.longBitsToDouble(Float64.fromInteger(env, value))).as("%d", value).isEqualTo(value);
        }
    }

    @Test
    void aResultThatRoundsUpToTheLeastNormalIsTinyOnlyIfItsFullPrecisionRoundingIs() {
        FpEnv env = FpEnv.sse();
        env.loadMxcsr(MXCSR);
        // (1 - 2^-24) * 2^-126: at 24 bits this is exact and tiny; as a denormal it rounds up to the least normal.
        int almost = Float.floatToRawIntBits(0x1.fffffep-1f);
        assertThat(Float32.multiply(env, almost, 0x00800000)).isEqualTo(0x00800000);
        assertThat(env.flags()).isEqualTo(FpEnv.UE | FpEnv.PE);
    }
}
