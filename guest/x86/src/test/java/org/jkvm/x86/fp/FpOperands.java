package org.jkvm.x86.fp;

import java.util.SplittableRandom;

/** Random operands that favour the edges: zeros, denormals, infinities, NaNs, long runs of ones or zeros, close exponents. */
final class FpOperands {
    private final SplittableRandom random;

    /** Prints the seed, so that a failure can be repeated. */
    FpOperands(long seed) {
        System.out.println("FpOperands seed " + seed);
        random = new SplittableRandom(seed);
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    long significand() {
        return switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> random.nextLong() & random.nextLong() & random.nextLong();
            case 3 -> -1L << random.nextInt(64);
            case 4 -> 1L << random.nextInt(64) | 1L << random.nextInt(64);
            default -> random.nextLong();
        };
    }

    int float32() {
        int exponent = exponent(0xff, 20);
        return random.nextInt(2) << 31 | exponent << 23 | (int) (significand() >>> 41);
    }

    long float64() {
        long exponent = exponent(0x7ff, 100);
        return (long) random.nextInt(2) << 63 | exponent << 52 | significand() >>> 12;
    }

    private int exponent(int special, int spread) {
        return switch (random.nextInt(7)) {
            case 0 -> 0;
            case 1 -> special;
            case 2 -> 1 + random.nextInt(spread);
            case 3 -> special - 1 - random.nextInt(spread);
            case 4 -> random.nextInt(special + 1);
            default -> special / 2 + random.nextInt(spread) - spread / 2;
        };
    }
}
