package org.jkvm.hypervisor.x86;

import static org.jkvm.hypervisor.x86.CpuFeature.AES;
import static org.jkvm.hypervisor.x86.CpuFeature.APIC;
import static org.jkvm.hypervisor.x86.CpuFeature.ARAT;
import static org.jkvm.hypervisor.x86.CpuFeature.AVX2;
import static org.jkvm.hypervisor.x86.CpuFeature.AVX;
import static org.jkvm.hypervisor.x86.CpuFeature.BMI1;
import static org.jkvm.hypervisor.x86.CpuFeature.BMI2;
import static org.jkvm.hypervisor.x86.CpuFeature.CLFSH;
import static org.jkvm.hypervisor.x86.CpuFeature.CMOV;
import static org.jkvm.hypervisor.x86.CpuFeature.CX16;
import static org.jkvm.hypervisor.x86.CpuFeature.CX8;
import static org.jkvm.hypervisor.x86.CpuFeature.DE;
import static org.jkvm.hypervisor.x86.CpuFeature.ERMS;
import static org.jkvm.hypervisor.x86.CpuFeature.F16C;
import static org.jkvm.hypervisor.x86.CpuFeature.FMA;
import static org.jkvm.hypervisor.x86.CpuFeature.FPU;
import static org.jkvm.hypervisor.x86.CpuFeature.FSGSBASE;
import static org.jkvm.hypervisor.x86.CpuFeature.FXSR;
import static org.jkvm.hypervisor.x86.CpuFeature.HT;
import static org.jkvm.hypervisor.x86.CpuFeature.HYPERVISOR;
import static org.jkvm.hypervisor.x86.CpuFeature.INVPCID;
import static org.jkvm.hypervisor.x86.CpuFeature.LAHF_LM;
import static org.jkvm.hypervisor.x86.CpuFeature.LM;
import static org.jkvm.hypervisor.x86.CpuFeature.LZCNT;
import static org.jkvm.hypervisor.x86.CpuFeature.MCA;
import static org.jkvm.hypervisor.x86.CpuFeature.MCE;
import static org.jkvm.hypervisor.x86.CpuFeature.MMX;
import static org.jkvm.hypervisor.x86.CpuFeature.MOVBE;
import static org.jkvm.hypervisor.x86.CpuFeature.MSR;
import static org.jkvm.hypervisor.x86.CpuFeature.MTRR;
import static org.jkvm.hypervisor.x86.CpuFeature.NX;
import static org.jkvm.hypervisor.x86.CpuFeature.PAE;
import static org.jkvm.hypervisor.x86.CpuFeature.PAT;
import static org.jkvm.hypervisor.x86.CpuFeature.PCID;
import static org.jkvm.hypervisor.x86.CpuFeature.PCLMULQDQ;
import static org.jkvm.hypervisor.x86.CpuFeature.PGE;
import static org.jkvm.hypervisor.x86.CpuFeature.POPCNT;
import static org.jkvm.hypervisor.x86.CpuFeature.PSE36;
import static org.jkvm.hypervisor.x86.CpuFeature.PSE;
import static org.jkvm.hypervisor.x86.CpuFeature.RDRAND;
import static org.jkvm.hypervisor.x86.CpuFeature.RDTSCP;
import static org.jkvm.hypervisor.x86.CpuFeature.SEP;
import static org.jkvm.hypervisor.x86.CpuFeature.SMEP;
import static org.jkvm.hypervisor.x86.CpuFeature.SSE2;
import static org.jkvm.hypervisor.x86.CpuFeature.SSE3;
import static org.jkvm.hypervisor.x86.CpuFeature.SSE4_1;
import static org.jkvm.hypervisor.x86.CpuFeature.SSE4_2;
import static org.jkvm.hypervisor.x86.CpuFeature.SSE;
import static org.jkvm.hypervisor.x86.CpuFeature.SSSE3;
import static org.jkvm.hypervisor.x86.CpuFeature.SYSCALL;
import static org.jkvm.hypervisor.x86.CpuFeature.TSC;
import static org.jkvm.hypervisor.x86.CpuFeature.TSC_DEADLINE;
import static org.jkvm.hypervisor.x86.CpuFeature.VME;
import static org.jkvm.hypervisor.x86.CpuFeature.X2APIC;
import static org.jkvm.hypervisor.x86.CpuFeature.XSAVE;
import static org.jkvm.hypervisor.x86.CpuFeature.XSAVEC;
import static org.jkvm.hypervisor.x86.CpuFeature.XSAVEOPT;
import static org.jkvm.hypervisor.x86.CpuFeature.XSAVES;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jkvm.base.UserException;

