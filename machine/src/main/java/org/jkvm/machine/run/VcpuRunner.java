package org.jkvm.machine.run;

import java.util.HexFormat;
import org.jkvm.base.HostException;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.Vcpu;
import org.jkvm.hypervisor.VmExit;

/** A vCPU's thread: run, exit, answer, run. Everything it does is on that thread. */
final class VcpuRunner implements Runnable {
    private final Vcpu vcpu;
    private final Bus bus;
    private final VcpuGate gate;
    private final Machine machine;
    private ExitAnswer answer = ExitAnswer.NONE;

    VcpuRunner(Vcpu vcpu, Bus bus, VcpuGate gate, Machine machine) {
        this.vcpu = vcpu;
        this.bus = bus;
        this.gate = gate;
        this.machine = machine;
    }

    @Override
    public void run() {
        gate.enter();
        try {
            while (mayRun()) {
                answer = step();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            vcpu.leaveThread();
            gate.leave();
        }
    }

    /** The thread outlives any bug: a reset may bring the processor back. */
    private ExitAnswer step() throws InterruptedException {
        try {
            return handle(vcpu.run(answer));
        } catch (HostException e) {
            machine.failed(vcpu, e.getMessage(), null);
            return ExitAnswer.NONE;
        } catch (RuntimeException | Error bug) {
            machine.failed(vcpu, "a bug in jkvm: " + bug, bug);
            return ExitAnswer.NONE;
        }
    }

    /** An answer that is due is given before the thread stops: the state outside guest mode is always complete. */
    private boolean mayRun() throws InterruptedException {
        if (!gate.held()) {
            return true;
        }
        if (answer == ExitAnswer.NONE) {
            return gate.pass();
        }
        vcpu.kick();
        return true;
    }

    private ExitAnswer handle(VmExit exit) throws InterruptedException {
        return switch (exit) {
            case VmExit.PortRead(int port, int size, int count) -> bus.readPort(port, size, count);
            case VmExit.PortWrite(int port, int size, int count, byte[] data) -> done(() -> bus.writePort(port, size, data));
            case VmExit.MmioRead(long address, int size) -> bus.readMmio(address, size);
            case VmExit.MmioWrite(long address, int size, long value) -> done(() -> bus.writeMmio(address, size, value));
            case VmExit.Interrupted() -> ExitAnswer.NONE;
            case VmExit.Halted() -> haltForever();
            case VmExit.Shutdown() -> done(() -> machine.requestReset(Cause.TRIPLE_FAULT));
            case VmExit.Debug _ -> done(() -> machine.requestStop(RunState.DEBUG));
            case VmExit.FailedEntry(String reason) -> done(() -> machine.failed(vcpu, "not entered: " + reason, null));
            case VmExit.NotEmulated(byte[] code) -> done(() -> machine.failed(vcpu, "this backend lacks the instruction "
                    + HexFormat.of().formatHex(code), null));
            case VmExit.InternalError(String reason) -> done(() -> machine.failed(vcpu, reason, null));
        };
    }

    private static ExitAnswer done(Runnable action) {
        action.run();
        return ExitAnswer.NONE;
    }

    /** Halted with interrupts off: it stays so until the machine is reset or ends. */
    private ExitAnswer haltForever() throws InterruptedException {
        gate.awaitHold();
        return ExitAnswer.NONE;
    }
}
