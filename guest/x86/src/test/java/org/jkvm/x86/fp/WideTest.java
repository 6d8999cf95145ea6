package org.jkvm.x86.fp;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** 128-bit arithmetic and series against {@link BigDecimal} and {@link BigInteger}. */
class WideTest {
    private static final MathContext PRECISE = new MathContext(60);
    private static final int CASES = 2_000;
    private final SplittableRandom random = new SplittableRandom(128);

    private Wide random() {
        Wide value = new Wide(random.nextInt(200) - 100, random.nextLong() | Long.MIN_VALUE, random.nextLong());
        return random.nextBoolean() ? value.negate() : value;
    }

    private static BigDecimal exact(Wide value) {
        BigInteger significand = unsigned(value.hi).shiftLeft(64).or(unsigned(value.lo));
        BigDecimal magnitude = value.exp >= 127
            ? new BigDecimal(significand.shiftLeft(value.exp - 127))
            : new BigDecimal(significand).divide(new BigDecimal(BigInteger.ONE.shiftLeft(127 - value.exp)));
        return value.sign != 0 ? magnitude.negate() : magnitude;
    }

    private static BigInteger unsigned(long value) {
        return new BigInteger(Long.toUnsignedString(value));
    }

    /** The error in units of 2^-127 of the result, or of {@code scale} if that is larger. */
    private static void assertClose(Wide actual, BigDecimal expected, BigDecimal scale, int units) {
        BigDecimal unit = scale.abs().divide(new BigDecimal(BigInteger.ONE.shiftLeft(126)), PRECISE);
        assertThat(exact(actual).subtract(expected).abs()).isLessThanOrEqualTo(unit.multiply(BigDecimal.valueOf(units)));
    }

    @Test
    void arithmeticIsRightToAFewUnits() {
        for (int n = 0; n < CASES; n++) {
            Wide a = random();
            Wide b = random();
            BigDecimal x = exact(a);
            BigDecimal y = exact(b);
            assertClose(new Wide().set(a).add(b), x.add(y), x.abs().max(y.abs()), 2);
            assertClose(new Wide().set(b).add(a), x.add(y), x.abs().max(y.abs()), 2);
            assertClose(new Wide().set(a).multiply(b), x.multiply(y), x.multiply(y), 4);
            BigDecimal quotient = x.divide(y, PRECISE);
            assertClose(new Wide().set(a).divide(b, new Wide(), new Wide()), quotient, quotient, 8);
        }
    }

    @Test
    void aNumberThatIsAddedToItsNegativeVanishes() {
        Wide value = random();
        assertThat(new Wide().set(value).add(new Wide().set(value).negate()).isZero()).isTrue();
    }

    @Test
    void quotientsAndRootsAreExactIntegers() {
        for (int n = 0; n < CASES; n++) {
            long divisor = random.nextLong() | Long.MIN_VALUE;
            long high = Long.remainderUnsigned(random.nextLong(), divisor);
            long low = random.nextLong();
            BigInteger dividend = unsigned(high).shiftLeft(64).or(unsigned(low));
            assertThat(unsigned(UInt128.divide(high, low, divisor))).isEqualTo(dividend.divide(unsigned(divisor)));
            long top = random.nextLong() | 1L << 62;
            BigInteger square = unsigned(top).shiftLeft(64).or(unsigned(low));
            assertThat(unsigned(UInt128.squareRoot(top, low))).isEqualTo(square.sqrt());
        }
        assertThat(UInt128.squareRoot(-1, -1)).isEqualTo(-1);
        assertThat(UInt128.squareRoot(-1, 0)).isEqualTo(-1);
    }

    @Test
    void piAndLogarithmsAreThoseOfTheirSeries() {
        assertClose(Series.PI, pi(), pi(), 1);
        BigDecimal ln2 = inverseSeries(3, 1).multiply(BigDecimal.TWO);
        assertClose(Series.LN_2, ln2, ln2, 1);
        assertClose(Series.LOG2_E, BigDecimal.ONE.divide(ln2, PRECISE), BigDecimal.ONE, 1);
    }

    /** Machin's formula. */
    private static BigDecimal pi() {
        return inverseSeries(5, -1).multiply(BigDecimal.valueOf(16)).subtract(inverseSeries(239, -1)
            .multiply(BigDecimal.valueOf(4)));
    }

    /** The sum of sign^k / ((2k+1) n^(2k+1)): atanh(1/n), or atan(1/n) if {@code sign} is -1. */
    private static BigDecimal inverseSeries(int n, int sign) {
        BigDecimal power = BigDecimal.ONE.divide(BigDecimal.valueOf(n), PRECISE);
        BigDecimal sum = power;
        for (int k = 1; k < 70; k++) {
            power = power.multiply(BigDecimal.valueOf(sign)).divide(BigDecimal.valueOf((long) n * n), PRECISE);
            sum = sum.add(power.divide(BigDecimal.valueOf(2L * k + 1), PRECISE), PRECISE);
        }
        return sum;
    }

    @Test
    void sineAndCosineLieOnTheCircle() {
        Series series = new Series();
        for (int n = 0; n < CASES / 10; n++) {
            Wide x = new Wide(-1 - random.nextInt(6), random.nextLong() | Long.MIN_VALUE, random.nextLong());
            x.scale(x.hi > 0xc90fdaa22168c234L ? -1 : 0);
            Wide sine = new Wide().set(x);
            Wide cosine = new Wide().set(x);
            series.sine(sine);
            series.cosine(cosine);
            BigDecimal sum = exact(sine).pow(2).add(exact(cosine).pow(2));
            assertThat(sum.subtract(BigDecimal.ONE).abs()).isLessThan(BigDecimal.TWO.pow(-100, PRECISE));
        }
    }

    @Test
    void theArctangentUndoesTheTangent() {
        Series series = new Series();
        for (int n = 0; n < CASES / 10; n++) {
            Wide x = new Wide(-2 - random.nextInt(8), random.nextLong() | Long.MIN_VALUE, random.nextLong());
            Wide tangent = new Wide().set(x);
            Wide cosine = new Wide().set(x);
            series.sine(tangent);
            series.cosine(cosine);
            tangent.divide(cosine, new Wide(), new Wide());
            series.atan(tangent);
            BigDecimal expected = exact(x);
            assertThat(exact(tangent).subtract(expected).abs()).isLessThan(expected.divide(BigDecimal.TWO.pow(105)));
        }
    }
}
