package org.jkvm.devices.virtio.blk;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * Host memory for requests whose pieces can't go to the disk as they are: sizes are powers of two, used again, and all
 * together no more than a fixed budget, whatever the guest does. Single-threaded: the caller holds the bus lock.
 */
final class CopyBuffers {
    private static final int PAGE_BITS = 12;
    private static final int LARGEST_BITS = 22;
    private static final long BUDGET = 64L << 20;

    private final ArrayDeque<MemorySegment>[] free = lists();
    private long allocated;

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static ArrayDeque<MemorySegment>[] lists() {
        ArrayDeque<MemorySegment>[] lists = new ArrayDeque[LARGEST_BITS - PAGE_BITS + 1];
        Arrays.setAll(lists, i -> new ArrayDeque<>());
        return lists;
    }

    /** A page-aligned buffer of {@code length} bytes or more, or null where that is too much. */
    MemorySegment take(long length) {
        int bits = Math.max(PAGE_BITS, 64 - Long.numberOfLeadingZeros(Math.max(length, 1) - 1));
        if (bits > LARGEST_BITS) {
            return null;
        }
        MemorySegment buffer = free[bits - PAGE_BITS].poll();
        return buffer != null ? buffer : allocate(1L << bits);
    }

    /** Takes a buffer back. */
    void give(MemorySegment buffer) {
        free[Long.numberOfTrailingZeros(buffer.byteSize()) - PAGE_BITS].push(buffer);
    }

    private MemorySegment allocate(long size) {
        if (allocated + size > BUDGET) {
            return null;
        }
        allocated += size;
        return Arena.ofAuto().allocate(size, 1L << PAGE_BITS);
    }
}
