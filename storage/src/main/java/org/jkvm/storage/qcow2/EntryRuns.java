package org.jkvm.storage.qcow2;

/**
 * Runs of L2 entries that a look at metadata can take for one: unallocated ones, and such whose host clusters follow one
 * another in the file with the same flags, as those of most files that were written at once do.
 */
final class EntryRuns {
    private final int stride;
    private final long clusterSize;

    EntryRuns(Header header) {
        this(header.l2EntryBytes() / Long.BYTES, header.clusterSize());
    }

    /** For entries of {@code stride} words. */
    EntryRuns(int stride, long clusterSize) {
        this.stride = stride;
        this.clusterSize = clusterSize;
    }

    /** Words from one entry to the next. */
    int stride() {
        return stride;
    }

    /** The number of entries, at least one, that make a run from word {@code at} of table {@code entries} on. */
    int from(long[] entries, int at) {
        long entry = entries[at];
        if (entry == 0) {
            return length(entries, at, stride, 0);
        }
        boolean hasHost = (entry & Extent.COMPRESSED) == 0 && (entry & Extent.OFFSET) != 0;
        return hasHost ? length(entries, at, stride, clusterSize) : 1;
    }

    /** The number of entries that are each {@code step} more than the one before. */
    private static int length(long[] entries, int at, int stride, long step) {
        long expected = entries[at] + step;
        int next = at + stride;
        while (next < entries.length && entries[next] == expected) {
            expected += step;
            next += stride;
        }
        return (next - at) / stride;
    }
}
