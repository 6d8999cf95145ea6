package org.jkvm.hybrid;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Clock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.kvm.KvmProcessor;

/**
 * A hardware vCPU with a software one at its side, over the same memory. Where the hardware lacks an instruction, the helper
 * takes the registers, executes it, and gives them back. The interrupt chip stays the hardware's: what concerns it ends the
 * help, and so does time, as the helper does not see interrupts.
 *
 * <pre>
 *                ┌──── not emulated ───▶ registers move ───▶ HELPING ───┐ port or MMIO access: the caller answers
 *   HARDWARE ────┤                                              │  ▲    │ as for any exit, and help goes on
 *                └◀─── registers move ◀── done, time is up, ────┘  └────┘
 *                                         halted, chip needed
 * </pre>
 *
 * One instruction is executed at first. Where the next one is missing soon after, the helper runs on for a while, for longer
 * each time, as moving costs more than executing. Where the hardware is none but an emulation, slower than the helper, the two
 * take turns from the start: the hardware takes interrupts from its chip, executes single instructions that concern it, and
 * waits while the processor is halted; the helper does the rest. User mode is always the helper's then: emulations have been
 * seen that execute SYSCALL without entering the kernel.
 */
final class AssistedVcpu implements X86Vcpu {
    private static final int IA32_TIME_STAMP_COUNTER = 0x10;
    private static final int EFER = 0xc000_0080;
    private static final int APIC_BASE = 0x1b;
    private static final int NO_CODE = -1;
    /** 0F 30. The kernel does what the guest asked for by some MSRs when it enters guest mode the next time: two turns. */
    private static final int WRMSR = 0x300f;
    /** Two failures closer together than this are worth running on. */
    private static final long CLOSE_NANOS = 1_000_000;
    private static final long SHORTEST_NANOS = 100_000;
    /** An interrupt waits at most this long. */
    private static final long LONGEST_NANOS = 2_000_000;
    /** How often an instruction may come back undone: a kick may have been in the way. */
    private static final int MOST_FRUITLESS = 8;

    private final KvmProcessor hardware;
    private final X86Vcpu helper;
    private final Assists assists;
    private final Clock clock;
    private final GuestMemory memory;
    private final Clock.Timer timer;
    private final boolean turns;
    private final AtomicBoolean kicked = new AtomicBoolean();
    private volatile boolean helping;
    private boolean debugged;
    private volatile boolean calledBack;
    private boolean answerDue;
    private boolean forgotten;
    private int hardwareSteps;
    private X86State taken;
    private long executedBefore;
    private long burst;
    private long handedBack = Long.MIN_VALUE / 2;
    private int fruitless;

    /** {@code turns} is for hardware that is an emulation. */
    AssistedVcpu(KvmProcessor hardware, X86Vcpu helper, Assists assists, Clock clock, GuestMemory memory, boolean turns) {
        this.hardware = hardware;
        this.helper = helper;
        this.assists = assists;
        this.clock = clock;
        this.memory = memory;
        this.turns = turns;
        this.timer = clock.lockedBy(new ReentrantLock()).timer("assist", this::callBack);
        hardware.singleStep(turns);
    }

    @Override
    public int index() {
        return hardware.index();
    }

    // ---- running ----

    @Override
    public VmExit run(ExitAnswer answer) {
        ExitAnswer next = answer;
        if (!helping && !answerDue && !forgotten && !(answer instanceof ExitAnswer.None)) {
            throw new IllegalArgumentException("no answer was asked for");
        }
        forgotten = false;
        for (;;) {
            VmExit exit = helping ? help(next) : mayTakeTurn() ? takeTurn() : runHardware(next);
            if (exit != null) {
                return exit;
            }
            next = ExitAnswer.NONE;
        }
    }

    /** Whether nothing but an interrupt could be the hardware's. */
    private boolean mayTakeTurn() {
        return turns && !debugged && !answerDue && hardwareSteps == 0;
    }

    /** Returns an exit for the caller, or null where the helper was called in. */
    private VmExit runHardware(ExitAnswer answer) {
        VmExit exit = hardware.run(answer);
        answerDue = isAccess(exit);
        if (exit instanceof VmExit.Interrupted) {
            kicked.set(false);
        }
        if (exit instanceof VmExit.NotEmulated(byte[] code)) {
            hardwareSteps = 0;
            if (fruitless > MOST_FRUITLESS) {
                fruitless = 0;
                return exit;
            }
            taken = hardware.readState();
            assists.count(code, codeBits(taken));
            callHelper();
            return null;
        }
        if (!turns || debugged || !(exit instanceof VmExit.Debug)) {
            return exit;
        }
        hardwareSteps = Math.max(0, hardwareSteps - 1);
        return null;
    }

    private static boolean isAccess(VmExit exit) {
        return exit instanceof VmExit.PortRead || exit instanceof VmExit.PortWrite || exit instanceof VmExit.MmioRead
                || exit instanceof VmExit.MmioWrite;
    }

