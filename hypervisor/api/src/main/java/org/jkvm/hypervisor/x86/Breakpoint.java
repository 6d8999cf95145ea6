package org.jkvm.hypervisor.x86;

import java.util.List;

/**
 * Where a debugger stops a processor, by its debug registers (SDM vol. 3B, section 17.2).
 *
 * @param kind    at what
 * @param address guest linear address, a multiple of {@code length}
 * @param length  bytes: 1, 2, 4 or 8; 1 for {@link Kind#EXECUTE}
 */
public record Breakpoint(Kind kind, long address, int length) {
    /** How many a processor has. */
    public static final int MOST = 4;

    /** What is watched for; in the encoding of DR7's R/W fields. */
    public enum Kind {
        /** An instruction is about to be executed. */
        EXECUTE(0),
        /** Data was written. */
        WRITE(1),
        /** Data was read or written. */
        ACCESS(3);

        private final int code;

        Kind(int code) {
            this.code = code;
        }
    }

    /** Checks alignment and length. */
    public Breakpoint {
        boolean possible = kind == Kind.EXECUTE ? length == 1 : length == 1 || length == 2 || length == 4 || length == 8;
        if (!possible || (address & length - 1) != 0) {
            throw new IllegalArgumentException("breakpoint of " + length + " bytes at " + Long.toHexString(address) + "h");
        }
    }

    /** An instruction's. */
    public static Breakpoint execute(long address) {
        return new Breakpoint(Kind.EXECUTE, address, 1);
    }

    /**
     * DR7 with {@code breakpoints} enabled, the first in DR0.
     *
     * @throws IllegalArgumentException where there are more than {@link #MOST}
     */
    public static long dr7(List<Breakpoint> breakpoints) {
        if (breakpoints.size() > MOST) {
            throw new IllegalArgumentException(breakpoints.size() + " breakpoints: a processor has " + MOST);
        }
        long dr7 = 0x400;
        for (int n = 0; n < breakpoints.size(); n++) {
            Breakpoint b = breakpoints.get(n);
            dr7 |= 2L << 2 * n | (long) (b.kind.code | lengthCode(b.length) << 2) << 16 + 4 * n;
        }
        return dr7;
    }

    /** DR7's LEN fields: 8 bytes are 2. */
    private static int lengthCode(int length) {
        return length == 8 ? 2 : length - 1;
    }
}
