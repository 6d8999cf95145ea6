package org.jkvm.storage;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** Lets so many bytes pass in a second. Any thread may call. */
final class Pace {
    private final long bytesPerSecond;
    private final long start = System.nanoTime();
    private long passed;

    /** A pace; 0 lets all pass. */
    Pace(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /** Waits until {@code bytes} more may pass. */
    void take(long bytes) throws IOException {
        if (bytesPerSecond > 0) {
            try {
                TimeUnit.NANOSECONDS.sleep(early(bytes));
            } catch (InterruptedException e) {
                throw new IOException("interrupted", e);
            }
        }
    }

    /** Nanoseconds until all that passed before would have taken its time. */
    private synchronized long early(long bytes) {
        double due = passed / (double) bytesPerSecond * TimeUnit.SECONDS.toNanos(1);
        passed += bytes;
        return Math.max(0, (long) due - (System.nanoTime() - start));
    }
}
