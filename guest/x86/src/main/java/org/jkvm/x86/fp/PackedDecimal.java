package org.jkvm.x86.fp;

/** The 18-digit packed BCD of FBLD and FBSTP: nine bytes of digits and a sign byte (SDM vol. 1, 4.7). */
public final class PackedDecimal {
    private static final long LIMIT = 1_000_000_000_000_000_000L;

    private PackedDecimal() {
    }

    /**
     * Unpacks a decimal; digits above 9 count as ten to fifteen, as the manual leaves open.
     *
     * @param low bytes 0 to 7, sixteen digits
     * @param high bytes 8 and 9: two digits, and the sign in bit 15
     */
    public static void load(FpEnv env, long low, int high, Float80 to) {
        long value = (high >>> 4 & 15) * 10L + (high & 15);
        for (int shift = 60; shift >= 0; shift -= 4) {
            value = value * 10 + (low >>> shift & 15);
        }
        Float80Math.fromInteger(env, value, to);
        if ((high & 0x8000) != 0) {
            to.negate();
        }
    }

    /**
     * Packs x, rounded by RC. What doesn't fit, infinities and NaNs raise #I and give the packed BCD indefinite.
     *
     * @param to receives the ten bytes: digits 0 to 15 as significand, digits 16, 17 and the sign byte as sign and exponent
     */
    public static void store(FpEnv env, Float80 x, Float80 to) {
        int before = env.flags();
        env.setFlags(0);
        boolean negative = x.isNegative();
        long value = Math.abs(Float80Math.toInteger(env, x, 64, env.rounding()));
        if ((env.flags() & FpEnv.IE) != 0 || Long.compareUnsigned(value, LIMIT) >= 0) {
            env.setFlags(before | FpEnv.IE);
            to.set(0xffff, 0xc000000000000000L);
            return;
        }
        env.setFlags(before | env.flags());
        pack(value, negative, to);
    }

    private static void pack(long value, boolean negative, Float80 to) {
        long rest = value;
        long low = 0;
        for (int shift = 0; shift < 64; shift += 4) {
            low |= rest % 10 << shift;
            rest /= 10;
        }
        int high = (int) (rest / 10 << 4 | rest % 10);
        to.set(high | (negative ? 0x8000 : 0), low);
    }
}
