package org.jkvm.storage.live;

import java.util.BitSet;
import org.jkvm.base.UserException;

/** Which stretches of a disk are still to be copied, in units of {@link #UNIT} bytes. Thread-safe. */
final class DirtyMap {
    /** The smallest stretch. */
    static final int UNIT = 64 << 10;

    private static final long MOST = 1L << 46;

    private final BitSet bits = new BitSet();
    private final long size;

    /** A stretch of a disk. */
    record Run(long offset, long length) {
    }

    /**
     * Nothing is dirty in a disk of {@code size} bytes.
     *
     * @throws UserException where there are too many bytes to keep count of
     */
    DirtyMap(long size) {
        if (size > MOST) {
            throw new UserException("a disk of more than 64 TiB cannot be copied while it is in use");
        }
        this.size = size;
    }

    /** Marks what a range touches. */
    synchronized void set(long offset, long length) {
        if (length > 0) {
            bits.set((int) (offset / UNIT), (int) ((offset + length - 1) / UNIT) + 1);
            notifyAll();
        }
    }

    /** Unmarks and returns the first stretch, at most {@code most} bytes of it; null where there is none. */
    synchronized Run take(long most) {
        int first = bits.nextSetBit(0);
        if (first < 0) {
            return null;
        }
        int end = (int) Math.min(bits.nextClearBit(first), first + most / UNIT);
        bits.clear(first, end);
        long offset = (long) first * UNIT;
        return new Run(offset, Math.min((long) end * UNIT, size) - offset);
    }

    /** Bytes that are marked, about. */
    synchronized long bytes() {
        return (long) bits.cardinality() * UNIT;
    }

    /** Waits until something is marked, but no longer than {@code millis}. */
    synchronized void await(long millis) throws InterruptedException {
        if (bits.isEmpty()) {
            wait(millis);
        }
    }
}
