package org.jkvm.storage.live;

import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Delays requests so that a disk, or a group of disks, keeps to {@link Limits}. Reads keep their order among each other, so
 * do writes. Thread-safe.
 *
 * <p>Each limit is a leaky bucket. A request is let through as long as the bucket has not overflowed, and then fills it, so
 * that a large request is never refused but paid for afterwards. Without bursts a bucket holds a tenth of a second's worth;
 * with them {@code max} times the burst's length, and a second bucket of a tenth of a second holds bursts to {@code max}.
 */
public final class Throttle {
    /** The part of a second's worth that a bucket takes without anybody waiting. */
    private static final double SLACK = 0.1;
    private static final double NANOS = 1e9;

    private final LongSupplier clock;
    private final Delay delay;
    private final ArrayDeque<Waiting> reads = new ArrayDeque<>();
    private final ArrayDeque<Waiting> writes = new ArrayDeque<>();
    private final Map<Limits.Kind, Level> levels = new EnumMap<>(Limits.Kind.class);
    private Limits limits = Limits.NONE;
    private volatile boolean off = true;

    /** How a task is run later. */
    interface Delay {
        /** Runs {@code task} on another thread in {@code nanos} nanoseconds. */
        void run(Runnable task, long nanos);
    }

    private record Waiting(Operation operation, long bytes, Runnable request) {
    }

    /** A limit's state: how full its buckets are, and when that was worked out. */
    private static final class Level {
        private final Limits.Bucket bucket;
        private double level;
        private double burst;
        private long since;

        Level(Limits.Bucket bucket, long now) {
            this.bucket = bucket;
            this.since = now;
        }

        void leak(long now) {
            double seconds = (now - since) / NANOS;
            level = Math.max(0, level - bucket.rate() * seconds);
            burst = Math.max(0, burst - bucket.max() * seconds);
            since = now;
        }

        /** Seconds until it has not overflowed. */
        double overflow(long now) {
            leak(now);
            double holds = bucket.max() == 0 ? bucket.rate() * SLACK : (double) bucket.max() * bucket.burstLength();
            double wait = (level - holds) / bucket.rate();
            return bucket.max() == 0 ? wait : Math.max(wait, (burst - bucket.max() * SLACK) / bucket.max());
        }

        void fill(double units) {
            level += units;
            burst += units;
        }
    }

    /** Without limits, by the host's clock. */
    public Throttle() {
        this(System::nanoTime, (task, nanos) -> later(nanos).execute(task));
    }

    private static Executor later(long nanos) {
        return CompletableFuture.delayedExecutor(nanos, TimeUnit.NANOSECONDS, Runnable::run);
    }

    Throttle(LongSupplier clock, Delay delay) {
        this.clock = clock;
        this.delay = delay;
    }

    /** The limits. */
    public synchronized Limits limits() {
        return limits;
    }

    /** Sets limits; buckets begin empty, and who waits is looked at again. */
    public void setLimits(Limits newLimits) {
        synchronized (this) {
            limits = newLimits;
            levels.clear();
            long now = clock.getAsLong();
            newLimits.buckets().forEach((kind, bucket) -> levels.put(kind, new Level(bucket, now)));
            off = levels.isEmpty() && reads.isEmpty() && writes.isEmpty();
        }
        pump(reads);
        pump(writes);
    }

    /** Runs {@code request} now on this thread, or later on another; it must not wait. */
    void admit(Operation operation, long bytes, Runnable request) {
        if (off || operation == Operation.FLUSH) {
            request.run();
            return;
        }
        ArrayDeque<Waiting> queue = operation == Operation.READ ? reads : writes;
        boolean first;
        synchronized (this) {
            first = queue.isEmpty();
            queue.add(new Waiting(operation, bytes, request));
        }
        if (first) {
            pump(queue);
        }
    }

    /** Lets through what may go; what may not has this called again. */
    private void pump(ArrayDeque<Waiting> queue) {
        for (Waiting next = take(queue); next != null; next = take(queue)) {
            next.request.run();
        }
    }

    private synchronized Waiting take(ArrayDeque<Waiting> queue) {
        Waiting next = queue.peek();
        if (next == null) {
            off = levels.isEmpty() && reads.isEmpty() && writes.isEmpty();
            return null;
        }
        long now = clock.getAsLong();
        double wait = 0;
        for (Map.Entry<Limits.Kind, Level> e : levels.entrySet()) {
            wait = e.getKey().counts(next.operation) ? Math.max(wait, e.getValue().overflow(now)) : wait;
        }
        if (wait > 0) {
            delay.run(() -> pump(queue), (long) (wait * NANOS) + 1);
            return null;
        }
        levels.forEach((kind, level) -> account(kind, level, next));
        return queue.remove();
    }

    private void account(Limits.Kind kind, Level level, Waiting request) {
        if (kind.counts(request.operation)) {
            level.fill(kind.isBytes() ? request.bytes : operations(request.bytes));
        }
    }

    private double operations(long bytes) {
        return limits.iopsSize() == 0 || bytes <= limits.iopsSize() ? 1 : (double) bytes / limits.iopsSize();
    }
}
