package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jkvm.base.backend.Pieces;

/** The array of struct iovec (readv(2)) that tells the kernel where pieces of memory are: one for each thread. */
final class IoVector {
    /** The most pieces of one call: UIO_MAXIOV, include/uapi/linux/uio.h. */
    static final int MOST = 1024;

    private static final long POINTER = ValueLayout.ADDRESS.byteSize();
    private static final ThreadLocal<MemorySegment> OF_THREAD =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(MOST * 2 * POINTER, Long.BYTES));

    private IoVector() {
    }

    /** How many of {@code pieces} fit into one call. */
    static int count(Pieces pieces) {
        return Math.min(MOST, pieces.count());
    }

    /**
     * The first {@link #count} of {@code pieces}, native memory, for this thread's next call. It has addresses only: the
     * caller keeps the pieces alive until the call is over.
     */
    static MemorySegment of(Pieces pieces) {
        MemorySegment vector = OF_THREAD.get();
        for (int i = 0; i < count(pieces); i++) {
            MemorySegment piece = pieces.get(i);
            vector.set(ValueLayout.ADDRESS, i * 2 * POINTER, piece);
            vector.set(ValueLayout.JAVA_LONG, i * 2 * POINTER + POINTER, piece.byteSize());
        }
        return vector;
    }
}
