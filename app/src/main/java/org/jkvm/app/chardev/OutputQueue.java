package org.jkvm.app.chardev;

import java.io.IOException;

/**
 * Bytes on their way to the host, written by a thread of its own so that the guest never waits for a slow reader. What
 * comes while {@link #CAPACITY} bytes wait is lost. Thread-safe.
 */
final class OutputQueue implements AutoCloseable {
    /** Bytes that may wait. */
    static final int CAPACITY = 1 << 20;
    private static final long CLOSE_MILLIS = 2000;

    private final ByteQueue queue = new ByteQueue(CAPACITY);
    private final Sink sink;
    private final Thread writer;

    /** Where the bytes go. Called by one thread at a time; may wait. */
    @FunctionalInterface
    interface Sink {
        /** Writes all of the bytes, or throws; bytes that could not be written are lost. */
        void write(byte[] bytes, int offset, int length) throws IOException;
    }

    OutputQueue(String name, Sink sink) {
        this.sink = sink;
        writer = Thread.ofPlatform().daemon().name("chardev-out-" + name).unstarted(this::run);
        writer.start();
    }

    /** Queues what fits. */
    void write(byte[] bytes, int offset, int length) {
        queue.put(bytes, offset, length);
    }

    /** Waits until everything is written, for at most two seconds, and stops. */
    @Override
    public void close() {
        queue.close();
        try {
            queue.awaitEmpty(CLOSE_MILLIS);
            writer.interrupt();
            writer.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        byte[] chunk = new byte[4096];
        try {
            int length = queue.take(chunk);
            while (length >= 0) {
                writeOrLose(chunk, length);
                length = queue.take(chunk);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void writeOrLose(byte[] chunk, int length) {
        try {
            sink.write(chunk, 0, length);
        } catch (IOException e) {
            // The reader has gone: what was meant for it is lost, as on a real line.
            return;
        }
    }
}
