package org.jkvm.x86.differential;

import java.util.random.RandomGenerator;

/** Random operands that like the edges: zeros, ones, sign boundaries, single bits; NaNs, denormals and infinities. */
final class EdgeValues {
    private static final long[] INTEGERS = {0, 1, 2, 7, 8, 9, 0xf, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xfe,
        0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffffL, 0x8000_0000L, 0xffff_ffffL, 0x1_0000_0000L,
        Long.MAX_VALUE, Long.MIN_VALUE, -1, -2, -128, -129, -32768, 0x0123_4567_89ab_cdefL, 0x5555_5555_5555_5555L};
    private static final int[] SINGLES = {0, 0x8000_0000, 1, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0xbf80_0000, 0x3f00_0000,
        0x3f7f_ffff, 0x3f80_0001, 0x4b00_0000, 0x4b7f_ffff, 0x4f00_0000, 0x4eff_ffff, 0xcf00_0000, 0x5f00_0000, 0xdf00_0000,
        0x7f7f_ffff, 0x7f80_0000, 0xff80_0000, 0x7f80_0001, 0xffbf_ffff, 0x7fc0_0000, 0xffc0_0000, 0x7fff_ffff};
    private static final long[] DOUBLES = {0, Long.MIN_VALUE, 1, 0x000f_ffff_ffff_ffffL, 0x0010_0000_0000_0000L,
        0x3ff0_0000_0000_0000L, 0xbff0_0000_0000_0000L, 0x3fe0_0000_0000_0000L, 0x3fef_ffff_ffff_ffffL,
        0x4330_0000_0000_0000L, 0x433f_ffff_ffff_ffffL, 0x41df_ffff_ffc0_0000L, 0x41e0_0000_0000_0000L,
        0xc1e0_0000_0000_0000L, 0x43e0_0000_0000_0000L, 0xc3e0_0000_0000_0000L, 0x36a0_0000_0000_0000L,
        0x47ef_ffff_e000_0000L, 0x47ef_ffff_f000_0000L, 0x7fef_ffff_ffff_ffffL, 0x7ff0_0000_0000_0000L,
        0xfff0_0000_0000_0000L, 0x7ff0_0000_0000_0001L, 0xfff7_ffff_ffff_ffffL, 0x7ff8_0000_0000_0000L,
        0xfff8_0000_0000_0000L};
    private static final int[] EXPONENTS = {0, 1, 2, 0x3fbf, 0x3fc0, 0x3ffe, 0x3fff, 0x4000, 0x403d, 0x403e, 0x403f, 0x3f80,
        0x407f, 0x3c00, 0x43ff, 0x7ffe, 0x7fff};
    private static final long[] SIGNIFICANDS = {0, 1, 1L << 62, 1L << 63, (1L << 63) + 1, 3L << 62, (3L << 62) + 1, -1,
        0xffff_ff80_0000_0000L, 0xffff_ffff_ffff_f800L, 0x8000_0000_0000_0400L, Long.MAX_VALUE};

    private final RandomGenerator random;

    EdgeValues(RandomGenerator random) {
        this.random = random;
    }

    /** A 64-bit integer. */
    long integer() {
        return switch (random.nextInt(6)) {
            case 0, 1 -> random.nextLong();
            case 2 -> 1L << random.nextInt(64);
            case 3 -> random.nextLong() >>> random.nextInt(64);
            case 4 -> INTEGERS[random.nextInt(INTEGERS.length)];
            default -> (long) random.nextInt(256) << 8 * random.nextInt(8);
        };
    }

    /** A single-precision number's bits. */
    int single() {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> Float.floatToRawIntBits((random.nextFloat() - 0.5f) * (1 << random.nextInt(20)));
            case 2 -> Float.floatToRawIntBits(random.nextInt(-50, 50));
            default -> SINGLES[random.nextInt(SINGLES.length)];
        };
    }

    /** A double-precision number's bits. */
    long doubled() {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextLong();
            case 1 -> Double.doubleToRawLongBits((random.nextDouble() - 0.5) * (1L << random.nextInt(50)));
            case 2 -> Double.doubleToRawLongBits(random.nextInt(-50, 50));
            default -> DOUBLES[random.nextInt(DOUBLES.length)];
        };
    }

    /** Eight bytes of a vector: integers, singles or a double. */
    long vectorHalf() {
        return switch (random.nextInt(3)) {
            case 0 -> integer();
            case 1 -> (long) single() << 32 | single() & 0xffff_ffffL;
            default -> doubled();
        };
    }

    /** Sign and exponent of an extended-precision number. */
    int signExponent() {
        int exponent = switch (random.nextInt(3)) {
            case 0 -> random.nextInt(0x8000);
            case 1 -> 0x3fff + random.nextInt(-70, 70);
            default -> EXPONENTS[random.nextInt(EXPONENTS.length)];
        };
        return exponent | (random.nextBoolean() ? 0x8000 : 0);
    }

    /** Significand of an extended-precision number: mostly normal, sometimes an unsupported format. */
    long significand() {
        return switch (random.nextInt(6)) {
            case 0 -> SIGNIFICANDS[random.nextInt(SIGNIFICANDS.length)];
            case 1 -> random.nextLong() | 1L << 63;
            case 2 -> (random.nextLong() | 1L << 63) & -1L << random.nextInt(64);
            case 3 -> (long) random.nextInt() << 32 | 1L << 63;
            case 4 -> Long.MIN_VALUE;
            default -> random.nextInt(16) == 0 ? random.nextLong() : random.nextLong() | 1L << 63;
        };
    }
}