/**
 * The processors that {@code -cpu} can name, and what CPUID says of them. A model never claims what its backend does not
 * have.
 */
public final class CpuModels {
    /**
     * What {@code max} is made of: every feature that the backend has, but those by which guests take other ways through
     * interrupts, timers and TLBs, which QEMU's software engine keeps from them too.
     */
    private static final Set<CpuFeature> MAX = complement(HT, VME, PCID, X2APIC, TSC_DEADLINE, INVPCID, XSAVEC, XSAVES);
    private static final Set<CpuFeature> BASE_64 = EnumSet.of(FPU, DE, PSE, TSC, MSR, PAE, MCE, CX8, APIC, SEP, MTRR, PGE,
            MCA, CMOV, PAT, PSE36, CLFSH, MMX, FXSR, SSE, SSE2, SSE3, CX16, HYPERVISOR, SYSCALL, NX, LM);
    private static final Set<CpuFeature> V2 = union(BASE_64, LAHF_LM, SSSE3, SSE4_1, SSE4_2, POPCNT);
    /** The x86-64 psABI's third level. */
    private static final Set<CpuFeature> V3 = union(V2, AVX, AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE, XSAVE);
    private static final Set<CpuFeature> HASWELL = union(V3, AES, ARAT, ERMS, FSGSBASE, INVPCID, PCID, PCLMULQDQ, RDRAND,
            RDTSCP, SMEP, TSC_DEADLINE, X2APIC, XSAVEOPT);
    private static final String AMD = "AuthenticAMD";
    private static final String INTEL = "GenuineIntel";
    /** Legacy region and header of an XSAVE area. */
    private static final int XSAVE_BYTES = 576;
    private static final int AVX_BYTES = 256;
    private static final int CACHE_LINE = 64;
    private static final int PHYSICAL_BITS = 40;
    private static final int LINEAR_BITS = 48;
    /** Bits of leaf 1's EDX that AMD's processors repeat in leaf 80000001h (AMD64 manual vol. 3, appendix E.4.2). */
    private static final int AMD_REPEATED = 0x0183_f3ff;

    /** Names, signatures and brand strings of the models that QEMU has too are QEMU's. */
    private static final List<Model> MODELS = List.of(
            new Model("Haswell", INTEL, 6, 60, 4, "Intel Core Processor (Haswell)", HASWELL),
            new Model("Haswell-noTSX", INTEL, 6, 60, 1, "Intel Core Processor (Haswell, no TSX)", HASWELL),
            new Model("Nehalem", INTEL, 6, 26, 3, "Intel Core i7 9xx (Nehalem Class Core i7)", V2),
            new Model("kvm64", INTEL, 15, 6, 1, "Common KVM processor", BASE_64),
            new Model("max", AMD, 15, 107, 1, "jkvm CPU, everything that there is", MAX),
            new Model("qemu32", INTEL, 6, 6, 3, "QEMU Virtual CPU version 2.5+", EnumSet.of(FPU, DE, PSE, TSC, MSR, PAE, MCE,
                    CX8, APIC, SEP, PGE, CMOV, PAT, MMX, FXSR, SSE, SSE2, SSE3, HYPERVISOR)),
            new Model("qemu64", AMD, 15, 107, 1, "QEMU Virtual CPU version 2.5+", union(BASE_64, LAHF_LM)),
            new Model("x86-64-v2", AMD, 15, 107, 1, "x86-64-v2 processor", V2),
            new Model("x86-64-v3", AMD, 15, 107, 1, "x86-64-v3 processor", V3));

    private final Set<CpuFeature> supported;
    /** What the backend has, but not on this host. */
    private final Set<CpuFeature> lacking;
    private final List<CpuModel.Leaf> backendLeaves;

    /** A model before the backend has its say. */
    private record Model(String name, String vendor, int family, int number, int stepping, String brand,
                         Set<CpuFeature> features) {
        /** Leaf 1's EAX: extended family and model where the short fields overflow. */
        int signature() {
            int shortFamily = Math.min(family, 15);
            return stepping | (number & 15) << 4 | shortFamily << 8 | number >> 4 << 16 | family - shortFamily << 20;
        }
    }

