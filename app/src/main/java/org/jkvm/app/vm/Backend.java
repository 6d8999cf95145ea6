package org.jkvm.app.vm;

import org.jkvm.app.monitor.MonitorMachine;
import org.jkvm.app.settings.CpuTopology;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.x86.CpuModel;

/** What runs guests, with what only it knows. */
public interface Backend {
    /** What {@code -accel auto} chose and why, on one line; empty where the user chose. */
    String choice();

    /** The hypervisor. */
    Hypervisor hypervisor();

    /**
     * A CPU model with its feature switches.
     *
     * @param text as {@code -cpu} takes it: MODEL[,+FEATURE][,-FEATURE]
     * @throws org.jkvm.base.UserException where there is no such model or feature
     */
    CpuModel cpu(String text, CpuTopology topology);

    /** The answer to {@code -cpu help}. */
    String cpuHelp();

    /** The disassembler for the monitor. */
    MonitorMachine.Disassembler disassembler();
}
