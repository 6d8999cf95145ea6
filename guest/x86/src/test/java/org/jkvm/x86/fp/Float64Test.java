package org.jkvm.x86.fp;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.function.DoubleBinaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** binary64 against the JVM (nearest) and against exact decimals (directed rounding). */
class Float64Test {
    private static final int MXCSR = 0x1f80;
    private static final int CASES = 20_000;
    private static final long SEED = 20_261_121;

    /** An operation of ours beside the JVM's. */
    enum Op {
        ADD(Float64::add, (x, y) -> x + y),
        SUBTRACT(Float64::subtract, (x, y) -> x - y),
        MULTIPLY(Float64::multiply, (x, y) -> x * y),
        DIVIDE(Float64::divide, (x, y) -> x / y),
        SQUARE_ROOT((env, x, y) -> Float64.squareRoot(env, x), (x, y) -> Math.sqrt(x));

        final Binary ours;
        final DoubleBinaryOperator jvm;

        Op(Binary ours, DoubleBinaryOperator jvm) {
            this.ours = ours;
            this.jvm = jvm;
        }
    }

    interface Binary {
        long apply(FpEnv env, long x, long y);
    }

    @ParameterizedTest
    @EnumSource
    void nearestMatchesTheJvm(Op op) {
        FpOperands random = new FpOperands(SEED);
        FpEnv env = FpEnv.sse();
        for (int i = 0; i < CASES; i++) {
            long x = random.float64();
            long y = random.float64();
            env.loadMxcsr(MXCSR);
            double ours = Double.longBitsToDouble(op.ours.apply(env, x, y));
            double theirs = op.jvm.applyAsDouble(Double.longBitsToDouble(x), Double.longBitsToDouble(y));
            assertThat(Double.valueOf(ours)).as("%s %x %x", op, x, y).isEqualTo(Double.valueOf(theirs));
        }
    }

