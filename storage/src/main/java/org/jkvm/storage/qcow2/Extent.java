package org.jkvm.storage.qcow2;

/**
 * A stretch of the disk whose clusters are all of one kind and, where they have host clusters, follow one another in the
 * file.
 *
 * @param entry the L2 entry of the first cluster (qcow2.txt, "Cluster mapping")
 * @param length bytes from where was asked, up to the end of the stretch or of what was asked
 */
record Extent(Kind kind, long entry, long length) {
    /** Refcount is exactly one: may be written in place. */
    static final long COPIED = 1L << 63;
    static final long COMPRESSED = 1L << 62;
    /** Reads as zeroes, whatever the host cluster holds. Version 3 only. */
    static final long ZERO = 1;
    /** Bits 9 to 55: offset of the host cluster, or of an L2 table in an L1 entry. */
    static final long OFFSET = 0x00fffffffffffe00L;

    /** What a cluster of the disk is. */
    enum Kind { UNALLOCATED, ZERO, ZERO_ALLOCATED, NORMAL, COMPRESSED }

    static Kind kindOf(long entry) {
        if ((entry & COMPRESSED) != 0) {
            return Kind.COMPRESSED;
        }
        // An external data file has a cluster at offset 0, whose entry has this flag (qcow2.txt, "Standard Cluster
        // Descriptor").
        boolean allocated = (entry & (OFFSET | COPIED)) != 0;
        if ((entry & ZERO) != 0) {
            return allocated ? Kind.ZERO_ALLOCATED : Kind.ZERO;
        }
        return allocated ? Kind.NORMAL : Kind.UNALLOCATED;
    }

    /** Offset of the first host cluster in the file; 0 where there is none. */
    long host() {
        return hasHost() ? entry & OFFSET : 0;
    }

    /** Whether there are host clusters of its own, not compressed. */
    boolean hasHost() {
        return kind == Kind.NORMAL || kind == Kind.ZERO_ALLOCATED;
    }

    /** Whether its host clusters belong to it alone. */
    boolean owned() {
        return hasHost() && (entry & COPIED) != 0;
    }

    /** Whether data may be written straight into its host clusters. */
    boolean inPlace() {
        return kind == Kind.NORMAL && owned();
    }
}
