package org.jkvm.x64;

import org.jkvm.base.Bits;

/** A part of a {@link CodeCache} whose code is placed from the bottom up and thrown away all at once. */
public final class CodeRegion {
    private final long start;
    private final long end;
    private long next;
    private long generation;

    CodeRegion(long start, long end) {
        this.start = start;
        this.end = end;
        this.next = start;
    }

    /** Host address of the first byte. */
    public long start() {
        return start;
    }

    /** Host address after the last byte. */
    public long end() {
        return end;
    }

    /** Where the next code will start. */
    public long next() {
        return next;
    }

    /** Bytes left. */
    public long available() {
        return end - next;
    }

    /** Bytes taken. */
    public long used() {
        return next - start;
    }

    /** How often the region was emptied: code placed in another generation is gone. */
    public long generation() {
        return generation;
    }

    /** Whether {@code address} lies in this region. */
    public boolean contains(long address) {
        return address >= start && address < end;
    }

    /** Takes {@code bytes}, and what keeps the next code aligned. */
    long take(int bytes) {
        long at = next;
        next = Math.min(Bits.alignUp(at + bytes, CodeCache.BLOCK_ALIGNMENT), end);
        return at;
    }

    void clear() {
        next = start;
        generation++;
    }
}
