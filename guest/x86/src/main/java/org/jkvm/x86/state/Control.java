package org.jkvm.x86.state;

/** Bits of the control registers and EFER (SDM vol. 3A, section 2.5; vol. 4, IA32_EFER). */
public final class Control {
    /** CR0: protection. */
    public static final long CR0_PE = 1;
    /** CR0: WAIT checks TS. */
    public static final long CR0_MP = 1 << 1;
    /** CR0: no x87, emulate. */
    public static final long CR0_EM = 1 << 2;
    /** CR0: task switched; x87/SSE raise #NM. */
    public static final long CR0_TS = 1 << 3;
    /** CR0: 387, always one. */
    public static final long CR0_ET = 1 << 4;
    /** CR0: x87 errors raise #MF. */
    public static final long CR0_NE = 1 << 5;
    /** CR0: supervisor writes honour read-only pages. */
    public static final long CR0_WP = 1 << 16;
    /** CR0: alignment checks. */
    public static final long CR0_AM = 1 << 18;
    /** CR0: not write-through. */
    public static final long CR0_NW = 1 << 29;
    /** CR0: caches off. */
    public static final long CR0_CD = 1 << 30;
    /** CR0: paging. */
    public static final long CR0_PG = 1L << 31;
    /** Every bit of CR0 that exists. */
    public static final long CR0_ALL = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW
            | CR0_CD | CR0_PG;
    /** CR4: virtual-8086 extensions. */
    public static final long CR4_VME = 1;
    /** CR4: protected-mode virtual interrupts. */
    public static final long CR4_PVI = 1 << 1;
    /** CR4: RDTSC for the supervisor alone. */
    public static final long CR4_TSD = 1 << 2;
    /** CR4: debugging extensions. */
    public static final long CR4_DE = 1 << 3;
    /** CR4: 4 MiB pages. */
    public static final long CR4_PSE = 1 << 4;
    /** CR4: physical address extension. */
    public static final long CR4_PAE = 1 << 5;
    /** CR4: machine checks. */
    public static final long CR4_MCE = 1 << 6;
    /** CR4: global pages. */
    public static final long CR4_PGE = 1 << 7;
    /** CR4: RDPMC for everyone. */
    public static final long CR4_PCE = 1 << 8;
    /** CR4: FXSAVE and SSE. */
    public static final long CR4_OSFXSR = 1 << 9;
    /** CR4: #XM for SSE exceptions. */
    public static final long CR4_OSXMMEXCPT = 1 << 10;
    /** CR4: SGDT and the like for the supervisor alone. */
    public static final long CR4_UMIP = 1 << 11;
    /** CR4: RDFSBASE and the like. */
    public static final long CR4_FSGSBASE = 1 << 16;
    /** CR4: process-context identifiers. */
    public static final long CR4_PCIDE = 1 << 17;
    /** CR4: XSAVE. */
    public static final long CR4_OSXSAVE = 1 << 18;
    /** CR4: supervisor can't execute user pages. */
    public static final long CR4_SMEP = 1 << 20;
    /** CR4: supervisor can't touch user pages. */
    public static final long CR4_SMAP = 1 << 21;
    /** EFER: SYSCALL. */
    public static final long EFER_SCE = 1;
    /** EFER: long mode enabled. */
    public static final long EFER_LME = 1 << 8;
    /** EFER: long mode active. */
    public static final long EFER_LMA = 1 << 10;
    /** EFER: no-execute pages. */
    public static final long EFER_NXE = 1 << 11;
    /** EFER: fast FXSAVE (AMD). */
    public static final long EFER_FFXSR = 1 << 14;

    private Control() {
    }
}
