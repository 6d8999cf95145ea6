package org.jkvm.storage.qcow2;

/**
 * An extended L2 entry (qcow2.txt, "Extended L2 Entries"): the descriptor of a cluster, and two bits for each of its 32
 * subclusters: allocated, and reads as zeroes.
 */
record Cell(long entry, long bitmap) {
    static final int SUBCLUSTERS = 32;
    /** All subclusters are allocated. */
    static final long ALL = 0xffffffffL;

    /** Bits of subclusters {@code from} up to but not {@code to}. */
    static long mask(int from, int to) {
        return (1L << to) - (1L << from);
    }

    boolean compressed() {
        return (entry & Extent.COMPRESSED) != 0;
    }

    boolean hasHost() {
        return !compressed() && (entry & (Extent.OFFSET | Extent.COPIED)) != 0;
    }

    boolean owned() {
        return hasHost() && (entry & Extent.COPIED) != 0;
    }

    long host() {
        return entry & Extent.OFFSET;
    }

    Extent.Kind kind(int subcluster) {
        if (compressed()) {
            return Extent.Kind.COMPRESSED;
        }
        boolean zero = (bitmap >>> SUBCLUSTERS + subcluster & 1) != 0;
        boolean allocated = hasHost() && (bitmap >>> subcluster & 1) != 0;
        if (zero) {
            return hasHost() ? Extent.Kind.ZERO_ALLOCATED : Extent.Kind.ZERO;
        }
        return allocated ? Extent.Kind.NORMAL : Extent.Kind.UNALLOCATED;
    }

    /** The same with these subclusters in the host cluster at {@code entry}. */
    Cell allocated(long newEntry, long mask) {
        return new Cell(newEntry, (bitmap | mask) & ~(mask << SUBCLUSTERS));
    }

    /** The same with these subclusters reading as zeroes. */
    Cell zeroed(long mask) {
        return new Cell(entry, bitmap & ~mask | mask << SUBCLUSTERS);
    }

    /** The same without a host cluster. */
    Cell without() {
        return new Cell(0, bitmap & ~ALL);
    }
}