    /**
     * Models for a backend.
     *
     * @param supported     the features that it implements
     * @param backendLeaves its own leaves, from 40000000h on
     */
    public CpuModels(Set<CpuFeature> supported, List<CpuModel.Leaf> backendLeaves) {
        this(supported, EnumSet.noneOf(CpuFeature.class), backendLeaves);
    }

    private CpuModels(Set<CpuFeature> supported, Set<CpuFeature> lacking, List<CpuModel.Leaf> backendLeaves) {
        this.supported = EnumSet.copyOf(supported);
        this.lacking = EnumSet.copyOf(lacking);
        this.backendLeaves = List.copyOf(backendLeaves);
    }

    /** The same models, without the features that {@code others} lacks. */
    public CpuModels limitedTo(Set<CpuFeature> others) {
        EnumSet<CpuFeature> both = EnumSet.copyOf(supported);
        both.retainAll(others);
        EnumSet<CpuFeature> left = EnumSet.copyOf(supported);
        left.removeAll(others);
        return new CpuModels(both, left, backendLeaves);
    }

    /** What a model of {@code text} would have, and has not as this host lacks it. */
    public Set<CpuFeature> lacking(String text) {
        String[] words = text.split(",");
        Set<CpuFeature> missing = EnumSet.copyOf(model(text, words[0]).features);
        missing.retainAll(lacking);
        for (String word : words) {
            if (switchesOff(word)) {
                CpuFeature.named(featureName(word)).ifPresent(missing::remove);
            }
        }
        return missing;
    }

    private static Set<CpuFeature> complement(CpuFeature... features) {
        return EnumSet.complementOf(EnumSet.copyOf(List.of(features)));
    }

    private static Set<CpuFeature> union(Set<CpuFeature> some, CpuFeature... more) {
        EnumSet<CpuFeature> all = EnumSet.copyOf(some);
        all.addAll(List.of(more));
        return all;
    }

    /** The names of the models. */
    public static List<String> names() {
        return MODELS.stream().map(Model::name).toList();
    }

    /** The features that can be switched, as text for {@code -cpu help}. */
    public String describe() {
        StringBuilder text = new StringBuilder("Available CPUs:\n");
        MODELS.forEach(m -> text.append("x86 %-22s%s\n".formatted(m.name, m.brand)));
        return text + "\nRecognized CPUID flags:\n  " + supported.stream().map(CpuFeature::label)
                .collect(Collectors.joining(" ")).replaceAll("(.{1,74})( |$)", "$1\n  ").stripTrailing() + "\n";
    }

    /**
     * The model that {@code text} means: {@code NAME[,+FEATURE][,-FEATURE][,FEATURE=on|off]}.
     *
     * @param cores   cores in a package
     * @param threads threads in a core
     * @throws UserException where there is no such model or feature
     */
    public CpuModel parse(String text, int cores, int threads) {
        String[] words = text.split(",");
        Model model = model(text, words[0]);
        EnumSet<CpuFeature> features = EnumSet.copyOf(model.features);
        features.retainAll(supported);
        for (String word : Arrays.asList(words).subList(1, words.length)) {
            apply(text, word, features);
        }
        return new CpuModel(model.name, new Leaves(model, features, cores, threads).all());
    }

    private static Model model(String text, String name) {
        return MODELS.stream().filter(m -> m.name.equals(name)).findFirst().orElseThrow(() -> new UserException("-cpu " + text
                + ": unable to find CPU model '" + name + "'; there are " + String.join(", ", names())));
    }

    private static boolean switchesOff(String word) {
        return word.startsWith("-") || word.endsWith("=off");
    }

    private static String featureName(String word) {
        return word.replaceFirst("^[+-]", "").replaceFirst("=(on|off)$", "");
    }

    private void apply(String text, String word, Set<CpuFeature> features) {
        boolean off = switchesOff(word);
        String name = featureName(word);
        CpuFeature feature = CpuFeature.named(name).orElseThrow(() ->
                new UserException("-cpu " + text + ": there is no CPU feature '" + name + "'"));
        if (off) {
            features.remove(feature);
        } else if (supported.contains(feature)) {
            features.add(feature);
        } else {
            throw new UserException("-cpu " + text + ": " + (lacking.contains(feature) ? "this host's KVM lacks '" + name + "'"
                    : "the CPU feature '" + name + "' is not implemented"));
        }
    }

