package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jkvm.base.state.StateIo;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.Breakpoint;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86State.Activity;
import org.jkvm.linux.Descriptors;
import org.jkvm.linux.Errno;
import org.jkvm.linux.SharedMemory;
import org.jkvm.linux.ThreadSignals;

/**
 * A vCPU of /dev/kvm. A kick sets {@code immediate_exit}, which the kernel looks at before it enters guest mode, and sends the
 * vCPU's thread a signal, which makes it leave: whichever comes in time.
 */
final class KvmVcpu implements KvmProcessor {
    private static final int IA32_TIME_STAMP_COUNTER = 0x10;
    /** How many exits an instruction that is given up may still make. */
    private static final int MOST_LEFTOVERS = 64;

    private final int index;
    private final Handle handle;
    private final MemorySegment run;
    private final Arena arena = Arena.ofShared();
    private final Exits exits;
    private final SplitExits split;
    private final StateTransfer transfer;
    private final TscOffset tsc;
    private final Debugging debugging;
    private final MemorySegment translation;
    private final X86State powerOn;
    private final AtomicBoolean kicked = new AtomicBoolean();
    private final AtomicBoolean nmi = new AtomicBoolean();
    private volatile boolean inGuest;
    private volatile int thread;
    private Thread runner;
    private boolean shutDown;
    private boolean answerDue;
    private boolean forgotten;
    /** Guarded by this. */
    private boolean closed;

