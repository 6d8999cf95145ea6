package org.jkvm.storage.nbd;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.function.UnaryOperator;

/** Closes a channel unless it is closed itself in time: whoever reads from the channel fails then. */
final class Deadline implements AutoCloseable {
    private final SocketChannel channel;
    private final int millis;
    private final Thread thread;
    private volatile boolean passed;

    private Deadline(SocketChannel channel, int millis) {
        this.channel = channel;
        this.millis = millis;
        this.thread = Thread.ofVirtual().start(this::await);
    }

    private void await() {
        try {
            Thread.sleep(millis);
            passed = true;
            channel.close();
        } catch (InterruptedException | IOException _) {
            // In time, or nothing to close any more.
        }
    }

    /** What may take until a deadline. */
    interface Work<T> {
        /** Does it. */
        T run() throws IOException;
    }

    /** Does {@code work} on {@code channel}; {@code late} says what is thrown where it fails because {@code millis} passed. */
    static <T> T meet(SocketChannel channel, int millis, Work<T> work, UnaryOperator<IOException> late) throws IOException {
        try (Deadline deadline = new Deadline(channel, millis)) {
            try {
                return work.run();
            } catch (IOException e) {
                throw deadline.passed ? late.apply(e) : e;
            }
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
