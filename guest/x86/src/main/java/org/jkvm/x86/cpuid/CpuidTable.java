package org.jkvm.x86.cpuid;

import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.state.Control;

/**
 * What CPUID answers one processor (SDM vol. 2A, CPUID), and what follows from it: which instructions exist and which
 * bits of CR4 may be set.
 */
public final class CpuidTable {
    /** Where each {@link Feature} shows: leaf, subleaf, register (0 EAX to 3 EDX), bit. */
    private static final int[][] PLACES = new int[Feature.values().length][];

    static {
        place(Feature.FPU, 1, 3, 0);
        place(Feature.TSC, 1, 3, 4);
        place(Feature.CX8, 1, 3, 8);
        place(Feature.SEP, 1, 3, 11);
        place(Feature.CMOV, 1, 3, 15);
        place(Feature.CLFSH, 1, 3, 19);
        place(Feature.MMX, 1, 3, 23);
        place(Feature.FXSR, 1, 3, 24);
        place(Feature.SSE, 1, 3, 25);
        place(Feature.SSE2, 1, 3, 26);
        place(Feature.SSE3, 1, 2, 0);
        place(Feature.PCLMULQDQ, 1, 2, 1);
        place(Feature.MONITOR, 1, 2, 3);
        place(Feature.SSSE3, 1, 2, 9);
        place(Feature.CX16, 1, 2, 13);
        place(Feature.SSE4_1, 1, 2, 19);
        place(Feature.SSE4_2, 1, 2, 20);
        place(Feature.MOVBE, 1, 2, 22);
        place(Feature.POPCNT, 1, 2, 23);
        place(Feature.AES, 1, 2, 25);
        place(Feature.XSAVE, 1, 2, 26);
        place(Feature.FMA, 1, 2, 12);
        place(Feature.AVX, 1, 2, 28);
        place(Feature.F16C, 1, 2, 29);
        place(Feature.RDRAND, 1, 2, 30);
        place(Feature.FSGSBASE, 7, 1, 0);
        place(Feature.BMI1, 7, 1, 3);
        place(Feature.AVX2, 7, 1, 5);
        place(Feature.BMI2, 7, 1, 8);
        place(Feature.INVPCID, 7, 1, 10);
        place(Feature.RDSEED, 7, 1, 18);
        place(Feature.ADX, 7, 1, 19);
        place(Feature.SMAP, 7, 1, 20);
        place(Feature.CLFLUSHOPT, 7, 1, 23);
        place(Feature.CLWB, 7, 1, 24);
        place(Feature.SHA, 7, 1, 29);
        place(Feature.VAES, 7, 2, 9);
        place(Feature.VPCLMULQDQ, 7, 2, 10);
        place(Feature.RDPID, 7, 2, 22);
        place(Feature.XSAVEOPT, 0xd, 0, 0);
        place(Feature.XSAVEC, 0xd, 0, 1);
        place(Feature.XGETBV1, 0xd, 0, 2);
        place(Feature.XSAVES, 0xd, 0, 3);
        place(Feature.LAHF_LM, 0x80000001, 2, 0);
        place(Feature.LZCNT, 0x80000001, 2, 5);
        place(Feature.PREFETCHW, 0x80000001, 2, 8);
        place(Feature.SYSCALL, 0x80000001, 3, 11);
        place(Feature.RDTSCP, 0x80000001, 3, 27);
    }

    /** "Auth", what leaf 0 of AMD's processors has in EBX. */
    private static final int AUTH = 0x6874_7541;

    private final int[][] leaves;
    private final int apicId;
    private final long features;
    private final long allowedCr4;

    /**
     * A table.
     *
     * @param leaves rows of function, subleaf (-1 for any), EAX, EBX, ECX, EDX
     * @param apicId this processor's local APIC id, shown in leaves 1 and 0Bh
     */
    public CpuidTable(int[][] leaves, int apicId) {
        this(leaves, apicId, false);
    }

    /**
     * A table.
     *
     * @param everything whether instructions and bits of CR4 exist that CPUID denies: for guests that another backend runs
     *                   too, which may have told them more than it should
     */
    public CpuidTable(int[][] leaves, int apicId, boolean everything) {
        this.leaves = leaves.clone();
        this.apicId = apicId;
        this.features = everything ? -1 : collectFeatures();
        this.allowedCr4 = everything ? -1 : collectCr4();
    }

