package org.jkvm.soft.chip;

import org.jkvm.base.time.Clock;
import org.jkvm.base.time.Frequency;

/** One processor's time-stamp counter: guest time at a fixed frequency, plus what the guest wrote. Any thread. */
public final class GuestTsc {
    private final Clock clock;
    private final Frequency rate;
    private volatile long offset;

    /** A counter of {@code hertz} ticks a second (1 to 9,000,000,000) that was zero at guest time zero. */
    public GuestTsc(Clock clock, long hertz) {
        this.clock = clock;
        this.rate = new Frequency(hertz);
    }

    /** Its value now. */
    public long read() {
        return rate.ticks(clock.nanos()) + offset;
    }

    /** {@link Clock#zeroInNanoTime} of the clock that it counts. */
    public long zeroInNanoTime() {
        return clock.zeroInNanoTime();
    }

    /** Its frequency. */
    public long hertz() {
        return rate.hertz();
    }

    /** What it shows at guest time zero. */
    public long offset() {
        return offset;
    }

    /** Sets what it shows at guest time zero; deadlines must be told, see {@link VcpuInterrupts#writeTscOffset}. */
    void setOffset(long value) {
        offset = value;
    }

    /** Makes it read {@code value} now; deadlines must be told, see {@link VcpuInterrupts#writeTsc}. */
    void write(long value) {
        offset = value - rate.ticks(clock.nanos());
    }

    /** Guest time at which it reaches {@code value}; the past where it has already. */
    long nanosAt(long value) {
        long ticks = value - offset;
        long now = rate.ticks(clock.nanos());
        return Long.compareUnsigned(value, now + offset) <= 0 ? 0 : ticks < now ? Long.MAX_VALUE : nanos(ticks);
    }

    private long nanos(long ticks) {
        return ticks / rate.hertz() >= Long.MAX_VALUE / 1_000_000_000L ? Long.MAX_VALUE : rate.nanos(ticks);
    }
}
