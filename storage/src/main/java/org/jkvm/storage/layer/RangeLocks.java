package org.jkvm.storage.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shared and exclusive locks on ranges of a disk, granted in the order of arrival among those that conflict, so that
 * nobody starves. A thread holds one at a time of one set. Few are held at once (one a worker thread): a list will do.
 */
public final class RangeLocks {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    private final List<Held> arrivals = new ArrayList<>();

    /** Waits for a lock that others may hold too, on {@code first} to {@code last}, both included. */
    public Held shared(long first, long last) {
        return acquire(new Held(first, last, false));
    }

    /** Waits for a lock that nobody else holds, on {@code first} to {@code last}, both included. */
    public Held exclusive(long first, long last) {
        return acquire(new Held(first, last, true));
    }

    private Held acquire(Held wanted) {
        lock.lock();
        try {
            arrivals.add(wanted);
            while (mustWait(wanted)) {
                released.awaitUninterruptibly();
            }
            return wanted;
        } finally {
            lock.unlock();
        }
    }

    private boolean mustWait(Held wanted) {
        for (Held earlier : arrivals) {
            if (earlier == wanted) {
                return false;
            }
            if (earlier.conflicts(wanted)) {
                return true;
            }
        }
        throw new IllegalStateException("lock vanished while waited for");
    }

    /** A lock that is held until closed. */
    public final class Held implements AutoCloseable {
        private final long first;
        private final long last;
        private final boolean exclusive;

        private Held(long first, long last, boolean exclusive) {
            this.first = first;
            this.last = last;
            this.exclusive = exclusive;
        }

        private boolean conflicts(Held other) {
            return (exclusive || other.exclusive) && first <= other.last && other.first <= last;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                arrivals.remove(this);
                released.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