    private static void place(Feature feature, int leaf, int register, int bit) {
        PLACES[feature.ordinal()] = new int[] {leaf, leaf == 0xd ? 1 : 0, register, bit};
    }

    /** Which {@link Feature}s there are, as a mask of their bits. */
    public long features() {
        return features;
    }

    /** Whether the processor has {@code feature}. */
    public boolean has(Feature feature) {
        return (features & feature.bit()) != 0;
    }

    /** Whether the vendor is AuthenticAMD. */
    public boolean isAmd() {
        return find(0, 0)[1] == AUTH;
    }

    /** Which bits of CR4 may be set. */
    public long allowedCr4() {
        return allowedCr4;
    }

    /** Whether bit {@code bit} of a leaf's register is set. */
    public boolean has(int function, int subleaf, int register, int bit) {
        return (find(function, subleaf)[register] >>> bit & 1) != 0;
    }

    /**
     * Answers CPUID.
     *
     * @param cr4  for OSXSAVE
     * @param xcr0 for the size of the XSAVE area in use
     * @return EAX, EBX, ECX, EDX
     */
    public int[] query(int function, int subleaf, long cr4, long xcr0) {
        int[] r = find(function, subleaf).clone();
        switch (function) {
            case 1 -> {
                r[1] = r[1] & 0xff_ffff | apicId << 24;
                r[2] = (cr4 & Control.CR4_OSXSAVE) != 0 ? r[2] | 1 << 27 : r[2] & ~(1 << 27);
            }
            case 0xb -> r[3] = apicId;
            case 0xd -> {
                boolean compacted = subleaf == 1 && (has(Feature.XSAVEC) || has(Feature.XSAVES));
                if (subleaf == 0 && r[0] != 0 || compacted) {
                    r[1] = (xcr0 & 4) != 0 ? 832 : 576;
                }
            }
            default -> {
            }
        }
        return r;
    }

    private int[] find(int function, int subleaf) {
        for (int[] row : leaves) {
            if (row[0] == function && (row[1] == subleaf || row[1] == -1)) {
                return new int[] {row[2], row[3], row[4], row[5]};
            }
        }
        return function == 0xb ? new int[] {0, 0, subleaf & 0xff, 0} : new int[4];
    }

    private long collectFeatures() {
        long mask = Feature.BASE.bit();
        for (Feature feature : Feature.values()) {
            int[] place = PLACES[feature.ordinal()];
            if (place != null && has(place[0], place[1], place[2], place[3])) {
                mask |= feature.bit();
            }
        }
        return mask;
    }

    private long collectCr4() {
        long cr4 = 0;
        cr4 |= bit(1, 3, 1, Control.CR4_VME | Control.CR4_PVI);
        cr4 |= bit(1, 3, 4, Control.CR4_TSD);
        cr4 |= bit(1, 3, 2, Control.CR4_DE);
        cr4 |= bit(1, 3, 3, Control.CR4_PSE);
        cr4 |= bit(1, 3, 6, Control.CR4_PAE);
        cr4 |= bit(1, 3, 7, Control.CR4_MCE) | Control.CR4_PCE;
        cr4 |= bit(1, 3, 13, Control.CR4_PGE);
        cr4 |= bit(1, 3, 24, Control.CR4_OSFXSR);
        cr4 |= bit(1, 3, 25, Control.CR4_OSXMMEXCPT);
        cr4 |= bit(1, 2, 17, Control.CR4_PCIDE);
        cr4 |= bit(1, 2, 26, Control.CR4_OSXSAVE);
        cr4 |= bit(7, 1, 0, Control.CR4_FSGSBASE);
        cr4 |= bit(7, 1, 7, Control.CR4_SMEP);
        cr4 |= bit(7, 1, 20, Control.CR4_SMAP);
        return cr4 | bit(7, 2, 2, Control.CR4_UMIP);
    }

    private long bit(int function, int register, int bit, long cr4) {
        return has(function, 0, register, bit) ? cr4 : 0;
    }
}
