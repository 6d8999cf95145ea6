package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.jkvm.base.Bits;
import org.jkvm.storage.layer.ImageFile;

/**
 * Ranges of a file that may be the same or overlap, as a hostile image's tables do. What several share is visited once and
 * counts that many times: however many tables there are, no more is read than the file has, and no holes.
 */
final class OverlappingTables {
    private static final int ENTRIES_AT_ONCE = 1 << 17;

    /** By offset: how many more ranges what follows belongs to. */
    private final TreeMap<Long, Integer> edges = new TreeMap<>();

    /** Something to be done with a part that {@code times} ranges share. */
    interface RangeVisitor {
        void visit(long from, long to, int times) throws IOException;
    }

    /** Something to be done with the entry at {@code at} of the file, which {@code times} tables share. */
    interface EntryVisitor {
        void visit(long at, long entry, int times) throws IOException;
    }

    void add(long offset, long bytes) {
        edges.merge(offset, 1, Integer::sum);
        edges.merge(offset + bytes, -1, Integer::sum);
    }

    void forEachRange(RangeVisitor visitor) throws IOException {
        int times = 0;
        long from = 0;
        for (Map.Entry<Long, Integer> edge : edges.entrySet()) {
            if (times > 0) {
                visitor.visit(from, edge.getKey(), times);
            }
            times += edge.getValue();
            from = edge.getKey();
        }
    }

    /** Visits the entries of 64 bits that are not zero for want of data. All offsets are multiples of eight. */
    void forEachEntry(ImageFile file, EntryVisitor visitor) throws IOException {
        forEachRange((from, to, times) -> {
            long at = nextData(file, from);
            while (at < to) {
                long[] entries = PointerTable.read(file, at, (int) Math.min(ENTRIES_AT_ONCE, (to - at) / Long.BYTES));
                for (long entry : entries) {
                    visitor.visit(at, entry, times);
                    at += Long.BYTES;
                }
                at = nextData(file, at);
            }
        });
    }

    private static long nextData(ImageFile file, long at) throws IOException {
        return Math.max(at, Bits.alignDown(file.nextData(at), Long.BYTES));
    }
}
