package org.jkvm.base.time;

import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * A {@link Clock.Timer} that knows its deadline, and so can be saved: deadlines are absolute guest time, which is part
 * of a machine's state. For one thread, or under one lock, as the chip that owns it.
 */
public final class Alarm implements Stateful {
    /** The deadline of an alarm that is not set. */
    public static final long NEVER = Long.MAX_VALUE;

    private final Clock clock;
    private final Clock.Timer timer;
    private final Runnable expired;
    private long deadline = NEVER;

    /** Makes an alarm that is not set; {@code expired} runs as {@link Clock#timer} says, the alarm no longer set. */
    public Alarm(Clock clock, String name, Runnable expired) {
        this.clock = clock;
        this.expired = expired;
        this.timer = clock.timer(name, this::fire);
    }

    /** Sets the alarm for {@code newDeadline} in {@link Clock#nanos()} terms, or stops it for {@link #NEVER}. */
    public void arm(long newDeadline) {
        if (newDeadline == deadline) {
            return;
        }
        deadline = newDeadline;
        if (newDeadline == NEVER) {
            timer.cancel();
        } else {
            timer.arm(newDeadline);
        }
    }

    /** Stops it. */
    public void cancel() {
        arm(NEVER);
    }

    /** Whether it is set. */
    public boolean armed() {
        return deadline != NEVER;
    }

    /** When it goes off, or {@link #NEVER}. */
    public long deadline() {
        return deadline;
    }

    @Override
    public void exchangeState(StateIo io) {
        arm(io.u64("deadline", deadline));
    }

    private void fire() {
        if (clock.nanos() >= deadline) {
            deadline = NEVER;
            expired.run();
        }
    }
}
