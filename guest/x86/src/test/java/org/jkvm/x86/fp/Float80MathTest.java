package org.jkvm.x86.fp;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import org.junit.jupiter.api.Test;

/** Double-extended arithmetic apart from the host's x87 unit: exact remainders, unmasked responses, choice of NaNs. */
class Float80MathTest {
    private static final int ALL_MASKED = 0x37f;
    private static final long TOP = Long.MIN_VALUE;
    private static final int CASES = 2_000;

    private final FpEnv env = FpEnv.x87();
    private final Float80 x = new Float80();
    private final Float80 y = new Float80();
    private final Float80 z = new Float80();

    private static BigInteger integer(Float80 value, int scale) {
        BigInteger significand = new BigInteger(Long.toUnsignedString(value.significand()));
        BigInteger magnitude = significand.shiftLeft(value.biasedExponent() - scale);
        return value.isNegative() ? magnitude.negate() : magnitude;
    }

    @Test
    void remaindersAreExact() {
        FpOperands random = new FpOperands(8);
        for (int n = 0; n < CASES; n++) {
            random.float80(x, 0, 63);
            random.float80(y, 0, 63);
            env.loadControlWord(ALL_MASKED);
            env.clear();
            int quotient = Remainder.of(env, x, y, false, z);
            int scale = 16383 - 64;
            BigInteger[] expected = integer(x, scale).divideAndRemainder(integer(y, scale));
            assertThat(integer(z, z.significand() == 0 ? 0 : scale)).as("%s %s", x, y).isEqualTo(expected[1]);
            assertThat(quotient).isEqualTo(expected[0].abs().intValue() & 7);
            assertThat(env.flags()).isZero();
        }
    }

    @Test
    void decimalsComeBack() {
        FpOperands random = new FpOperands(9);
        env.loadControlWord(ALL_MASKED);
        for (int n = 0; n < CASES; n++) {
            long value = random.significand() % 1_000_000_000_000_000_000L;
            Float80Math.fromInteger(env, value, x);
            PackedDecimal.store(env, x, y);
            String digits = "%02x%016x".formatted(y.signExponent() & 0xff, y.significand());
            assertThat(new BigDecimal(digits)).isEqualByComparingTo(BigDecimal.valueOf(Math.abs(value)));
            PackedDecimal.load(env, y.significand(), y.signExponent(), z);
            assertThat(z).isEqualTo(x);
        }
    }

    @Test
    void anUnmaskedUnderflowIsWrappedAndNeedNotBeInexact() {
        env.loadControlWord(ALL_MASKED & ~FpEnv.UE);
        env.clear();
        x.set(1, TOP);
        y.set(0x3ffe, TOP);
        Arithmetic.MULTIPLY.apply(env, x, y, z);
        assertThat(z).isEqualTo(new Float80(24576, TOP));
        assertThat(env.flags()).isEqualTo(FpEnv.UE);
    }

    @Test
    void maskedUnderflowNeedsAnInexactResult() {
        env.loadControlWord(ALL_MASKED);
        env.clear();
        x.set(1, TOP);
        y.set(0x3ffe, TOP);
        Arithmetic.MULTIPLY.apply(env, x, y, z);
        assertThat(z).isEqualTo(new Float80(0, TOP >>> 1));
        assertThat(env.flags()).isZero();
        x.set(1, TOP | 1);
        Arithmetic.MULTIPLY.apply(env, x, y, z);
        assertThat(env.flags()).isEqualTo(FpEnv.UE | FpEnv.PE);
    }

    @Test
    void precisionControlRoundsTheSignificandOnly() {
        env.loadControlWord(0x7f);
        x.set(0x3fff, TOP);
        y.set(0x3fff + 16000, 0xffffff8000000000L);
        Arithmetic.MULTIPLY.apply(env, y, x, z);
        assertThat(z).isEqualTo(new Float80(0x3fff + 16001, TOP));
    }

    @Test
    void theLargerNanWins() {
        env.loadControlWord(ALL_MASKED);
        x.set(0x7fff, 0xc000000000000001L);
        y.set(0xffff, 0xc000000000000002L);
        Arithmetic.ADD.apply(env, x, y, z);
        assertThat(z).isEqualTo(y);
        y.set(0x7fff, 0x8000000000000005L);
        env.clear();
        Arithmetic.ADD.apply(env, x, y, z);
        assertThat(z).as("a quiet one before a signalling one").isEqualTo(x);
        assertThat(env.flags()).isEqualTo(FpEnv.IE);
    }

    @Test
    void unsupportedEncodingsAreInvalid() {
        env.loadControlWord(ALL_MASKED);
        env.clear();
        x.set(0x3fff, 1);
        y.set(0x3fff, TOP);
        Arithmetic.ADD.apply(env, x, y, z);
        assertThat(z).isEqualTo(new Float80(0xffff, 0xc000000000000000L));
        assertThat(env.flags()).isEqualTo(FpEnv.IE);
    }

    @Test
    void directedRoundingSetsC1WhenItGrowsTheMagnitude() {
        env.loadControlWord(ALL_MASKED | FpEnv.UP << 10);
        x.set(0x3fff, TOP);
        y.set(0x4000, 0xc000000000000000L);
        Arithmetic.DIVIDE.apply(env, x, y, z);
        assertThat(z).isEqualTo(new Float80(0x3ffd, 0xaaaaaaaaaaaaaaabL));
        assertThat(env.roundedUp()).isTrue();
        x.negate();
        Arithmetic.DIVIDE.apply(env, x, y, z);
        assertThat(z).isEqualTo(new Float80(0xbffd, 0xaaaaaaaaaaaaaaaaL));
        assertThat(env.roundedUp()).isFalse();
    }
}
