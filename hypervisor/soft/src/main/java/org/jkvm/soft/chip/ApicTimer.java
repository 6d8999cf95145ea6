package org.jkvm.soft.chip;

import org.jkvm.base.time.Clock;

/**
 * The timer of a local APIC (SDM vol. 3A, 10.5.4). Its input clock is 1 GHz, one tick a nanosecond of guest time, before
 * the divider. Single-threaded: the chip's lock is held, in callbacks of the clock too.
 */
final class ApicTimer {
    /** Shorter periods are stretched, so that a guest can't occupy the clock's thread: 100 us. */
    private static final long SHORTEST_PERIOD = 100_000;
    private static final long DISARMED = Long.MAX_VALUE;

    private final Clock clock;
    private final GuestTsc tsc;
    private final Runnable expired;
    private final Clock.Timer timer;
    private Mode mode = Mode.ONE_SHOT;
    private long initialCount;
    private int divisor = 2;
    /** Guest time at which the count reaches zero, or {@link #DISARMED}. */
    private long deadline = DISARMED;
    private long tscDeadline;

    /** Bits 18:17 of the timer's LVT entry, in the order of their code. */
    enum Mode { ONE_SHOT, PERIODIC, TSC_DEADLINE, RESERVED }

    ApicTimer(Clock clock, GuestTsc tsc, Runnable expired) {
        this.clock = clock;
        this.tsc = tsc;
        this.expired = expired;
        this.timer = clock.timer("local-apic-timer", this::fire);
    }

    /** A change to or from TSC-deadline mode disarms (SDM vol. 3A, 10.5.4.1). */
    void setMode(Mode newMode) {
        boolean disarms = newMode != mode && (newMode == Mode.TSC_DEADLINE || mode == Mode.TSC_DEADLINE);
        mode = newMode;
        if (disarms) {
            disarm();
        }
    }

    /** Divide configuration register: bits 3, 1, 0 are 000 for 2 to 110 for 128, and 111 for 1. */
    void setDivide(int register) {
        int code = register >> 1 & 4 | register & 3;
        long left = currentCount();
        divisor = code == 7 ? 1 : 2 << code;
        if (deadline != DISARMED && mode != Mode.TSC_DEADLINE) {
            armAt(clock.nanos() + left * divisor);
        }
    }

    /** A write of the initial count starts the timer, of 0 stops it; in TSC-deadline mode it is ignored. */
    void start(long count) {
        if (mode == Mode.TSC_DEADLINE) {
            return;
        }
        initialCount = count;
        startAt(count);
    }

    /** Restores a running timer: {@code left} counts to go. */
    void resume(long count, long left) {
        initialCount = count;
        startAt(mode == Mode.PERIODIC && left == 0 ? count : left);
    }

    long initialCount() {
        return initialCount;
    }

    /** The current count register. */
    long currentCount() {
        if (deadline == DISARMED || mode == Mode.TSC_DEADLINE) {
            return 0;
        }
        long left = deadline - clock.nanos();
        long late = mode == Mode.PERIODIC ? Math.floorMod(left, period()) : 0;
        return Math.min(initialCount, Math.ceilDiv(left > 0 ? left : late, divisor));
    }

    /** Nanoseconds until the count reaches zero, or -1 while disarmed. */
    long left() {
        return deadline == DISARMED ? -1 : Math.max(0, deadline - clock.nanos());
    }

    /** Puts back what {@link #left} said: {@link #resume} knows it by counts only. */
    void setLeft(long nanos) {
        if (mode == Mode.TSC_DEADLINE) {
            return;
        }
        disarm();
        if (nanos >= 0) {
            armAt(clock.nanos() + nanos);
        }
    }

    /** IA32_TSC_DEADLINE: 0 while disarmed and in the other modes. */
    long tscDeadline() {
        return tscDeadline;
    }

    /** Writes IA32_TSC_DEADLINE: 0 disarms, the past expires at once; ignored in the other modes. */
    void setTscDeadline(long value) {
        if (mode != Mode.TSC_DEADLINE) {
            return;
        }
        disarm();
        tscDeadline = value;
        tscChanged();
    }

    /** The relation of TSC and guest time has changed, or a deadline was set. */
    void tscChanged() {
        if (tscDeadline == 0) {
            return;
        }
        long at = tsc.nanosAt(tscDeadline);
        if (at <= clock.nanos()) {
            fire();
        } else {
            armAt(at);
        }
    }

    void disarm() {
        timer.cancel();
        deadline = DISARMED;
        tscDeadline = 0;
    }

    /** Power-on or INIT. */
    void reset() {
        disarm();
        mode = Mode.ONE_SHOT;
        initialCount = 0;
        divisor = 2;
    }

    private void startAt(long count) {
        disarm();
        if (count != 0) {
            armAt(clock.nanos() + (mode == Mode.PERIODIC ? Math.max(count * divisor, SHORTEST_PERIOD) : count * divisor));
        }
    }

    private long period() {
        return Math.max(initialCount * divisor, SHORTEST_PERIOD);
    }

    private void armAt(long at) {
        deadline = at;
        if (at == DISARMED) {
            timer.cancel();
        } else {
            timer.arm(at);
        }
    }

    private void fire() {
        if (mode == Mode.PERIODIC) {
            armAt(nextPeriod());
        } else {
            disarm();
        }
        expired.run();
    }

    /** The next multiple of the period that is still to come: a late timer skips what would only merge in the IRR. */
    private long nextPeriod() {
        long missed = Math.max(0, (clock.nanos() - deadline) / period());
        return deadline + (missed + 1) * period();
    }
}
