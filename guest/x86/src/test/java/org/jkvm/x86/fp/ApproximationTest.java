package org.jkvm.x86.fp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The promised error and the special cases of RCPSS and RSQRTSS. */
class ApproximationTest {
    private static final double PROMISED = 1.5 / 4096;
    private static final int CASES = 20_000;

    @Test
    void errorsStayWithinThePromise() {
        SplittableRandom random = new SplittableRandom(12);
        for (int n = 0; n < CASES; n++) {
            int biased = 1 + random.nextInt(252);
            int bits = biased << 23 | random.nextInt(1 << 23);
            float x = Float.intBitsToFloat(bits);
            assertThat(Float.intBitsToFloat(Approximation.reciprocal(bits)) * (double) x).as("%x", bits)
                .isCloseTo(1, offset(PROMISED));
            assertThat(Float.intBitsToFloat(Approximation.reciprocalSquareRoot(bits)) * Math.sqrt(x)).as("%x", bits)
                .isCloseTo(1, offset(PROMISED));
        }
    }

    @Test
    void specialOperands() {
        assertThat(Approximation.reciprocal(0x8000_0001)).as("minus denormal").isEqualTo(0xff80_0000);
        assertThat(Approximation.reciprocal(0xff80_0000)).as("minus infinity").isEqualTo(0x8000_0000);
        assertThat(Approximation.reciprocal(0x7f80_0001)).as("SNaN").isEqualTo(0x7fc0_0001);
        assertThat(Approximation.reciprocal(0x7f7f_ffff)).as("tiny result").isZero();
        assertThat(Approximation.reciprocal(0x7e7f_ffff)).as("least normal result").isEqualTo(0x0080_0000);
        assertThat(Approximation.reciprocalSquareRoot(0x8000_0000)).as("minus zero").isEqualTo(0xff80_0000);
        assertThat(Approximation.reciprocalSquareRoot(0xbf80_0000)).as("minus one").isEqualTo(0xffc0_0000);
        assertThat(Approximation.reciprocalSquareRoot(0xff80_0000)).as("minus infinity").isEqualTo(0xffc0_0000);
        assertThat(Approximation.reciprocalSquareRoot(0x7f80_0000)).as("infinity").isZero();
    }
}
