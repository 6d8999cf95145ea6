package org.jkvm.x86.isa;

/** CPUID features that rows of the opcode tables depend on; where one is off, its rows do not exist. */
public enum Feature {
    /** Every processor. */
    BASE,
    /** x87. */
    FPU,
    /** RDTSC. */
    TSC,
    /** CMPXCHG8B. */
    CX8,
    /** SYSENTER and SYSEXIT. */
    SEP,
    /** CMOVcc. */
    CMOV,
    /** CLFLUSH. */
    CLFSH,
    /** MMX. */
    MMX,
    /** FXSAVE and FXRSTOR. */
    FXSR,
    /** SSE. */
    SSE,
    /** SSE2. */
    SSE2,
    /** SSE3. */
    SSE3,
    /** PCLMULQDQ. */
    PCLMULQDQ,
    /** SSSE3. */
    SSSE3,
    /** CMPXCHG16B. */
    CX16,
    /** SSE4.1. */
    SSE4_1,
    /** SSE4.2. */
    SSE4_2,
    /** MOVBE. */
    MOVBE,
    /** POPCNT. */
    POPCNT,
    /** AES. */
    AES,
    /** XSAVE and XGETBV. */
    XSAVE,
    /** XSAVEOPT. */
    XSAVEOPT,
    /** RDRAND. */
    RDRAND,
    /** RDSEED. */
    RDSEED,
    /** RDFSBASE and its kin. */
    FSGSBASE,
    /** ADCX and ADOX. */
    ADX,
    /** ANDN, BEXTR, BLSI, BLSMSK, BLSR, TZCNT. */
    BMI1,
    /** BZHI, MULX, PDEP, PEXT, RORX, SARX, SHLX, SHRX. */
    BMI2,
    /** LZCNT. */
    LZCNT,
    /** STAC and CLAC. */
    SMAP,
    /** INVPCID. */
    INVPCID,
    /** CLFLUSHOPT. */
    CLFLUSHOPT,
    /** CLWB. */
    CLWB,
    /** RDPID. */
    RDPID,
    /** SHA extensions. */
    SHA,
    /** PREFETCHW. */
    PREFETCHW,
    /** SYSCALL and SYSRET. */
    SYSCALL,
    /** RDTSCP. */
    RDTSCP,
    /** LAHF and SAHF in 64-bit mode. */
    LAHF_LM,
    /** MONITOR and MWAIT. */
    MONITOR,
    /** VEX-encoded floating point on 256 bits, VEX forms of SSE. */
    AVX,
    /** VEX-encoded integers on 256 bits, gathers. */
    AVX2,
    /** VCVTPH2PS and VCVTPS2PH. */
    F16C,
    /** Fused multiply-add. */
    FMA,
    /** AES on 256 bits. */
    VAES,
    /** PCLMULQDQ on 256 bits. */
    VPCLMULQDQ,
    /** XSAVEC. */
    XSAVEC,
    /** XGETBV with ECX 1. */
    XGETBV1,
    /** XSAVES and XRSTORS. */
    XSAVES;

    /** Its bit in a feature mask. */
    public long bit() {
        return 1L << ordinal();
    }
}
