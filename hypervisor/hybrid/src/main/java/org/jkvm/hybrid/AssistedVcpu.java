package org.jkvm.hybrid;

import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Clock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.Breakpoint;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.kvm.KvmProcessor;
import org.jkvm.soft.SoftProcessor;

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
 * each time, as moving costs more than executing.
 *
 * <p>Where the hardware is none but an emulation, slower than the helper, the two take turns from the start: the hardware takes
 * interrupts from its chip, executes single instructions that concern it, and waits while the processor is halted; the helper
 * does the rest. User mode is always the helper's then: emulations have been seen that execute SYSCALL without entering the
 * kernel. What the hardware does not need for that stays with the helper: floating point, debug registers, its MSRs, and decoded
 * code, which goes only where the hardware may have written some.
 */
final class AssistedVcpu implements X86Vcpu {
    private static final int IA32_TIME_STAMP_COUNTER = 0x10;
    private static final int EFER = 0xc000_0080;
    private static final int APIC_BASE = 0x1b;
    /** MSRs that {@link KvmProcessor#readCore} reads, and the counter, which is the hardware's. */
    private static final Set<Integer> CORE = Set.of(IA32_TIME_STAMP_COUNTER, EFER, APIC_BASE, 0xc000_0100, 0xc000_0101);
    /** Two failures closer together than this are worth running on. */
    private static final long CLOSE_NANOS = 1_000_000;
    private static final long SHORTEST_NANOS = 100_000;
    /** An interrupt of the kernel's timers waits at most this long; for others the helper is called back. */
    private static final long LONGEST_NANOS = 2_000_000;
    /** How often an instruction may come back undone: a kick may have been in the way. */
    private static final int MOST_FRUITLESS = 8;

    /** What all processors of a machine share. */
    interface Surroundings {
        /** The host's time-stamp counter. */
        long hostTsc();

        /** Guest code may have been changed by the hardware. */
        void codeChanged();

        /** Processors may have been sent an interrupt. */
        void interruptSent();
    }

    private final KvmProcessor hardware;
    private final SoftProcessor helper;
    private final Assists assists;
    private final VcpuModes modes;
    private final Surroundings surroundings;
    private final Clock clock;
    private final GuestMemory memory;
    private final Clock.Timer timer;
    private final boolean turns;
    private final AtomicBoolean kicked = new AtomicBoolean();
    /** The hardware has looked for interrupts for the last time before the helper runs, which is to be called back for more. */
    private volatile boolean away;
    private boolean helping;
    private boolean debugged;
    private List<Breakpoint> breakpoints = List.of();
    private boolean answerDue;
    private boolean forgotten;
    /** The hardware executes one instruction now: this one, or null where it waits in a halt. */
    private boolean stepping;
    private TurnCode step;
    private X86State taken;
    private long executedBefore;
    private long burst;
    private long handedBack = Long.MIN_VALUE / 2;
    private int fruitless;

