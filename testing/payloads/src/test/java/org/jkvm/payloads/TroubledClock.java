package org.jkvm.payloads;

import java.util.concurrent.locks.Lock;
import org.jkvm.base.time.Clock;

/** A clock that makes trouble, once, when it is asked for the n-th time. On one thread. */
final class TroubledClock implements Clock {
    private final Clock clock;
    private Runnable trouble = () -> { };
    private int asked;
    private int when;

    TroubledClock(Clock clock) {
        this.clock = clock;
    }

    /** The {@code nth} question from now, 1 for the next, runs {@code what} first. */
    void expect(int nth, Runnable what) {
        when = asked + nth;
        trouble = what;
    }

    /** How often it was asked. */
    int asked() {
        return asked;
    }

    private Clock next() {
        if (++asked == when) {
            trouble.run();
        }
        return clock;
    }

    @Override
    public long nanos() {
        return next().nanos();
    }

    @Override
    public Timer timer(String name, Runnable expired) {
        return next().timer(name, expired);
    }

    /** Whoever has its own lock asks from other threads too: of that one nothing is counted. */
    @Override
    public Clock lockedBy(Lock lock) {
        return next().lockedBy(lock);
    }
}
