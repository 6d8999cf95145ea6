package org.jkvm.storage.nbd;

import java.io.IOException;
import java.nio.channels.SocketChannel;

/** Closes a channel unless it is closed itself in time: whoever reads from the channel fails then. */
final class Deadline implements AutoCloseable {
    private final SocketChannel channel;
    private final int millis;
    private final Thread thread;
    private volatile boolean passed;

    Deadline(SocketChannel channel, int millis) {
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

    boolean passed() {
        return passed;
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
