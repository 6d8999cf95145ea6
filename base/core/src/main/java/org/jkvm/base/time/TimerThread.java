package org.jkvm.base.time;

import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The queue and the thread behind a {@link SystemClock}'s timers. The queue's monitor is the innermost lock: it is never
 * held while a timer's own lock is taken or a callback runs.
 */
final class TimerThread {
    private static final System.Logger LOG = System.getLogger(TimerThread.class.getName());

    private final Clock clock;
    private final Consumer<Throwable> failed;
    private final PriorityQueue<Alarm> armed = new PriorityQueue<>(Comparator.comparingLong((Alarm a) -> a.deadline));
    private final Thread thread;
    /** When the thread will look at the queue again without being told to; guarded by the monitor of {@link #armed}. */
    private long wakesAt = Long.MIN_VALUE;
    private boolean held;
    private boolean closed;

    TimerThread(Clock clock, Consumer<Throwable> failed) {
        this.clock = clock;
        this.failed = failed;
        thread = Thread.ofPlatform().daemon().name("guest-clock").start(this::run);
    }

    Clock.Timer timer(String name, Lock lock, Runnable expired) {
        return new Alarm(name, lock, expired);
    }

    /** Lets no further callback begin, or lets them begin again. */
    void hold(boolean hold) {
        synchronized (armed) {
            held = hold;
        }
        LockSupport.unpark(thread);
    }

    void close() {
        synchronized (armed) {
            closed = true;
            armed.clear();
        }
        LockSupport.unpark(thread);
        if (Thread.currentThread() != thread) {
            joinThread();
        }
    }

    private void joinThread() {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!isClosed()) {
            Alarm due = await();
            if (due != null) {
                fireSafely(due);
            }
        }
    }

    /** A bug in a callback, errors of the JVM included, must not stop the guest's time silently. */
    private void fireSafely(Alarm due) {
        try {
            fire(due);
        } catch (RuntimeException | Error problem) {
            LOG.log(System.Logger.Level.ERROR, "timer " + due.name, problem);
            failed.accept(problem);
        }
    }

    private boolean isClosed() {
        synchronized (armed) {
            return closed;
        }
    }

    /** Returns the first alarm when it is due, or null after having slept. */
    private Alarm await() {
        long wait;
        synchronized (armed) {
            Alarm first = held ? null : armed.peek();
            wait = first == null ? Long.MAX_VALUE : first.deadline - clock.nanos();
            if (wait <= 0) {
                return first;
            }
            wakesAt = first == null ? Long.MAX_VALUE : first.deadline;
        }
        LockSupport.parkNanos(this, wait);
        synchronized (armed) {
            wakesAt = Long.MIN_VALUE;
        }
        return null;
    }

    private void fire(Alarm due) {
        due.lock.lock();
        try {
            if (take(due)) {
                due.expired.run();
            }
        } finally {
            due.lock.unlock();
        }
    }

    /**
     * Disarms an alarm that is still the first and due now that its lock is held: while waiting for that, it may have
     * been cancelled or moved, and others may have been put before it.
     */
    private boolean take(Alarm alarm) {
        synchronized (armed) {
            boolean due = armed.peek() == alarm && !held && !closed && alarm.deadline <= clock.nanos();
            return due && alarm.remove();
        }
    }

    private final class Alarm implements Clock.Timer {
        private final String name;
        private final Lock lock;
        private final Runnable expired;
        private long deadline;
        private boolean armed;

        Alarm(String name, Lock lock, Runnable expired) {
            this.name = name;
            this.lock = lock;
            this.expired = expired;
        }

        @Override
        public void arm(long newDeadline) {
            boolean sooner;
            synchronized (TimerThread.this.armed) {
                remove();
                deadline = newDeadline;
                armed = !closed && TimerThread.this.armed.add(this);
                sooner = armed && deadline < wakesAt && !held;
            }
            if (sooner) {
                LockSupport.unpark(thread);
            }
        }

        @Override
        public void cancel() {
            synchronized (TimerThread.this.armed) {
                remove();
            }
        }

        /** Under the queue's monitor. */
        private boolean remove() {
            boolean was = armed;
            armed = false;
            return was && TimerThread.this.armed.remove(this);
        }
    }
}
