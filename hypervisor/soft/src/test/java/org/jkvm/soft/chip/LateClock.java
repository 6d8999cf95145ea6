package org.jkvm.soft.chip;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.Lock;
import org.jkvm.base.time.Clock;

/** A clock whose time can pass without its timers firing, as on a host that was busy elsewhere. */
final class LateClock implements Clock {
    private final List<LateTimer> armed = new ArrayList<>();
    private long now;

    @Override
    public long nanos() {
        return now;
    }

    @Override
    public Timer timer(String name, Runnable expired) {
        return new LateTimer(expired);
    }

    @Override
    public Clock lockedBy(Lock lock) {
        return this;
    }

    /** Lets time pass while the host does something else. */
    void stall(long nanos) {
        now += nanos;
    }

    /** Lets time pass, firing timers at their deadlines or, where these are past, now. */
    void run(long nanos) {
        long end = now + nanos;
        for (LateTimer next = due(end); next != null; next = due(end)) {
            armed.remove(next);
            now = Math.max(now, next.deadline);
            next.expired.run();
        }
        now = end;
    }

    private LateTimer due(long end) {
        return armed.stream().filter(t -> t.deadline <= end).min(Comparator.comparingLong(t -> t.deadline)).orElse(null);
    }

    private final class LateTimer implements Timer {
        private final Runnable expired;
        private long deadline;

        LateTimer(Runnable expired) {
            this.expired = expired;
        }

        @Override
        public void arm(long at) {
            cancel();
            deadline = at;
            armed.add(this);
        }

        @Override
        public void cancel() {
            armed.remove(this);
        }
    }
}