    @ParameterizedTest
    @EnumSource
    void theShortcutChangesNothing(Op op) {
        FpOperands random = new FpOperands(SEED + 1);
        FpEnv quick = FpEnv.sse();
        FpEnv exact = FpEnv.sse();
        for (int i = 0; i < CASES; i++) {
            long x = random.float64();
            long y = random.float64();
            quick.loadMxcsr(MXCSR | FpEnv.PE);
            exact.loadMxcsr(MXCSR);
            assertThat(op.ours.apply(quick, x, y)).as("%s %x %x", op, x, y).isEqualTo(op.ours.apply(exact, x, y));
            assertThat(quick.flags()).as("%s %x %x", op, x, y).isEqualTo(exact.flags() | FpEnv.PE);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ADD", "SUBTRACT", "MULTIPLY"})
    void directedRoundingBracketsTheExactResult(Op op) {
        FpOperands random = new FpOperands(SEED + 2);
        FpEnv env = FpEnv.sse();
        for (int i = 0; i < CASES / 4; i++) {
            // Moderate exponents keep the exact decimals short.
            long x = random.float64() & 0x800fffffffffffffL | 1023L + random.below(64) << 52;
            long y = random.float64() & 0x800fffffffffffffL | 1023L + random.below(64) << 52;
            double down = round(op, env, FpEnv.DOWN, x, y);
            double up = round(op, env, FpEnv.UP, x, y);
            double toZero = round(op, env, FpEnv.TRUNCATE, x, y);
            BigDecimal exact = exact(op, x, y);
            assertThat(new BigDecimal(down)).as("%s %x %x", op, x, y).isLessThanOrEqualTo(exact);
            assertThat(new BigDecimal(up)).as("%s %x %x", op, x, y).isGreaterThanOrEqualTo(exact);
            assertThat(toZero).isEqualTo(exact.signum() > 0 ? down : up);
            assertThat(up).isEqualTo((env.flags() & FpEnv.PE) != 0 ? Math.nextUp(down) : down);
        }
    }

    private static double round(Op op, FpEnv env, int mode, long x, long y) {
        env.loadMxcsr(MXCSR | mode << 13);
        // The sign of an exact zero depends on the mode; adding zero makes it positive.
        return Double.longBitsToDouble(op.ours.apply(env, x, y)) + 0.0;
    }

    private static BigDecimal exact(Op op, long xBits, long yBits) {
        BigDecimal x = new BigDecimal(Double.longBitsToDouble(xBits));
        BigDecimal y = new BigDecimal(Double.longBitsToDouble(yBits));
        return switch (op) {
            case ADD -> x.add(y);
            case SUBTRACT -> x.subtract(y);
            case MULTIPLY -> x.multiply(y);
            case DIVIDE, SQUARE_ROOT -> throw new IllegalArgumentException(op.name());
        };
    }

    @Test
    void flushToZeroReportsUnderflow() {
        FpEnv env = FpEnv.sse();
        env.loadMxcsr(MXCSR | 0x8000);
        long half = Double.doubleToRawLongBits(0.5);
        assertThat(Float64.multiply(env, Double.doubleToRawLongBits(-Double.MIN_NORMAL), half)).isEqualTo(Long.MIN_VALUE);
        assertThat(env.flags()).isEqualTo(FpEnv.UE | FpEnv.PE);
    }

    @Test
    void denormalsAreZeroHidesTheOperand() {
        FpEnv env = FpEnv.sse();
        env.loadMxcsr(MXCSR | 0x40);
        assertThat(Float64.add(env, 1, 1)).isZero();
        assertThat(env.flags()).isZero();
    }

    @Test
    void anExactDenormalIsNoUnderflowWhenMaskedAndOneWhenNot() {
        FpEnv env = FpEnv.sse();
        long half = Double.doubleToRawLongBits(0.5);
        long least = Double.doubleToRawLongBits(Double.MIN_NORMAL);
        env.loadMxcsr(MXCSR);
        assertThat(Float64.multiply(env, least, half)).isEqualTo(least / 2);
        assertThat(env.flags()).isZero();
        env.loadMxcsr(MXCSR & ~(FpEnv.UE << 7));
        Float64.multiply(env, least, half);
        assertThat(env.unmasked()).isEqualTo(FpEnv.UE);
    }

    @Test
    void anUnmaskedDenormalOperandHidesWhatWouldFollow() {
        FpEnv env = FpEnv.sse();
        env.loadMxcsr(MXCSR & ~(FpEnv.DE << 7));
        Float64.multiply(env, 1, 1);
        assertThat(env.flags()).isEqualTo(FpEnv.DE);
    }

    @Test
    void theFirstNanWins() {
        FpEnv env = FpEnv.sse();
        env.loadMxcsr(MXCSR);
        assertThat(Float64.add(env, 0x7ff0000000000001L, 0x7ff8000000000002L)).isEqualTo(0x7ff8000000000001L);
        assertThat(env.flags()).isEqualTo(FpEnv.IE);
    }

    @Test
    void minAndMaxReturnTheSecondOfEqualsAndNans() {
        FpEnv env = FpEnv.sse();
        env.loadMxcsr(MXCSR);
        long minusZero = Long.MIN_VALUE;
        assertThat(Float64.min(env, minusZero, 0)).isZero();
        assertThat(Float64.max(env, 0, minusZero)).isEqualTo(minusZero);
        assertThat(Float64.max(env, 0x7ff8000000000000L, 5)).isEqualTo(5);
        // A NaN keeps the denormal from being noticed.
        assertThat(env.flags()).isEqualTo(FpEnv.IE);
    }

    @Test
    void conversionsOutOfRangeGiveTheIndefinite() {
        FpEnv env = FpEnv.sse();
        env.loadMxcsr(MXCSR);
        assertThat(Float64.toInt32(env, Double.doubleToRawLongBits(0x1p31), FpEnv.TRUNCATE)).isEqualTo(Integer.MIN_VALUE);
        assertThat(env.flags()).isEqualTo(FpEnv.IE);
        env.loadMxcsr(MXCSR);
        assertThat(Float64.toInt32(env, Double.doubleToRawLongBits(-0x1p31 - 0.5), FpEnv.TRUNCATE))
            .isEqualTo(Integer.MIN_VALUE);
        assertThat(env.flags()).isEqualTo(FpEnv.PE);
    }
}
