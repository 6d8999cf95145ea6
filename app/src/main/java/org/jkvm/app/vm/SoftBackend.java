package org.jkvm.app.vm;

import org.jkvm.app.monitor.MonitorMachine;
import org.jkvm.app.settings.CpuTopology;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.CpuModels;
import org.jkvm.soft.SoftCpus;
import org.jkvm.soft.SoftHypervisor;
import org.jkvm.x86.disasm.Disassembler;

/** The software engine: {@code -accel soft}. */
public final class SoftBackend implements Backend {
    private final CpuModels models = SoftCpus.models();

    @Override
    public Hypervisor hypervisor() {
        return new SoftHypervisor();
    }

    @Override
    public CpuModel cpu(String text, CpuTopology topology) {
        return models.parse(text, topology.cores(), topology.threads());
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