    /** {@code turns} is for hardware that is an emulation. */
    AssistedVcpu(KvmProcessor hardware, SoftProcessor helper, Assists assists, VcpuModes modes, Surroundings surroundings,
            Clock clock, GuestMemory memory, boolean turns) {
        this.hardware = hardware;
        this.helper = helper;
        this.assists = assists;
        this.modes = modes;
        this.surroundings = surroundings;
        this.clock = clock;
        this.memory = memory;
        this.turns = turns;
        this.timer = clock.lockedBy(new ReentrantLock()).timer("assist", this::callBack);
        hardware.singleStep(turns);
        meet();
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
            VmExit exit = helping ? help(next) : helperHasRest() && !answerDue ? turn() : runHardware(next);
            if (exit != null) {
                return exit;
            }
            next = ExitAnswer.NONE;
        }
    }

    /** Whether the helper has what the hardware does not need for its turns. */
    private boolean helperHasRest() {
        return turns && !debugged;
    }

    /** Returns an exit for the caller, or null where the helper was called in. */
    private VmExit runHardware(ExitAnswer answer) {
        VmExit exit = hardware.run(answer);
        answerDue = isAccess(exit);
        if (exit instanceof VmExit.Interrupted) {
            kicked.set(false);
        }
        if (exit instanceof VmExit.NotEmulated(byte[] code)) {
            return assist(exit, code);
        }
        if (!helperHasRest() || !(exit instanceof VmExit.Debug)) {
            return exit;
        }
        stepped();
        return null;
    }

    private VmExit assist(VmExit exit, byte[] code) {
        stepping = false;
        if (fruitless > MOST_FRUITLESS) {
            fruitless = 0;
            return exit;
        }
        taken = helperHasRest() ? hardware.readCore() : hardware.readState();
        assists.count(code, TurnCode.bits(taken));
        callHelper();
        return null;
    }

    private static boolean isAccess(VmExit exit) {
        return exit instanceof VmExit.PortRead || exit instanceof VmExit.PortWrite || exit instanceof VmExit.MmioRead
                || exit instanceof VmExit.MmioWrite;
    }

    /**
     * The hardware has executed its instruction. The one that it executes first after a halt, an interrupt handler's first, is
     * taken to change no code.
     */
    private void stepped() {
        stepping = false;
        if (step == null) {
            return;
        }
        if (step.writesMsr()) {
            helper.tscOffset(hardware.tscOffset(surroundings::hostTsc));
        }
        if (!step.leavesMemory()) {
            surroundings.codeChanged();
        }
        if (helper.leftForInterprocessorInterrupt()) {
            surroundings.interruptSent();
        }
        step = null;
    }

    /** The hardware runs only where it has an instruction to execute, or waits: never in order to learn of a kick. */
    private VmExit turn() {
        return kicked.getAndSet(false) ? new VmExit.Interrupted() : stepping ? runHardware(ExitAnswer.NONE) : takeTurn();
    }

    /** The hardware takes an interrupt from its chip, which the helper delivers. A halted processor waits in the hardware. */
    private VmExit takeTurn() {
        away = true;
        hardware.takeInterrupt();
        X86State core = hardware.readCore();
        if (core.activity == X86State.Activity.RUNNING) {
            taken = core;
            callHelper();
        } else {
            away = false;
            stepping = true;
        }
        return null;
    }

    private void callHelper() {
        if (helperHasRest()) {
            helper.writeCore(taken);
        } else {
            helper.writeState(taken);
            helper.tscOffset(hardware.tscOffset(surroundings::hostTsc));
        }
        executedBefore = helper.instructions();
        long now = clock.nanos();
        burst = turns ? LONGEST_NANOS
                : now - handedBack > CLOSE_NANOS ? 0 : Math.clamp(2 * burst, SHORTEST_NANOS, LONGEST_NANOS);
        boolean single = burst == 0 && taken.injected < 0;
        helper.singleStep(single);
        helping = true;
        away = true;
        if (!single) {
            timer.arm(now + Math.max(burst, SHORTEST_NANOS));
        }
    }

    /** Returns an exit for the caller, or null where the hardware is to go on. */
    private VmExit help(ExitAnswer answer) {
        long begin = System.nanoTime();
        VmExit exit = helper.run(answer);
        modes.helped(System.nanoTime() - begin);
        return switch (exit) {
            case VmExit.PortRead _, VmExit.PortWrite _, VmExit.MmioRead _, VmExit.MmioWrite _ -> exit;
            case VmExit.Debug(_, int hits) when hits != 0 -> exit;
            case VmExit.Debug _, VmExit.Interrupted _ -> {
                handBack();
                yield null;
            }
            case VmExit.Halted _ -> {
                handBack();
                stepping = turns;
                assists.turn("hlt");
                yield null;
            }
            case VmExit.NotEmulated _ -> {
                handOver();
                yield null;
            }
            case VmExit.Shutdown _, VmExit.FailedEntry _, VmExit.InternalError _ -> {
                handBack();
                yield exit;
            }
        };
    }

    /** The next instruction is the hardware's: it concerns its chip. */
    private void handOver() {
        X86State state = handBack();
        if (turns) {
            step = TurnCode.at(state, helper, memory);
            stepping = true;
            assists.turn(Assists.mnemonic(step.bytes(), step.bits()));
        }
    }

    /** The registers go back to the hardware. */
    private X86State handBack() {
        timer.cancel();
        helping = false;
        away = false;
        boolean core = helperHasRest();
        X86State state = core ? helper.readCore() : helper.readState();
        long executed = helper.instructions() - executedBefore;
        fruitless = executed == 0 && state.rip == taken.rip ? fruitless + 1 : 0;
        if (core) {
            hardware.writeCore(state);
        } else {
            state.msrs.entrySet().removeIf(e -> unchanged(e.getKey(), e.getValue()));
            hardware.writeState(state);
        }
        handedBack = clock.nanos();
        return state;
    }

    /** The counter of the hardware has counted on meanwhile. */
    private boolean unchanged(int msr, long value) {
        return msr == IA32_TIME_STAMP_COUNTER
                || msr != EFER && msr != APIC_BASE && taken.msrs.getOrDefault(msr, ~value) == value;
    }

    // ---- from other threads ----

    /** The helper is to let the hardware look for interrupts. */
    void callBack() {
        if (away) {
            helper.kick();
        }
    }

    /** Guest code may have been changed. */
    void forgetCode() {
        helper.forgetCode();
    }

    /** In this order: the hardware forgets kicks when it takes interrupts, and what is remembered here is looked at after that. */
    @Override
    public void kick() {
        kicked.set(true);
        callBack();
        hardware.kick();
    }

    @Override
    public void injectNmi() {
        hardware.injectNmi();
        callBack();
    }

    @Override
    public long instructions() {
        return turns ? helper.instructions() : -1;
    }

    @Override
    public String describeEngine() {
        return assists.describe() + (turns ? helper.describeEngine() : "");
    }

    // ---- state ----

    /** The helper gets what the hardware has. */
    private void meet() {
        if (helperHasRest()) {
            X86State state = hardware.readState();
            state.nmiPending = false;
            helper.writeState(state);
            helper.tscOffset(hardware.tscOffset(surroundings::hostTsc));
        }
    }

    /** Registers are with the hardware whenever no exit waits for its answer. */
    private void takeBack() {
        forgotten |= helping || answerDue;
        if (helping) {
            handBack();
        }
        stepping = false;
        step = null;
        answerDue = false;
    }

    @Override
    public void reset() {
        takeBack();
        hardware.reset();
        meet();
    }

    @Override
    public X86State readState() {
        X86State state = hardware.readState();
        if (!helping && !helperHasRest()) {
            return state;
        }
        X86State helped = helper.readState();
        return helping ? withChip(helped, state) : withRest(state, helped);
    }

    /** The helper's state, with what is part of the interrupt chip and the clock. */
    private static X86State withChip(X86State helped, X86State state) {
        helped.lapic = state.lapic;
        state.msrs.forEach(helped.msrs::putIfAbsent);
        return helped;
    }

    /** The hardware's state, with what only the helper has. */
    private static X86State withRest(X86State state, X86State helped) {
        state.xsave = helped.xsave;
        state.xcr0 = helped.xcr0;
        System.arraycopy(helped.debug, 0, state.debug, 0, state.debug.length);
        helped.msrs.keySet().removeAll(CORE);
        state.msrs.putAll(helped.msrs);
        return state;
    }

    @Override
    public void writeState(X86State state) {
        takeBack();
        hardware.writeState(state);
        meet();
    }

    /** By how much the guest's time-stamp counter is ahead of the host's. */
    long tscOffset() {
        return hardware.tscOffset(surroundings::hostTsc);
    }

    void tscOffset(long offset) {
        hardware.tscOffset(offset, surroundings::hostTsc);
        helper.tscOffset(hardware.tscOffset(surroundings::hostTsc));
    }

    /** Single steps are the hardware's. */
    @Override
    public void singleStep(boolean on) {
        if (turns && on != debugged) {
            X86State state = readState();
            state.msrs.remove(IA32_TIME_STAMP_COUNTER);
            state.lapic = null;
            takeBack();
            hardware.writeState(state);
            debugged = on;
            meet();
        }
        debugged = on;
        hardware.singleStep(on || turns);
        breakAt(breakpoints);
    }

    /** Where the two take turns, the hardware executes nothing that the helper has not looked at. */
    @Override
    public void breakAt(List<Breakpoint> wanted) {
        helper.breakAt(wanted);
        hardware.breakAt(helperHasRest() ? List.of() : wanted);
        breakpoints = List.copyOf(wanted);
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
