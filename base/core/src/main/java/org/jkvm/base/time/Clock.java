package org.jkvm.base.time;

import java.util.concurrent.locks.Lock;

/**
 * Guest time: nanoseconds since the machine was made. It stands still while the machine is stopped and never goes back.
 * Every chip that counts, counts this.
 */
public interface Clock {
    /** What {@link #zeroInNanoTime} may return. */
    long UNKNOWN = Long.MIN_VALUE;

    /** Nanoseconds of guest time. May be called from any thread. */
    long nanos();

    /**
     * What {@link System#nanoTime} returned at guest time zero, where guest time is what has passed since until somebody stops
     * or sets this clock; {@link #UNKNOWN} where it is not. For those who are out of guest mode whenever that is done.
     */
    default long zeroInNanoTime() {
        return UNKNOWN;
    }

    /**
     * Makes a timer, disarmed.
     *
     * @param name    for logs
     * @param expired called when the deadline has passed, on the clock's thread with the lock that the clock's owner
     *                chose held (the bus lock for devices)
     */
    Timer timer(String name, Runnable expired);

    /**
     * The same time, with timers whose callbacks run with {@code lock} held instead: for a part that has a lock of its
     * own. A clock that only one thread uses returns itself.
     */
    Clock lockedBy(Lock lock);

    /** One alarm. Its methods may be called from any thread. */
    interface Timer {
        /** Arms for {@code deadline} in {@link Clock#nanos()} terms, replacing what was armed; the past means at once. */
        void arm(long deadline);

        /** Disarms. When this returns on the clock's thread or under its lock, the old deadline will not fire. */
        void cancel();
    }
}
