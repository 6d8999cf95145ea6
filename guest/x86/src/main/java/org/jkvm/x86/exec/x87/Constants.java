package org.jkvm.x86.exec.x87;

import org.jkvm.x86.fp.Float80;
import org.jkvm.x86.fp.FpEnv;

/** The constants of opcodes D9 E8 to D9 EE, rounded from a 66-bit form by RC (SDM vol. 2, FLD1 and following). */
final class Constants {
    /** Sign and exponent, by ModRM.rm. */
    private static final int[] EXPONENT = {0x3fff, 0x4000, 0x3fff, 0x4000, 0x3ffd, 0x3ffe, 0};
    /** Significand, truncated: 1, log2 10, log2 e, pi, log10 2, ln 2, 0. */
    private static final long[] SIGNIFICAND = {
        0x8000000000000000L, 0xd49a784bcd1b8afeL, 0xb8aa3b295c17f0bbL, 0xc90fdaa22168c234L,
        0x9a209a84fbcff798L, 0xb17217f7d1cf79abL, 0
    };
    /** Whether what was cut off is more than half a unit. */
    private static final boolean[] ABOVE_HALF = {false, false, true, true, true, true, false};

    private Constants() {
    }

    static void load(int which, int rounding, Float80 to) {
        boolean exact = which == 0 || which == 6;
        boolean up = !exact && (rounding == FpEnv.UP || rounding == FpEnv.NEAREST && ABOVE_HALF[which]);
        to.set(EXPONENT[which], SIGNIFICAND[which] + (up ? 1 : 0));
    }
}
