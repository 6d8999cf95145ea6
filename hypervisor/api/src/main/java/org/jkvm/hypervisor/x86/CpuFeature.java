package org.jkvm.hypervisor.x86;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A feature bit of CPUID (SDM vol. 2A, CPUID; AMD64 manual vol. 3, appendix E.4 for 80000001h), under the names that
 * {@code -cpu} takes. In the order of leaves, registers and bits.
 */
public enum CpuFeature {
    FPU(0x1, 'd', 0, "fpu"),
    VME(0x1, 'd', 1, "vme"),
    DE(0x1, 'd', 2, "de"),
    PSE(0x1, 'd', 3, "pse"),
    TSC(0x1, 'd', 4, "tsc"),
    MSR(0x1, 'd', 5, "msr"),
    PAE(0x1, 'd', 6, "pae"),
    MCE(0x1, 'd', 7, "mce"),
    CX8(0x1, 'd', 8, "cx8"),
    APIC(0x1, 'd', 9, "apic"),
    SEP(0x1, 'd', 11, "sep"),
    MTRR(0x1, 'd', 12, "mtrr"),
    PGE(0x1, 'd', 13, "pge"),
    MCA(0x1, 'd', 14, "mca"),
    CMOV(0x1, 'd', 15, "cmov"),
    PAT(0x1, 'd', 16, "pat"),
    PSE36(0x1, 'd', 17, "pse36"),
    CLFSH(0x1, 'd', 19, "clflush"),
    ACPI(0x1, 'd', 22, "acpi"),
    MMX(0x1, 'd', 23, "mmx"),
    FXSR(0x1, 'd', 24, "fxsr"),
    SSE(0x1, 'd', 25, "sse"),
    SSE2(0x1, 'd', 26, "sse2"),
    SS(0x1, 'd', 27, "ss"),
    HT(0x1, 'd', 28, "ht"),
    SSE3(0x1, 'c', 0, "sse3", "pni"),
    PCLMULQDQ(0x1, 'c', 1, "pclmulqdq", "pclmuldq"),
    MONITOR(0x1, 'c', 3, "monitor"),
    SSSE3(0x1, 'c', 9, "ssse3"),
    FMA(0x1, 'c', 12, "fma"),
    CX16(0x1, 'c', 13, "cx16"),
    PCID(0x1, 'c', 17, "pcid"),
    SSE4_1(0x1, 'c', 19, "sse4.1", "sse4-1", "sse4_1"),
    SSE4_2(0x1, 'c', 20, "sse4.2", "sse4-2", "sse4_2"),
    X2APIC(0x1, 'c', 21, "x2apic"),
    MOVBE(0x1, 'c', 22, "movbe"),
    POPCNT(0x1, 'c', 23, "popcnt"),
    TSC_DEADLINE(0x1, 'c', 24, "tsc-deadline"),
    AES(0x1, 'c', 25, "aes"),
    XSAVE(0x1, 'c', 26, "xsave"),
    AVX(0x1, 'c', 28, "avx"),
    F16C(0x1, 'c', 29, "f16c"),
    RDRAND(0x1, 'c', 30, "rdrand"),
    HYPERVISOR(0x1, 'c', 31, "hypervisor"),
    ARAT(0x6, 'a', 2, "arat"),
    FSGSBASE(0x7, 'b', 0, "fsgsbase"),
    BMI1(0x7, 'b', 3, "bmi1"),
    AVX2(0x7, 'b', 5, "avx2"),
    SMEP(0x7, 'b', 7, "smep"),
    BMI2(0x7, 'b', 8, "bmi2"),
    ERMS(0x7, 'b', 9, "erms"),
    INVPCID(0x7, 'b', 10, "invpcid"),
    RDSEED(0x7, 'b', 18, "rdseed"),
    ADX(0x7, 'b', 19, "adx"),
    SMAP(0x7, 'b', 20, "smap"),
    CLFLUSHOPT(0x7, 'b', 23, "clflushopt"),
    CLWB(0x7, 'b', 24, "clwb"),
    SHA(0x7, 'b', 29, "sha-ni"),
    UMIP(0x7, 'c', 2, "umip"),
    PKU(0x7, 'c', 3, "pku"),
    VAES(0x7, 'c', 9, "vaes"),
    VPCLMULQDQ(0x7, 'c', 10, "vpclmulqdq"),
    LA57(0x7, 'c', 16, "la57"),
    RDPID(0x7, 'c', 22, "rdpid"),
    XSAVEOPT(0xd, 'a', 0, "xsaveopt"),
    XSAVEC(0xd, 'a', 1, "xsavec"),
    XGETBV1(0xd, 'a', 2, "xgetbv1"),
    XSAVES(0xd, 'a', 3, "xsaves"),
    LAHF_LM(0x80000001, 'c', 0, "lahf-lm", "lahf_lm"),
    SVM(0x80000001, 'c', 2, "svm"),
    CR8LEGACY(0x80000001, 'c', 4, "cr8legacy"),
    LZCNT(0x80000001, 'c', 5, "abm", "lzcnt"),
    SSE4A(0x80000001, 'c', 6, "sse4a"),
    PREFETCHW(0x80000001, 'c', 8, "3dnowprefetch"),
    SYSCALL(0x80000001, 'd', 11, "syscall"),
    NX(0x80000001, 'd', 20, "nx", "xd"),
    MMXEXT(0x80000001, 'd', 22, "mmxext"),
    PDPE1GB(0x80000001, 'd', 26, "pdpe1gb"),
    RDTSCP(0x80000001, 'd', 27, "rdtscp"),
    LM(0x80000001, 'd', 29, "lm", "i64");

    private final int leaf;
    private final char register;
    private final int bit;
    private final List<String> names;

    CpuFeature(int leaf, char register, int bit, String... names) {
        this.leaf = leaf;
        this.register = register;
        this.bit = bit;
        this.names = List.of(names);
    }

    /** The feature that {@code -cpu} calls {@code name}. */
    public static Optional<CpuFeature> named(String name) {
        return Arrays.stream(values()).filter(f -> f.names.contains(name)).findFirst();
    }

    /** The name that is shown. */
    public String label() {
        return names.getFirst();
    }

    /** The features that CPUID answers of {@code leaves} claim. */
    public static Set<CpuFeature> claimedBy(List<CpuModel.Leaf> leaves) {
        return Arrays.stream(values()).filter(f -> leaves.stream().anyMatch(f::claimed))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(CpuFeature.class)));
    }

    private boolean claimed(CpuModel.Leaf answer) {
        int value = switch (register) {
            case 'a' -> answer.eax();
            case 'b' -> answer.ebx();
            case 'c' -> answer.ecx();
            default -> answer.edx();
        };
        boolean subleaf = answer.subleaf() <= (leaf == 0xd ? 1 : 0) && (leaf != 0xd || answer.subleaf() == 1);
        return answer.function() == leaf && subleaf && (value >> bit & 1) != 0;
    }

    /** Its bit where it is in register {@code name} (a to d) of leaf {@code function}, else 0. */
    int in(int function, char name) {
        return leaf == function && register == name ? 1 << bit : 0;
    }
}
