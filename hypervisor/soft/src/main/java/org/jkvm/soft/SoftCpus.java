package org.jkvm.soft;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jkvm.hypervisor.x86.CpuFeature;
import org.jkvm.hypervisor.x86.CpuModels;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.isa.Row;

/** The processors that the software backend offers. */
public final class SoftCpus {
    /**
     * Features that are no instructions but behaviour of the MMU, the MSRs, the local APIC; or instructions that share a
     * row with older ones (CX16, LAHF_LM), or are SSE's under another name (MMXEXT).
     */
    private static final Set<CpuFeature> BEHAVIOUR = EnumSet.of(CpuFeature.DE, CpuFeature.PSE, CpuFeature.MSR, CpuFeature.PAE,
            CpuFeature.MCE, CpuFeature.APIC, CpuFeature.MTRR, CpuFeature.PGE, CpuFeature.MCA, CpuFeature.PAT, CpuFeature.PSE36,
            CpuFeature.SS, CpuFeature.HT, CpuFeature.PCID, CpuFeature.X2APIC, CpuFeature.TSC_DEADLINE, CpuFeature.HYPERVISOR,
            CpuFeature.ARAT, CpuFeature.SMEP, CpuFeature.ERMS, CpuFeature.UMIP, CpuFeature.NX, CpuFeature.PDPE1GB,
            CpuFeature.LM, CpuFeature.CX16, CpuFeature.LAHF_LM, CpuFeature.MMXEXT, CpuFeature.XGETBV1);
    private SoftCpus() {
    }

    /** The models. A feature of instructions is there when the opcode table has rows that need it. */
    public static CpuModels models() {
        Set<String> withRows = OpcodeTable.x86().rows().stream().map(Row::feature).map(Feature::name)
                .collect(Collectors.toSet());
        EnumSet<CpuFeature> supported = EnumSet.copyOf(BEHAVIOUR);
        Arrays.stream(CpuFeature.values()).filter(f -> withRows.contains(f.name())).forEach(supported::add);
        return new CpuModels(supported, List.of(KvmClock.signature(), KvmClock.features()));
    }
}
