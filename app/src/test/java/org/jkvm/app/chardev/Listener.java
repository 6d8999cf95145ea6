package org.jkvm.app.chardev;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jkvm.base.backend.CharacterBackend;

/** A guest's end that remembers what came and takes as much as it is told to. */
final class Listener implements CharacterBackend.Receiver {
    private final ByteArrayOutputStream heard = new ByteArrayOutputStream();
    private final AtomicInteger breaks = new AtomicInteger();
    private final AtomicInteger peers = new AtomicInteger();
    private volatile int room = 16;

    void setRoom(int room) {
        this.room = room;
    }

    int breaks() {
        return breaks.get();
    }

    int peers() {
        return peers.get();
    }

    /** Waits until {@code length} bytes have come, for at most five seconds; returns all that came. */
    synchronized String await(int length) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (heard.size() < length && System.nanoTime() < deadline) {
            wait(50);
        }
        return heard.toString(StandardCharsets.ISO_8859_1);
    }

    @Override
    public int room() {
        return room;
    }

    @Override
    public synchronized void receive(byte[] bytes, int offset, int length) {
        if (length > room) {
            throw new AssertionError("given " + length + " with room for " + room);
        }
        heard.write(bytes, offset, length);
        notifyAll();
    }

    @Override
    public void connected() {
        peers.incrementAndGet();
    }

    @Override
    public void receiveBreak() {
        breaks.incrementAndGet();
    }
}
