package org.jkvm.x86.fp;

/**
 * Brings exact results into a format: rounding, overflow, underflow and packing (SDM vol. 1, 4.8.4 and 4.9.1). x86 detects
 * tininess after rounding: a result is tiny when, rounded as if the exponent had no lower bound, it lies below the least
 * normal number.
 */
final class Rounding {
    /** What an unmasked x87 overflow or underflow adds to the exponent (SDM vol. 1, 8.5.4 and 8.5.5). */
    private static final int WRAP = 24576;
    private static final int MIN80 = -16382;
    private static final int MAX80 = 16383;

    private Rounding() {
    }

    /** Rounds and packs a binary16. */
    static int pack16(FpEnv env, FpValue v) {
        if (v.kind == FpValue.FINITE) {
            roundToStore(env, v, 11, -14, 15);
        }
        int sign = v.sign << 15;
        return switch (v.kind) {
            case FpValue.FINITE -> sign | (v.hi < 0 ? v.exp + 15 << 10 : 0) | (int) (v.hi >>> 53) & 0x3ff;
            case FpValue.ZERO -> sign;
            default -> sign | 0x7c00 | (int) (v.hi >>> 53) & 0x3ff;
        };
    }

    /** Rounds and packs a binary32. */
    static int pack32(FpEnv env, FpValue v) {
        if (v.kind == FpValue.FINITE) {
            roundToStore(env, v, 24, -126, 127);
        }
        int sign = v.sign << 31;
        return switch (v.kind) {
            case FpValue.FINITE -> sign | (v.hi < 0 ? v.exp + 127 << 23 : 0) | (int) (v.hi >>> 40) & 0x7fffff;
            case FpValue.ZERO -> sign;
            default -> sign | 0x7f800000 | (int) (v.hi >>> 40) & 0x7fffff;
        };
    }

    /** Rounds and packs a binary64. */
    static long pack64(FpEnv env, FpValue v) {
        if (v.kind == FpValue.FINITE) {
            roundToStore(env, v, 53, -1022, 1023);
        }
        long sign = (long) v.sign << 63;
        return switch (v.kind) {
            case FpValue.FINITE -> sign | (v.hi < 0 ? v.exp + 1023L << 52 : 0) | v.hi >>> 11 & 0xfffffffffffffL;
            case FpValue.ZERO -> sign;
            default -> sign | 0x7ff0000000000000L | v.hi >>> 11 & 0xfffffffffffffL;
        };
    }

    /** Rounds to {@code precision} bits of significand in the double-extended range, and packs. */
    static void pack80(FpEnv env, FpValue v, int precision, Float80 to) {
        if (v.kind == FpValue.FINITE) {
            round(env, v, precision, MIN80, MAX80);
            clampWrapped(env, v);
        }
        int sign = v.sign << 15;
        switch (v.kind) {
            case FpValue.FINITE -> to.set(sign | (v.hi < 0 ? v.exp + FpValue.BIAS80 : 0), v.hi);
            case FpValue.ZERO -> to.set(sign, 0);
            default -> to.set(sign | 0x7fff, v.hi);
        }
    }

    /** An x87 store that overflows or underflows unmasked stores nothing and raises no #P. */
    private static void roundToStore(FpEnv env, FpValue v, int precision, int minExp, int maxExp) {
        int before = env.flags();
        round(env, v, precision, minExp, maxExp);
        if (env.isX87() && (env.unmasked() & (FpEnv.OE | FpEnv.UE)) != 0) {
            env.setFlags(env.flags() & ~FpEnv.PE | before);
        }
    }

    /** FSCALE can miss the range by more than the wrapping bridges: then infinity or zero (SDM vol. 1, 8.5.4, 8.5.5). */
    private static void clampWrapped(FpEnv env, FpValue v) {
        if (v.exp > MAX80) {
            env.raise(FpEnv.PE);
            env.setRoundedUp(true);
            v.setInfinite(v.sign);
        } else if (v.exp < MIN80) {
            env.raise(FpEnv.PE);
            env.setRoundedUp(false);
            v.setZero(v.sign);
        }
    }

