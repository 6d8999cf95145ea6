package org.jkvm.storage;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jkvm.storage.layer.Buffers;

/** Finds zeroes. */
final class Zeroes {
    private Zeroes() {
    }

    /**
     * Whether {@code data} has only zeroes from {@code from} to {@code to}; {@code view} is a buffer of the same bytes. Data
     * that isn't shows it early, and a look through a buffer is cheap also in code that is not compiled yet.
     */
    static boolean only(MemorySegment data, ByteBuffer view, int from, int to) {
        return (to - from < Long.BYTES || (view.getLong(from) | view.getLong(to - Long.BYTES)) == 0)
                && Buffers.isZero(data.asSlice(from, to - from));
    }

    /**
     * Where zeroes end that begin at {@code from}, going by units of {@code unit} bytes: in steps that double,
     * since much memory is compared faster than little is cut out. Perhaps there are more behind.
     */
    static long end(MemorySegment data, long from, long unit) {
        long end = from;
        for (long step = unit; step <= data.byteSize() - end && Buffers.isZero(data.asSlice(end, step)); step *= 2) {
            end += step;
        }
        return end;
    }

    /** Where {@code data} has the first byte that is not zero; -1 where there is none. */
    static long firstOther(MemorySegment data) {
        for (long at = 0; at < data.byteSize(); at += Buffers.CHUNK) {
            long end = Math.min(data.byteSize(), at + Buffers.CHUNK);
            long found = MemorySegment.mismatch(data, at, end, Buffers.zeroes(), 0, end - at);
            if (found >= 0) {
                return at + found;
            }
        }
        return -1;
    }
}
