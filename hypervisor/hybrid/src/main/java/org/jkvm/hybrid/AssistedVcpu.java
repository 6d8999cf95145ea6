package org.jkvm.hybrid;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Clock;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;

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
 * each time, as moving costs more than executing. Where the hardware turns out to be no hardware but an emulation, slower than
 * the helper, the two take turns from the first failure on: the hardware delivers interrupts and serves its chip, for a short
 * while each, and the helper does the rest.
 */
final class AssistedVcpu implements X86Vcpu {
    private static final int IA32_TIME_STAMP_COUNTER = 0x10;
    private static final int EFER = 0xc000_0080;
    private static final int APIC_BASE = 0x1b;
    /** Two failures closer together than this are worth running on. */
    private static final long CLOSE_NANOS = 1_000_000;
    private static final long SHORTEST_NANOS = 100_000;
    /** An interrupt waits at most this long. */
    private static final long LONGEST_NANOS = 2_000_000;
    /** The hardware's turn where it is an emulation, and how often a processor that is halted there is looked at. */
    private static final long TURN_NANOS = 100_000;
    private static final long IDLE_NANOS = 2_000_000;
    /** How often an instruction may come back undone: a kick may have been in the way. */
    private static final int MOST_FRUITLESS = 8;

    private final X86Vcpu hardware;
    private final X86Vcpu helper;
    private final Assists assists;
    private final Clock clock;
    private final Clock.Timer timer;
    private final Clock.Timer turn;
    private final BooleanSupplier emulation;
    private final AtomicBoolean kicked = new AtomicBoolean();
    private volatile boolean helping;
    private boolean turns;
    private boolean stepping;
    private X86State taken;
    private long executedBefore;
    private long burst;
    private long handedBack = Long.MIN_VALUE / 2;
    private int fruitless;

    /** {@code emulation} tells whether the hardware is one, slower than the helper; asked at the first failure. */
    AssistedVcpu(X86Vcpu hardware, X86Vcpu helper, Assists assists, Clock clock, BooleanSupplier emulation) {
        this.hardware = hardware;
        this.helper = helper;
        this.assists = assists;
        this.clock = clock;
        this.emulation = emulation;
        Clock own = clock.lockedBy(new ReentrantLock());
        this.timer = own.timer("assist", helper::kick);
        this.turn = own.timer("turn", hardware::kick);
    }

    @Override
    public int index() {
        return hardware.index();
    }

    // ---- running ----

    @Override
    public VmExit run(ExitAnswer answer) {
        ExitAnswer next = answer;
        for (;;) {
            VmExit exit = helping ? help(next) : runHardware(next);
            if (exit != null) {
                return exit;
            }
            next = ExitAnswer.NONE;
        }
    }

    /** Returns an exit for the caller, or null where the helper was called in. */
    private VmExit runHardware(ExitAnswer answer) {
        VmExit exit = hardware.run(answer);
        if (exit instanceof VmExit.NotEmulated(byte[] code)) {
            if (fruitless > MOST_FRUITLESS) {
                fruitless = 0;
                return exit;
            }
            turns |= emulation.getAsBoolean();
            taken = hardware.readState();
            assists.count(code, codeBits(taken));
            callHelper();
            return null;
        }
        if (!(exit instanceof VmExit.Interrupted) || kicked.getAndSet(false)) {
            return exit;
        }
        takeTurn();
        return null;
    }

    /** The hardware's turn is over: the helper goes on, unless there is nothing to do. */
    private void takeTurn() {
        taken = hardware.readState();
        if (taken.activity == X86State.Activity.RUNNING) {
            callHelper();
        } else if (turns) {
            turn.arm(clock.nanos() + IDLE_NANOS);
        }
    }

    private void callHelper() {
        turn.cancel();
        helper.writeState(taken);
        executedBefore = helper.instructions();
        long now = clock.nanos();
        burst = turns ? LONGEST_NANOS
                : now - handedBack > CLOSE_NANOS ? 0 : Math.clamp(2 * burst, SHORTEST_NANOS, LONGEST_NANOS);
        stepping = burst == 0 && taken.injected < 0;
        helper.singleStep(stepping);
        if (!stepping) {
            timer.arm(now + Math.max(burst, SHORTEST_NANOS));
        }
        helping = true;
    }

    /** Returns an exit for the caller, or null where the hardware is to go on. */
    private VmExit help(ExitAnswer answer) {
        VmExit exit = helper.run(answer);
        return switch (exit) {
            case VmExit.PortRead _, VmExit.PortWrite _, VmExit.MmioRead _, VmExit.MmioWrite _ -> exit;
            case VmExit.Debug _, VmExit.Interrupted _, VmExit.Halted _ -> handBack();
            case VmExit.Shutdown _ -> {
                handBack();
                yield exit;
            }
            case VmExit.FailedEntry _, VmExit.NotEmulated _, VmExit.InternalError _ -> {
                handBack();
                yield exit;
            }
        };
    }

    private VmExit handBack() {
        timer.cancel();
        helping = false;
        X86State state = helper.readState();
        long executed = helper.instructions() - executedBefore;
        fruitless = executed == 0 && state.rip == taken.rip ? fruitless + 1 : 0;
        assists.executed(executed);
        state.msrs.entrySet().removeIf(e -> unchanged(e.getKey(), e.getValue()));
        hardware.writeState(state);
        handedBack = clock.nanos();
        if (turns) {
            turn.arm(handedBack + (state.activity == X86State.Activity.RUNNING ? TURN_NANOS : IDLE_NANOS));
        }
        return null;
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

    /** The hardware remembers the kick, and tells of it once it has the registers back. */
    @Override
    public void kick() {
        kicked.set(true);
        hardware.kick();
        if (helping) {
            helper.kick();
        }
    }

    @Override
    public void injectNmi() {
        hardware.injectNmi();
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
        if (helping) {
            handBack();
        }
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
        hardware.singleStep(on);
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
        turn.cancel();
        hardware.close();
        helper.close();
    }
}
