package org.jkvm.app.chardev;

/** A bounded queue of bytes between two threads. Thread-safe. */
final class ByteQueue {
    private final byte[] ring;
    private int head;
    private int count;
    private boolean taken = true;
    private boolean closed;

    /** A queue of {@code capacity} bytes, a power of two. */
    ByteQueue(int capacity) {
        ring = new byte[capacity];
    }

    /** Queues what fits and returns how many bytes that were; the rest is lost. Never waits. */
    synchronized int put(byte[] bytes, int offset, int length) {
        int fits = closed ? 0 : Math.min(length, ring.length - count);
        for (int i = 0; i < fits; i++) {
            ring[head + count + i & ring.length - 1] = bytes[offset + i];
        }
        count += fits;
        notifyAll();
        return fits;
    }

    /** Waits for bytes and returns how many were taken; -1 when the queue is closed and empty. */
    synchronized int take(byte[] bytes) throws InterruptedException {
        taken = true;
        notifyAll();
        while (count == 0 && !closed) {
            wait();
        }
        int length = Math.min(Math.min(count, bytes.length), ring.length - head);
        System.arraycopy(ring, head, bytes, 0, length);
        head = head + length & ring.length - 1;
        count -= length;
        taken = length == 0;
        return length == 0 ? -1 : length;
    }

    /** Refuses further bytes; what is queued can still be taken. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }

    /** Waits until everything was taken and its taker came back, for at most {@code millis}. */
    synchronized void awaitEmpty(long millis) throws InterruptedException {
        long deadline = System.nanoTime() + millis * 1_000_000;
        long left = millis;
        while ((count > 0 || !taken) && left > 0) {
            wait(left);
            left = (deadline - System.nanoTime()) / 1_000_000;
        }
    }
}