    private static void round(FpEnv env, FpValue v, int precision, int minExp, int maxExp) {
        if (v.exp < minExp) {
            roundTiny(env, v, precision, minExp);
            return;
        }
        if (roundSignificand(env, v, precision)) {
            env.raise(FpEnv.PE);
        }
        if (v.exp > maxExp) {
            overflow(env, v, precision, maxExp);
        }
    }

    /** Rounds to the top {@code precision} bits; returns whether the value changed and notes in which direction. */
    static boolean roundSignificand(FpEnv env, FpValue v, int precision) {
        long unit = 1L << 64 - precision;
        long rest = fraction(v, precision);
        if (rest == 0) {
            env.setRoundedUp(false);
            return false;
        }
        boolean up = roundsUp(env.rounding(), v.sign, (v.hi & unit) != 0, rest);
        env.setRoundedUp(up);
        v.lo = 0;
        v.hi &= -unit;
        if (up) {
            boolean normal = v.hi < 0;
            v.hi += unit;
            if (normal && v.hi >= 0) {
                v.hi = FpValue.TOP;
                v.exp++;
            }
        }
        return true;
    }

    /** The bits below the top {@code precision} ones, moved up to bit 63, with a sticky bit 0. */
    private static long fraction(FpValue v, int precision) {
        return precision == 64 ? v.lo : v.hi << precision | (v.lo != 0 ? 1 : 0);
    }

    /** Whether a magnitude with fraction {@code rest} (non-zero, 1/2 is bit 63) rounds away from zero. */
    static boolean roundsUp(int mode, int sign, boolean odd, long rest) {
        return switch (mode) {
            case FpEnv.NEAREST -> rest < 0 && (rest != Long.MIN_VALUE || odd);
            case FpEnv.DOWN -> sign != 0;
            case FpEnv.UP -> sign == 0;
            default -> false;
        };
    }

    private static void roundTiny(FpEnv env, FpValue v, int precision, int minExp) {
        boolean tiny = v.exp < minExp - 1 || !carries(env, v, precision);
        if (tiny && env.isUnmasked(FpEnv.UE)) {
            env.raise(roundSignificand(env, v, precision) ? FpEnv.UE | FpEnv.PE : FpEnv.UE);
            v.exp += WRAP;
        } else if (tiny && env.ftz()) {
            env.raise(FpEnv.UE | FpEnv.PE);
            v.setZero(v.sign);
        } else {
            denormalize(env, v, precision, minExp, tiny);
        }
    }

    private static void denormalize(FpEnv env, FpValue v, int precision, int minExp, boolean tiny) {
        v.shiftRightJam(minExp - v.exp);
        v.exp = minExp;
        if (roundSignificand(env, v, precision)) {
            env.raise(tiny ? FpEnv.UE | FpEnv.PE : FpEnv.PE);
        }
        if (v.hi == 0) {
            v.setZero(v.sign);
        }
    }

    /** Whether rounding to {@code precision} bits carries into the next power of two. */
    private static boolean carries(FpEnv env, FpValue v, int precision) {
        long unit = 1L << 64 - precision;
        long rest = fraction(v, precision);
        return (v.hi | unit - 1) == -1 && rest != 0 && roundsUp(env.rounding(), v.sign, true, rest);
    }

    private static void overflow(FpEnv env, FpValue v, int precision, int maxExp) {
        if (env.raise(FpEnv.OE)) {
            v.exp -= WRAP;
            return;
        }
        env.raise(FpEnv.PE);
        boolean up = roundsUp(env.rounding(), v.sign, true, Long.MIN_VALUE);
        env.setRoundedUp(up);
        if (up) {
            v.setInfinite(v.sign);
        } else {
            v.setFinite(v.sign, maxExp, -1L << 64 - precision, 0);
        }
    }
}