    KvmVcpu(KvmVm vm, int index, CpuModel model) {
        this.index = index;
        this.handle = new Handle(vm.handle().call(Request.KVM_CREATE_VCPU, index), "KVM vCPU " + index);
        this.run = map(handle, vm.vcpuMemory());
        try {
            exits = new Exits(run);
            split = new SplitExits(vm.userChip(), handle, run, index == 0, arena);
            Cpuid.set(handle, model, index);
            MachineCheck.setUp(handle);
            SignalMask.clear(handle);
            MsrTransfer msrs = new MsrTransfer(handle, vm.msrs(), arena);
            transfer = new StateTransfer(handle, msrs, arena);
            tsc = new TscOffset(handle, msrs, arena);
            debugging = new Debugging(handle, vm.guestDebug(), arena);
            translation = arena.allocate(Abi.Translation.S.size(), 8);
            powerOn = transfer.read();
            powerOn.msrs.remove(IA32_TIME_STAMP_COUNTER);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** What the kernel shares of it; where that can't be had, neither can the vCPU. */
    private static MemorySegment map(Handle vcpu, int size) {
        try {
            return Descriptors.map(vcpu.descriptor(), size);
        } catch (RuntimeException e) {
            vcpu.close();
            throw e;
        }
    }

    @Override
    public int index() {
        return index;
    }

    /** The memory that it shares with the kernel, until it is closed. */
    MemorySegment shared() {
        return run;
    }

    // ---- running ----

    @Override
    public VmExit run(ExitAnswer answer) {
        give(answer);
        if (Thread.currentThread() != runner) {
            runner = Thread.currentThread();
            thread = ThreadSignals.currentThread();
        }
        if (shutDown) {
            return new VmExit.Shutdown();
        }
        for (;;) {
            VmExit exit = enter();
            if (exit != null) {
                shutDown = exit instanceof VmExit.Shutdown;
                answerDue = exits.wantsAnswer();
                return exit;
            }
        }
    }

    private void give(ExitAnswer answer) {
        if (forgotten) {
            forgotten = false;
        } else if (answerDue) {
            exits.answer(answer);
            answerDue = false;
        } else if (!(answer instanceof ExitAnswer.None)) {
            throw new IllegalArgumentException("no answer was asked for");
        }
    }

    /** Enters guest mode; returns the exit, or null where the kernel came back for something that is done here. */
    private VmExit enter() {
        raiseNmi();
        split.offer();
        inGuest = true;
        int result = handle.attempt(Request.KVM_RUN, 0);
        inGuest = false;
        return switch (result) {
            case -Errno.EINTR, -Errno.EAGAIN -> cameBack();
            case 0 -> debugging.filter(split.read(exits));
            default -> refused(-result);
        };
    }

    private void raiseNmi() {
        if (nmi.get() && nmi.getAndSet(false)) {
            handle.call(Request.KVM_NMI, 0);
        }
    }

    /**
     * The instruction that the last exit was for is complete. In this order, so that a kick that comes in between is seen by
     * the next entry at the latest.
     */
    private VmExit cameBack() {
        exits.discard();
        run.set(JAVA_BYTE, Abi.Run.IMMEDIATE_EXIT, (byte) 0);
        if (split.settle()) {
            enterForInterrupts();
        }
        return kicked.getAndSet(false) ? new VmExit.Interrupted() : null;
    }

    /** With a signal waiting, the kernel takes the interrupt, sees the signal before it enters guest mode, and comes back. */
    @Override
    public void takeInterrupt() {
        kicked.set(false);
        run.set(JAVA_BYTE, Abi.Run.IMMEDIATE_EXIT, (byte) 0);
        raiseNmi();
        split.offer();
        enterForInterrupts();
        split.settle();
    }

    /** Chips that are not the kernel's know of every interrupt that has ended. While not running, with no exit to be answered. */
    void settle() {
        if (!exits.pending()) {
            enterForInterrupts();
        }
    }

    private void enterForInterrupts() {
        ThreadSignals.hold(true);
        ThreadSignals.interrupt(ThreadSignals.currentThread());
        boolean again = true;
        while (again) {
            again = handle.attempt(Request.KVM_RUN, 0) == 0 && split.handled();
        }
        ThreadSignals.hold(false);
    }

    private static VmExit refused(int errno) {
        return new VmExit.InternalError("KVM_RUN: " + Errno.describe(errno)
                + (errno == Errno.EFAULT ? "; the guest reached memory that the host does not have" : ""));
    }

    // ---- from other threads ----

    @Override
    public void kick() {
        kicked.set(true);
        callBack();
    }

    /** Interrupt controllers that are not the kernel's request an interrupt. */
    void lookForInterrupts() {
        callBack();
    }

    @Override
    public void injectNmi() {
        nmi.set(true);
        callBack();
    }

    private synchronized void callBack() {
        if (!closed) {
            run.set(JAVA_BYTE, Abi.Run.IMMEDIATE_EXIT, (byte) 1);
            // The vCPU's thread does the reverse: it says that it enters, and the kernel looks at what was just set.
            VarHandle.fullFence();
            if (inGuest) {
                ThreadSignals.interrupt(thread);
            }
        }
    }

    @Override
    public long instructions() {
        return -1;
    }

    // ---- state ----

    @Override
    public void reset() {
        drop();
        transfer.write(powerOn);
        nmi.set(false);
        shutDown = false;
    }

    @Override
    public X86State readState() {
        X86State state = transfer.read();
        state.activity = shutDown ? Activity.SHUTDOWN : state.activity;
        state.nmiPending |= nmi.get();
        return state;
    }

    @Override
    public void writeState(X86State state) {
        drop();
        transfer.write(state);
        if (state.lapic != null) {
            nmi.set(false);
        }
        shutDown = state.activity == Activity.SHUTDOWN;
    }

    @Override
    public X86State readCore() {
        X86State state = new X86State();
        transfer.readCore(state);
        return state;
    }

    @Override
    public void writeCore(X86State state) {
        transfer.writeCore(state);
    }

    @Override
    public long tscOffset(LongSupplier hostTsc) {
        return tsc.read(hostTsc);
    }

    @Override
    public void tscOffset(long offset, LongSupplier hostTsc) {
        tsc.write(offset, hostTsc);
    }

    /** Has the kernel finish the instruction that waits for an answer, whose outcome nobody wants any more. */
    private void drop() {
        forgotten |= answerDue;
        boolean due = exits.pending();
        for (int n = 0; due && n < MOST_LEFTOVERS; n++) {
            exits.discard();
            run.set(JAVA_BYTE, Abi.Run.IMMEDIATE_EXIT, (byte) 1);
            due = handle.attempt(Request.KVM_RUN, 0) == 0 && exits.read() != null && exits.pending();
        }
        exits.discard();
        answerDue = false;
        debugging.forget();
        split.forget();
        run.set(JAVA_BYTE, Abi.Run.IMMEDIATE_EXIT, (byte) (kicked.get() ? 1 : 0));
    }

    @Override
    public void exchangeState(StateIo io) {
        X86State state = readState();
        state.exchangeState(io);
        if (io.restoring()) {
            writeState(state);
        }
    }

    @Override
    public void singleStep(boolean on) {
        debugging.singleStep(on);
    }

    @Override
    public void breakAt(List<Breakpoint> breakpoints) {
        debugging.breakAt(breakpoints);
    }

    @Override
    public long translate(long linear) {
        translation.set(JAVA_LONG, Abi.Translation.LINEAR_ADDRESS, linear);
        handle.call(Request.KVM_TRANSLATE, translation);
        return translation.get(JAVA_BYTE, Abi.Translation.VALID) != 0
                ? translation.get(JAVA_LONG, Abi.Translation.PHYSICAL_ADDRESS) : -1;
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            SharedMemory.unmap(run);
            handle.close();
            arena.close();
        }
    }
}
