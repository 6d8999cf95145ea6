package org.jkvm.storage.live;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What a disk has done: the numbers of {@code info blockstats}. From any thread. */
public final class Statistics {
    private final Map<Operation, Counters> counters = new EnumMap<>(Operation.class);
    private final AtomicLong lastEnd = new AtomicLong(System.nanoTime());

    private record Counters(LongAdder operations, LongAdder bytes, LongAdder nanos, LongAdder failures) {
    }

    Statistics() {
        for (Operation operation : Operation.values()) {
            counters.put(operation, new Counters(new LongAdder(), new LongAdder(), new LongAdder(), new LongAdder()));
        }
    }

    /** A request is over that took {@code nanos} nanoseconds since the guest made it. */
    void count(Operation operation, long bytes, long nanos, boolean failed) {
        Counters c = counters.get(operation);
        lastEnd.set(System.nanoTime());
        c.nanos.add(nanos);
        if (failed) {
            c.failures.increment();
        } else {
            c.operations.increment();
            c.bytes.add(bytes);
        }
    }

    /** Requests that succeeded. */
    public long operations(Operation operation) {
        return counters.get(operation).operations.sum();
    }

    /** Bytes of the requests that succeeded. */
    public long bytes(Operation operation) {
        return counters.get(operation).bytes.sum();
    }

    /** Nanoseconds that requests took, throttling included, all added up. */
    public long nanos(Operation operation) {
        return counters.get(operation).nanos.sum();
    }

    /** Requests that failed. */
    public long failures(Operation operation) {
        return counters.get(operation).failures.sum();
    }

    /** Nanoseconds since the last request ended, or since the disk was opened. */
    public long idleNanos() {
        return System.nanoTime() - lastEnd.get();
    }
}
