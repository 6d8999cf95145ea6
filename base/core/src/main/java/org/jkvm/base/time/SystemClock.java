package org.jkvm.base.time;

import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Consumer;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * Guest time from the host's monotonic clock ({@link System#nanoTime}), which stands still between {@link #pause} and
 * {@link #resume}. It runs from its construction on, starting at zero. One daemon thread fires the timers of a clock,
 * usually within tens of microseconds after their deadline (the host's timer slack) and never before it.
 *
 * <p>Every method may be called from any thread. Whoever holds a timer's lock knows that its callback is not running,
 * and after {@link Timer#cancel} or {@link #pause} that it will not.
 */
public final class SystemClock implements Clock, Stateful, AutoCloseable {
    /** Guards {@link #offset} and {@link #stoppedAt}; read optimistically, so that reading the time never waits. */
    private final StampedLock epoch = new StampedLock();
    private final Lock lock;
    private final TimerThread timers;
    /** {@link System#nanoTime} at guest time zero, while running. */
    private long offset = System.nanoTime();
    /** The time at which the clock stands, or -1 while it runs. */
    private long stoppedAt = -1;

    /** Makes a running clock; callbacks of its timers run with {@code lock} held, what they throw is logged. */
    public SystemClock(Lock lock) {
        this(lock, problem -> { });
    }

    /**
     * Makes a running clock that tells when a callback has failed: a bug, after which the machine should stop.
     *
     * @param lock   held while its timers' callbacks run
     * @param failed gets what a callback threw, on the clock's thread, no lock held; other timers go on
     */
    public SystemClock(Lock lock, Consumer<Throwable> failed) {
        this.lock = lock;
        this.timers = new TimerThread(this, failed);
    }

    @Override
    public long nanos() {
        while (true) {
            long stamp = epoch.tryOptimisticRead();
            long now = stoppedAt >= 0 ? stoppedAt : System.nanoTime() - offset;
            if (epoch.validate(stamp)) {
                return now;
            }
            Thread.onSpinWait();
        }
    }

    @Override
    public long zeroInNanoTime() {
        while (true) {
            long stamp = epoch.tryOptimisticRead();
            long zero = stoppedAt >= 0 ? UNKNOWN : offset;
            if (epoch.validate(stamp)) {
                return zero;
            }
            Thread.onSpinWait();
        }
    }

    @Override
    public Timer timer(String name, Runnable expired) {
        return timers.timer(name, lock, expired);
    }

    @Override
    public Clock lockedBy(Lock other) {
        return new View(this, other);
    }

    /** Stops time. Callbacks that have begun go on, others wait for {@link #resume}. Does nothing when stopped. */
    public void pause() {
        timers.hold(true);
        long stamp = epoch.writeLock();
        stoppedAt = stoppedAt >= 0 ? stoppedAt : System.nanoTime() - offset;
        epoch.unlockWrite(stamp);
    }

    /** Lets time go on from where it stopped. Does nothing when running. */
    public void resume() {
        long stamp = epoch.writeLock();
        offset = stoppedAt >= 0 ? System.nanoTime() - stoppedAt : offset;
        stoppedAt = -1;
        epoch.unlockWrite(stamp);
        timers.hold(false);
    }

    /** Stops the timer thread for good; waits for a callback in progress unless called from one. */
    @Override
    public void close() {
        timers.close();
    }

    /** Saves the time, or sets it to a saved one; restoring is for a stopped clock, before the chips that count it. */
    @Override
    public void exchangeState(StateIo io) {
        long now = io.bits("nanos", 63, nanos());
        if (io.restoring()) {
            long stamp = epoch.writeLock();
            offset = System.nanoTime() - now;
            stoppedAt = stoppedAt >= 0 ? now : -1;
            epoch.unlockWrite(stamp);
        }
    }

    /** This clock with another lock. */
    private record View(SystemClock clock, Lock lock) implements Clock {
        @Override
        public long nanos() {
            return clock.nanos();
        }

        @Override
        public long zeroInNanoTime() {
            return clock.zeroInNanoTime();
        }

        @Override
        public Timer timer(String name, Runnable expired) {
            return clock.timers.timer(name, lock, expired);
        }

        @Override
        public Clock lockedBy(Lock other) {
            return new View(clock, other);
        }
    }
}
