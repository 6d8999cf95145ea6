package org.jkvm.app.vm;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jkvm.app.monitor.MonitorMachine;
import org.jkvm.base.GuestMemory;
import org.jkvm.hypervisor.Vcpu;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.machine.pc.Pc;
import org.jkvm.machine.run.Cause;
import org.jkvm.machine.run.RunState;

/** A PC as the monitor sees it. */
final class MachineMonitor implements MonitorMachine {
    private final Pc pc;
    private final String name;
    private final List<Topic> topics;
    private final List<Action> commands;
    private final Disassembler disassembler;

    MachineMonitor(Pc pc, String name, List<Topic> topics, List<Action> commands, Disassembler disassembler) {
        this.pc = pc;
        this.name = name;
        this.topics = topics;
        this.commands = commands;
        this.disassembler = disassembler;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String status() {
        RunState state = pc.machine().state();
        return switch (state) {
            case RUNNING -> "running";
            case PAUSED -> "paused";
            case PRELAUNCH, DEBUG, IO_ERROR, SHUTDOWN, INTERNAL_ERROR -> "paused (" + state.qmpName() + ")";
        };
    }

    @Override
    public void stop() {
        pc.machine().stop();
    }

    @Override
    public void cont() {
        pc.machine().resume();
    }

    @Override
    public void systemReset() {
        pc.machine().requestReset(Cause.HOST_RESET);
    }

    @Override
    public void systemPowerdown() {
        pc.machine().powerButton();
    }

    @Override
    public void nmi() {
        pc.vcpus().forEach(Vcpu::injectNmi);
    }

    @Override
    public void quit() {
        pc.machine().quit(Cause.HOST_QUIT);
    }

    @Override
    public int vcpus() {
        return pc.vcpus().size();
    }

    @Override
    public X86State registers(int vcpu) {
        AtomicReference<X86State> state = new AtomicReference<>(new X86State());
        pc.machine().whileStopped(() -> state.set(pc.vcpus().get(vcpu).readState()));
        return state.get();
    }

    @Override
    public long translate(int vcpu, long linear) {
        AtomicReference<Long> physical = new AtomicReference<>(-1L);
        pc.machine().whileStopped(() -> physical.set(pc.vcpus().get(vcpu).translate(linear)));
        return physical.get();
    }

    @Override
    public GuestMemory memory() {
        return pc.memory();
    }

    @Override
    public List<Topic> topics() {
        return topics;
    }

    @Override
    public List<Action> commands() {
        return commands;
    }

    @Override
    public Disassembler disassembler() {
        return disassembler;
    }
}
