package org.jkvm.app.chardev;

import java.io.IOException;
import org.jkvm.base.backend.CharacterBackend.Receiver;

/** Carries bytes from the host to a receiver, never more than it has room for, until the source ends or it is stopped. */
final class InputPump {
    private static final long ROOM_MILLIS = 2;

    private final Source source;
    private final Receiver receiver;
    private volatile boolean stopped;

    /** Where bytes come from. */
    @FunctionalInterface
    interface Source {
        /** Waits for bytes and returns how many were put in; 0 when it waited for nothing; -1 at the end. */
        int read(byte[] bytes) throws IOException, InterruptedException;
    }

    InputPump(Source source, Receiver receiver) {
        this.source = source;
        this.receiver = receiver;
    }

    /** Runs {@link #pump} on a thread of its own. */
    Thread start(String name) {
        return Thread.ofPlatform().daemon().name("chardev-in-" + name).start(this::pump);
    }

    /** Makes {@link #pump} return at the next chance. From any thread. */
    void stop() {
        stopped = true;
    }

    /** Carries bytes until the source ends, fails or this is stopped. */
    void pump() {
        byte[] bytes = new byte[4096];
        try {
            int n = source.read(bytes);
            while (n >= 0 && !stopped) {
                deliver(bytes, n);
                n = source.read(bytes);
            }
        } catch (IOException e) {
            // A source that fails has ended: the other side hung up.
            stopped = true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void deliver(byte[] bytes, int length) throws InterruptedException {
        int done = 0;
        while (done < length && !stopped) {
            int n = Math.min(length - done, receiver.room());
            if (n > 0) {
                receiver.receive(bytes, done, n);
                done += n;
            } else {
                Thread.sleep(ROOM_MILLIS);
            }
        }
    }
}