    /** The hardware takes an interrupt from its chip, which the helper delivers. A halted processor waits in the hardware. */
    private VmExit takeTurn() {
        if (kicked.getAndSet(false)) {
            return runHardware(ExitAnswer.NONE);
        }
        hardware.takeInterrupt();
        taken = hardware.readState();
        if (taken.activity == X86State.Activity.RUNNING) {
            callHelper();
        } else {
            hardwareSteps = 1;
        }
        return null;
    }

    private void callHelper() {
        helper.writeState(taken);
        executedBefore = helper.instructions();
        long now = clock.nanos();
        burst = turns ? LONGEST_NANOS
                : now - handedBack > CLOSE_NANOS ? 0 : Math.clamp(2 * burst, SHORTEST_NANOS, LONGEST_NANOS);
        boolean single = burst == 0 && taken.injected < 0;
        helper.singleStep(single);
        calledBack = false;
        helping = true;
        if (!single) {
            timer.arm(now + Math.max(burst, SHORTEST_NANOS));
        }
    }

    /** Returns an exit for the caller, or null where the hardware is to go on. */
    private VmExit help(ExitAnswer answer) {
        VmExit exit = helper.run(answer);
        return switch (exit) {
            case VmExit.PortRead _, VmExit.PortWrite _, VmExit.MmioRead _, VmExit.MmioWrite _ -> exit;
            case VmExit.Debug _, VmExit.Interrupted _ -> {
                handBack(!calledBack);
                yield null;
            }
            case VmExit.Halted _ -> {
                handBack(true);
                yield null;
            }
            case VmExit.Shutdown _, VmExit.FailedEntry _, VmExit.NotEmulated _, VmExit.InternalError _ -> {
                handBack(false);
                yield exit;
            }
        };
    }

    /** Where the two take turns, the hardware {@code executes} the next instruction: one that concerns its chip, or a halt. */
    private void handBack(boolean executes) {
        timer.cancel();
        helping = false;
        X86State state = helper.readState();
        hardwareSteps = turns && executes ? codeAt(state) == WRMSR ? 2 : 1 : 0;
        long executed = helper.instructions() - executedBefore;
        fruitless = executed == 0 && state.rip == taken.rip ? fruitless + 1 : 0;
        assists.executed(executed);
        state.msrs.entrySet().removeIf(e -> unchanged(e.getKey(), e.getValue()));
        hardware.writeState(state);
        handedBack = clock.nanos();
    }

    /** The next two bytes of 64-bit code. */
    private int codeAt(X86State state) {
        long at = helper.translate(state.rip);
        try {
            return at < 0 || (at & 0xfff) == 0xfff ? NO_CODE : (int) memory.readInt(at, 2);
        } catch (GuestMemory.BadAddress notRam) {
            return NO_CODE;
        }
    }

    /** The counter of the hardware has counted on meanwhile. */
    private boolean unchanged(int msr, long value) {
        return msr == IA32_TIME_STAMP_COUNTER
                || msr != EFER && msr != APIC_BASE && taken.msrs.getOrDefault(msr, ~value) == value;
    }

    private static int codeBits(X86State state) {
        int access = state.segments[1].access();
        boolean longMode = (state.msrs.getOrDefault(EFER, 0L) & 1 << 10) != 0 && (access >> 13 & 1) != 0;
        return longMode ? 64 : (access >> 14 & 1) != 0 ? 32 : 16;
    }

    // ---- from other threads ----

    private void callBack() {
        calledBack = true;
        helper.kick();
    }

    /** The hardware remembers the kick, and tells of it once it has the registers back. */
    @Override
    public void kick() {
        hardware.kick();
        kicked.set(true);
        if (helping) {
            callBack();
        }
    }

    @Override
    public void injectNmi() {
        hardware.injectNmi();
        if (helping) {
            callBack();
        }
    }

    @Override
    public long instructions() {
        return -1;
    }

    @Override
    public String describeEngine() {
        return assists.describe();
    }

    // ---- state ----

    /** Registers are with the hardware whenever no exit waits for its answer. */
    private void takeBack() {
        forgotten |= helping || answerDue;
        if (helping) {
            handBack(false);
        }
        hardwareSteps = 0;
        answerDue = false;
    }

    @Override
    public void reset() {
        takeBack();
        hardware.reset();
    }

    @Override
    public X86State readState() {
        if (!helping) {
            return hardware.readState();
        }
        X86State state = helper.readState();
        state.lapic = hardware.readState().lapic;
        return state;
    }

    @Override
    public void writeState(X86State state) {
        takeBack();
        hardware.writeState(state);
    }

    @Override
    public void singleStep(boolean on) {
        debugged = on;
        hardware.singleStep(on || turns);
    }

    @Override
    public long translate(long linear) {
        return helping ? helper.translate(linear) : hardware.translate(linear);
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
    public void close() {
        timer.cancel();
        hardware.close();
        helper.close();
    }
}
