package org.jkvm.base.time;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.Lock;

/** A clock that moves only when told to, for tests and record/replay. Timers fire inside {@link #advance}. One thread. */
public final class ManualClock implements Clock {
    private final List<ManualTimer> armed = new ArrayList<>();
    private long now;

    @Override
    public long nanos() {
        return now;
    }

    @Override
    public Timer timer(String name, Runnable expired) {
        return new ManualTimer(expired);
    }

    @Override
    public Clock lockedBy(Lock lock) {
        return this;
    }

    /** Moves time forward by {@code nanos} without firing anything, as on a host that is busy elsewhere. */
    public void stall(long nanos) {
        now += nanos;
    }

    /**
     * Moves time forward by {@code nanos}, firing what falls due in deadline order; each timer sees its own deadline as now, or
     * now where the deadline passed in a {@link #stall}.
     */
    public void advance(long nanos) {
        long end = now + nanos;
        for (ManualTimer next = due(end); next != null; next = due(end)) {
            armed.remove(next);
            now = Math.max(now, next.deadline);
            next.expired.run();
        }
        now = end;
    }

    private ManualTimer due(long end) {
        return armed.stream().filter(t -> t.deadline <= end).min(Comparator.comparingLong(t -> t.deadline)).orElse(null);
    }

    private final class ManualTimer implements Timer {
        private final Runnable expired;
        private long deadline;

        ManualTimer(Runnable expired) {
            this.expired = expired;
        }

        @Override
        public void arm(long deadline) {
            cancel();
            this.deadline = deadline;
            armed.add(this);
        }

        @Override
        public void cancel() {
            armed.remove(this);
        }
    }
}