    /** CPUID's answers for a model with its features. */
    private final class Leaves {
        private final Model model;
        private final Set<CpuFeature> features;
        private final int cores;
        private final int threads;
        private final List<CpuModel.Leaf> leaves = new ArrayList<>();

        Leaves(Model model, Set<CpuFeature> features, int cores, int threads) {
            this.model = model;
            this.features = features;
            this.cores = cores;
            this.threads = threads;
        }

        List<CpuModel.Leaf> all() {
            int logical = cores * threads;
            int[] vendor = words(model.vendor, 12);
            leaf(0, -1, 0xd, vendor[0], vendor[2], vendor[1]);
            leaf(1, -1, model.signature(), CACHE_LINE / 8 << 8 | logical << 16, mask(1, 'c'),
                    mask(1, 'd') | (logical > 1 ? HT.in(1, 'd') : 0));
            leaf(6, -1, mask(6, 'a'), 0, 0, 0);
            leaf(7, 0, 0, mask(7, 'b'), mask(7, 'c'), 0);
            leaf(0xb, 0, log2(threads), threads, 1 << 8, 0);
            leaf(0xb, 1, log2(threads) + log2(cores), logical, 2 << 8 | 1, 0);
            if (features.contains(XSAVE)) {
                xsave();
            }
            leaves.addAll(backendLeaves);
            extended(vendor, logical);
            return leaves;
        }

        /** x87 and SSE state, and AVX's 256 bytes at offset 576 (SDM vol. 1, section 13.2). */
        private void xsave() {
            boolean avx = features.contains(AVX);
            leaf(0xd, 0, avx ? 7 : 3, XSAVE_BYTES, avx ? XSAVE_BYTES + AVX_BYTES : XSAVE_BYTES, 0);
            leaf(0xd, 1, mask(0xd, 'a'), 0, 0, 0);
            if (avx) {
                leaf(0xd, 2, AVX_BYTES, XSAVE_BYTES, 0, 0);
            }
        }

        private void extended(int[] vendor, int logical) {
            boolean amd = model.vendor.equals(AMD);
            leaf(0x80000000, -1, 0x80000008, amd ? vendor[0] : 0, amd ? vendor[2] : 0, amd ? vendor[1] : 0);
            leaf(0x80000001, -1, amd ? model.signature() : 0, 0, mask(0x80000001, 'c') | (amd && logical > 1 ? 2 : 0),
                    mask(0x80000001, 'd') | (amd ? mask(1, 'd') & AMD_REPEATED : 0));
            int[] brand = words(model.brand, 48);
            for (int i = 0; i < 3; i++) {
                leaf(0x80000002 + i, -1, brand[4 * i], brand[4 * i + 1], brand[4 * i + 2], brand[4 * i + 3]);
            }
            if (amd) {
                // Caches: 64 KiB 2-way data and instructions, 512 KiB 16-way level 2 (AMD64 manual vol. 3, E.4.4, E.4.5).
                leaf(0x80000005, -1, 0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140);
                leaf(0x80000006, -1, 0, 0x42004200, 0x02008140, 0);
            }
            leaf(0x80000008, -1, features.contains(LM) ? LINEAR_BITS << 8 | PHYSICAL_BITS : 36, 0,
                    amd && logical > 1 ? log2(logical) << 12 | logical - 1 : 0, 0);
        }

        private void leaf(int function, int subleaf, int eax, int ebx, int ecx, int edx) {
            leaves.add(new CpuModel.Leaf(function, subleaf, eax, ebx, ecx, edx));
        }

        private int mask(int function, char register) {
            return features.stream().mapToInt(f -> f.in(function, register)).reduce(0, (a, b) -> a | b);
        }
    }

    /** Text as CPUID packs it: four characters a register, zeroes behind. */
    private static int[] words(String text, int length) {
        ByteBuffer bytes = ByteBuffer.wrap(Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), length))
                .order(ByteOrder.LITTLE_ENDIAN);
        int[] words = new int[length / 4];
        bytes.asIntBuffer().get(words);
        return words;
    }

    /** Bits that count to {@code n}. */
    private static int log2(int n) {
        return 32 - Integer.numberOfLeadingZeros(n - 1);
    }
}
