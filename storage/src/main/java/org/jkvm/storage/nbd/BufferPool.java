package org.jkvm.storage.nbd;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jkvm.storage.layer.Buffers;

/** Native memory for requests' data, used again. Sizes are powers of two from 1 MiB to the largest request. Thread-safe. */
final class BufferPool {
    private static final int SMALLEST_BITS = 20;
    private static final int LARGEST_BITS = 25;
    private static final int KEPT = 16;

    private final ArrayDeque<MemorySegment>[] free = lists();

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static ArrayDeque<MemorySegment>[] lists() {
        ArrayDeque<MemorySegment>[] lists = new ArrayDeque[LARGEST_BITS - SMALLEST_BITS + 1];
        Arrays.setAll(lists, i -> new ArrayDeque<>());
        return lists;
    }

    private static int bits(long length) {
        return Math.max(SMALLEST_BITS, 64 - Long.numberOfLeadingZeros(Math.max(length, 1) - 1));
    }

    /** How large a buffer for {@code length} bytes is. */
    static int size(long length) {
        return 1 << bits(length);
    }

    /** A buffer of {@code length} bytes, 32 MiB at most, or more. */
    MemorySegment take(long length) {
        MemorySegment found;
        synchronized (this) {
            found = free[bits(length) - SMALLEST_BITS].poll();
        }
        return found == null ? Buffers.allocate(size(length)) : found;
    }

    /** Takes a buffer back. */
    synchronized void give(MemorySegment buffer) {
        ArrayDeque<MemorySegment> list = free[bits(buffer.byteSize()) - SMALLEST_BITS];
        if (list.size() < KEPT) {
            list.push(buffer);
        }
    }
}
