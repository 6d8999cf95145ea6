package org.jkvm.app.vm;

import java.util.Set;
import java.util.stream.Collectors;
import org.jkvm.app.monitor.MonitorMachine;
import org.jkvm.app.settings.CpuTopology;
import org.jkvm.hybrid.HybridHypervisor;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.x86.CpuFeature;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.CpuModels;
import org.jkvm.x86.disasm.Disassembler;

/** Hardware, software, or both: what {@code -accel} chose. */
public final class HybridBackend implements Backend {
    private final String choice;
    private final HybridHypervisor hypervisor;
    private final CpuModels models;

    /** {@code choice} is what was measured and chosen, on one line; empty where the user chose. */
    HybridBackend(String choice, HybridHypervisor hypervisor, CpuModels models) {
        this.choice = choice;
        this.hypervisor = hypervisor;
        this.models = models;
    }

    @Override
    public String choice() {
        return choice;
    }

    @Override
    public Hypervisor hypervisor() {
        return hypervisor;
    }

    @Override
    public CpuModel cpu(String text, CpuTopology topology) {
        CpuModel model = models.parse(text, topology.cores(), topology.threads());
        Set<CpuFeature> missing = models.lacking(text);
        if (!missing.isEmpty()) {
            System.err.println("kvm: -cpu " + text + ": this host's KVM lacks " + missing.stream().map(CpuFeature::label)
                    .collect(Collectors.joining(", ")) + ", which guests do without");
        }
        return model;
    }

    @Override
    public String cpuHelp() {
        return models.describe();
    }

    @Override
    public MonitorMachine.Disassembler disassembler() {
        return (address, code, bits) -> {
            Disassembler.Line line = new Disassembler(bits).disassemble(code, 0, code.length, address);
            return new MonitorMachine.Disassembler.Instruction(line.length(), line.text());
        };
    }
}
