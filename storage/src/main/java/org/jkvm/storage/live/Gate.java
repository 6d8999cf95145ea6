package org.jkvm.storage.live;

import java.io.IOException;
import java.util.ArrayDeque;

/**
 * Counts the requests under way, and holds new ones back while a disk is changed underneath. Thread-safe; who begins a
 * request never waits.
 *
 * <pre>
 *   open --shut()--> draining --last leave()--> drained --open()--> open
 *    enter: begins     enter: queued             enter: queued      queued requests begin, in their order
 * </pre>
 */
final class Gate {
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private int underWay;
    private boolean shut;

    /** What is done while nothing is under way. */
    interface Work<T> {
        /** Does it, on the thread that asked for it; may wait for the host. */
        T run() throws IOException;
    }

    /** Begins a request, now or when the gate opens again. {@code start} must not wait, and leads to one {@link #leave}. */
    void enter(Runnable start) {
        synchronized (this) {
            if (shut) {
                waiting.add(start);
                return;
            }
            underWay++;
        }
        start.run();
    }

    /** A request is over. */
    synchronized void leave() {
        underWay--;
        if (underWay == 0) {
            notifyAll();
        }
    }

    /** Waits until no request is under way, does {@code work}, and lets requests through again. One work at a time. */
    <T> T drained(Work<T> work) throws IOException {
        shut();
        try {
            return work.run();
        } finally {
            open();
        }
    }

    private synchronized void shut() throws IOException {
        while (shut) {
            await();
        }
        shut = true;
        try {
            while (underWay > 0) {
                await();
            }
        } catch (IOException e) {
            open();
            throw e;
        }
    }

    private void await() throws IOException {
        try {
            wait();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while requests were under way", e);
        }
    }

    private void open() {
        for (Runnable next = next(); next != null; next = next()) {
            next.run();
        }
    }

    /** The next request that was held back, counted; with the last one gone the gate is open. */
    private synchronized Runnable next() {
        Runnable next = waiting.poll();
        if (next == null) {
            shut = false;
            notifyAll();
        } else {
            underWay++;
        }
        return next;
    }
}
