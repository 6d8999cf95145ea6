package org.jkvm.storage.live;

import java.io.IOException;
import org.jkvm.base.UserException;

/**
 * Something that goes on with a running machine's disk: a copy, a commit, a stream. It has a thread of its own; the other
 * methods may be called from any thread.
 *
 * <pre>
 *   running --all copied--> ready --complete()--> concluded
 *      |                      |
 *      +--cancel(), failure---+-----------------> concluded: the disk is what it was
 * </pre>
 *
 * A job that has nothing to decide at its end goes on to its conclusion by itself.
 */
public abstract class Job {
    /** How often a job looks up while it waits. */
    static final long TICK_MILLIS = 100;
    private static final double MILLIS = 1e3;

    private final String type;
    private final Drive drive;
    private Thread thread;
    private long speed;
    private boolean paused;
    private boolean cancelled;
    private boolean forced;
    private boolean completing;
    private boolean ready;
    private boolean concluded;
    private String failure = "";
    private volatile long done;
    private long sliceStart;
    private long sliceBytes;

    /** Ends a job that was told to. */
    static final class CancelledException extends IOException {
        private static final long serialVersionUID = 1L;

        CancelledException() {
            super("cancelled");
        }
    }

    Job(String type, Drive drive) {
        this.type = type;
        this.drive = drive;
    }

    /** "backup", "mirror", "commit" or "stream". */
    public final String type() {
        return type;
    }

    /** The disk that it works on. */
    public final Drive drive() {
        return drive;
    }

    /** Bytes dealt with. */
    public final long done() {
        return done;
    }

    /** Bytes to be dealt with in all, as far as is known. */
    public final long total() {
        return done + remaining();
    }

    /** Bytes a second that it may copy; 0 for no limit. */
    public final synchronized long speed() {
        return speed;
    }

    /** Sets the limit in bytes a second; 0 for none. */
    public final synchronized void setSpeed(long bytesPerSecond) {
        speed = bytesPerSecond;
        notifyAll();
    }

    /** Whether all is copied and it waits for {@link #complete}, keeping up with the guest meanwhile. */
    public final synchronized boolean ready() {
        return ready;
    }

    /** Whether it is held up. */
    public final synchronized boolean paused() {
        return paused;
    }

    /** Whether it is over. */
    public final synchronized boolean concluded() {
        return concluded;
    }

    /** Why it failed; empty where it did not, or has not yet. */
    public final synchronized String failure() {
        return failure;
    }

    /** Holds it up, or lets it go on. */
    public final synchronized void setPaused(boolean hold) {
        paused = hold;
        notifyAll();
    }

    /**
     * Ends it; returns at once. A copy that is ready is first brought to show the disk at one moment, unless {@code force}.
     */
    public final synchronized void cancel(boolean force) {
        cancelled = true;
        forced |= force;
        notifyAll();
    }

    /**
     * Brings it to its conclusion; returns at once.
     *
     * @throws UserException where it is not ready
     */
    public final synchronized void complete() {
        if (!ready) {
            throw new UserException("the job of disk '" + drive.name() + "' is not ready to be completed");
        }
        completing = true;
        notifyAll();
    }

    /** Waits until it is over. */
    public final void join() throws InterruptedException {
        thread.join();
    }

    /** Starts the thread; {@code ended} is told on it when all is over. */
    final void start(Runnable ended) {
        thread = Thread.ofPlatform().daemon().name(type + " " + drive.name()).start(() -> {
            String why = run();
            synchronized (this) {
                failure = why;
                concluded = true;
            }
            ended.run();
        });
    }

    private String run() {
        try {
            work();
            return "";
        } catch (CancelledException e) {
            return "";
        } catch (IOException | UserException e) {
            return e.getMessage();
        } catch (RuntimeException | Error bug) {
            return "internal error: " + bug;
        }
    }

    /** Does it all, conclusion and tidying up included. */
    abstract void work() throws IOException;

    /** Bytes that are still to be dealt with. */
    abstract long remaining();

    final void progress(long bytes) {
        done += bytes;
    }

    final synchronized void setReady() {
        ready = true;
    }

    final synchronized boolean completing() {
        return completing;
    }

    final synchronized boolean cancelledWhenReady() {
        return cancelled && ready && !forced;
    }

    /** Waits as long as the job is paused or too fast; to be called between pieces of {@code bytes}. */
    final synchronized void pace(long bytes) throws IOException {
        sliceBytes += bytes;
        long now = System.nanoTime() / 1_000_000;
        long due = speed == 0 ? now : sliceStart + (long) (sliceBytes * MILLIS / speed);
        while (!cancelled && (paused || due > now)) {
            doze(paused ? TICK_MILLIS : due - now);
            now = System.nanoTime() / 1_000_000;
            due = speed == 0 ? now : Math.min(due, sliceStart + (long) (sliceBytes * MILLIS / speed));
        }
        if (now - sliceStart > TICK_MILLIS * 10 || speed == 0) {
            sliceStart = now;
            sliceBytes = 0;
        }
        if (cancelled) {
            throw new CancelledException();
        }
    }

    private void doze(long millis) throws IOException {
        try {
            wait(Math.max(1, millis));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }
}
