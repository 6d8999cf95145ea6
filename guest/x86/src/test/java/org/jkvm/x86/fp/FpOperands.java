package org.jkvm.x86.fp;

import java.util.SplittableRandom;

/** Random operands that favour the edges: zeros, denormals, infinities, NaNs, runs of ones or zeros, close exponents. */
public final class FpOperands {
    private final SplittableRandom random;

    /** Prints the seed, so that a failure can be repeated. */
    public FpOperands(long seed) {
        System.out.println("FpOperands seed " + seed);
        random = new SplittableRandom(seed);
    }

    /** A number from 0 to {@code bound} - 1. */
    public int below(int bound) {
        return random.nextInt(bound);
    }

    /** 64 bits with long runs, few ones, or no pattern. */
    public long significand() {
        return switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> random.nextLong() & random.nextLong() & random.nextLong();
            case 3 -> -1L << random.nextInt(64);
            case 4 -> 1L << random.nextInt(64) | 1L << random.nextInt(64);
            default -> random.nextLong();
        };
    }

    /** A binary32. */
    public int float32() {
        int exponent = exponent(0xff, 20);
        return random.nextInt(2) << 31 | exponent << 23 | (int) (significand() >>> 41);
    }

    /** A binary64. */
    public long float64() {
        long exponent = exponent(0x7ff, 100);
        return (long) random.nextInt(2) << 63 | exponent << 52 | significand() >>> 12;
    }

    /** A double-extended, now and then of an encoding that is not supported. */
    public void float80(Float80 to) {
        int biased = exponent(0x7fff, 140);
        boolean integerBit = biased == 0 ? random.nextInt(4) == 0 : random.nextInt(30) != 0;
        long fraction = significand() & Long.MAX_VALUE;
        to.set(random.nextInt(2) << 15 | biased, integerBit ? fraction | Long.MIN_VALUE : fraction);
    }

    /** A normal double-extended with unbiased exponent {@code least} to {@code most}. */
    public void float80(Float80 to, int least, int most) {
        int biased = 16383 + least + random.nextInt(most - least + 1);
        to.set(random.nextInt(2) << 15 | biased, significand() | Long.MIN_VALUE);
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
