package org.jkvm.hybrid;

import java.util.List;
import org.jkvm.base.state.StateIo;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.Breakpoint;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;

/** A vCPU whatever runs it now. {@link #prepare} and {@link #become} are called while it is not running. */
final class HybridVcpu implements X86Vcpu {
    private final int index;
    private final CpuModel model;
    private final VcpuModes modes;
    private volatile X86Vcpu now;
    private boolean stepping;
    private List<Breakpoint> breakpoints = List.of();

    HybridVcpu(int index, CpuModel model, VcpuModes modes, X86Vcpu first) {
        this.index = index;
        this.model = model;
        this.modes = modes;
        this.now = first;
    }

    X86Vcpu now() {
        return now;
    }

    CpuModel model() {
        return model;
    }

    VcpuModes modes() {
        return modes;
    }

    /** Has {@code other} stop where this one is to stop. */
    void prepare(X86Vcpu other) {
        if (stepping) {
            other.singleStep(true);
        }
        other.breakAt(breakpoints);
    }

    /** From now on {@code prepared} runs it, a vCPU of {@code engine}. */
    void become(X86Vcpu prepared, Engine engine) {
        modes.become(engine);
        now = prepared;
    }

    @Override
    public int index() {
        return index;
    }

    @Override
    public VmExit run(ExitAnswer answer) {
        modes.entering();
        VmExit exit = now.run(answer);
        modes.left(exit);
        return exit;
    }

    @Override
    public void leaveThread() {
        modes.ended();
    }

    /** Looks for interrupts soon. */
    void callBack() {
        if (now instanceof AssistedVcpu assisted) {
            assisted.callBack();
        }
    }

    void forgetCode() {
        if (now instanceof AssistedVcpu assisted) {
            assisted.forgetCode();
        }
    }

    /** Whatever runs it by the time that the kick comes: one that has just been replaced does not need it any more. */
    @Override
    public void kick() {
        now.kick();
    }

    @Override
    public void injectNmi() {
        now.injectNmi();
    }

    @Override
    public long instructions() {
        return now.instructions();
    }

    @Override
    public String describeEngine() {
        return now.describeEngine();
    }

    @Override
    public void reset() {
        now.reset();
    }

    @Override
    public X86State readState() {
        return now.readState();
    }

    @Override
    public void writeState(X86State state) {
        now.writeState(state);
    }

    @Override
    public void breakAt(List<Breakpoint> wanted) {
        now.breakAt(wanted);
        breakpoints = List.copyOf(wanted);
    }

    @Override
    public void singleStep(boolean on) {
        stepping = on;
        now.singleStep(on);
    }

    @Override
    public long translate(long linear) {
        return now.translate(linear);
    }

    @Override
    public void exchangeState(StateIo io) {
        now.exchangeState(io);
    }

    @Override
    public void close() {
        now.close();
    }
}
