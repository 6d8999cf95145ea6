package org.jkvm.storage;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jkvm.storage.layer.Buffers;

/** Finds zeroes. */
final class Zeroes {
    private Zeroes() {
    }

    /** Whether {@code data} has only zeroes from {@code from} to {@code to}. Data that isn't shows it early. */
    static boolean only(MemorySegment data, long from, long to) {
        if (to - from >= Long.BYTES && (data.get(ValueLayout.JAVA_LONG_UNALIGNED, from)
                | data.get(ValueLayout.JAVA_LONG_UNALIGNED, to - Long.BYTES)) != 0) {
            return false;
        }
        for (long at = from; at < to; at += Buffers.CHUNK) {
            long end = Math.min(to, at + Buffers.CHUNK);
            if (MemorySegment.mismatch(data, at, end, Buffers.zeroes(), 0, end - at) >= 0) {
                return false;
            }
        }
        return true;
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
