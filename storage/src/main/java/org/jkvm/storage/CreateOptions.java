package org.jkvm.storage;

/**
 * What {@link Images#create} makes.
 *
 * @param format {@code "raw"} or {@code "qcow2"}
 * @param size bytes of the disk
 * @param preallocation how much is allocated at once
 * @param clusterSize qcow2: bytes of a cluster, a power of two from 512 to 2 MiB
 * @param version qcow2: 2 or 3
 * @param refcountBits qcow2: width of a reference count, a power of two from 1 to 64; 16 in version 2
 * @param lazyRefcounts qcow2 version 3: other programs may postpone updates of reference counts
 * @param zstd qcow2 version 3: compressed clusters are zstd's, not zlib's
 * @param backingFile qcow2: the backing file's name as written into the image, or null
 * @param backingFormat qcow2: its format, or null
 */
public record CreateOptions(String format, long size, Preallocation preallocation, int clusterSize, int version,
        int refcountBits, boolean lazyRefcounts, boolean zstd, String backingFile, String backingFormat) {
    /** The cluster size where none is asked for. */
    public static final int DEFAULT_CLUSTER_SIZE = 65536;

    /** How much of an image is allocated when it is made. */
    public enum Preallocation {
        /** Nothing. */
        OFF,
        /** All metadata; data clusters are holes in the file. Not for raw. */
        METADATA,
        /** As METADATA, and storage is reserved for the data. */
        FALLOC,
        /** As METADATA, and all data is written. */
        FULL
    }

    /** An image of the given format and size, nothing else out of the ordinary. */
    public static CreateOptions of(String format, long size) {
        return new CreateOptions(format, size, Preallocation.OFF, DEFAULT_CLUSTER_SIZE, 3, 16, false, false, null, null);
    }

    /** A qcow2 image over a backing file. */
    public static CreateOptions over(String backingFile, String backingFormat, long size) {
        return new CreateOptions("qcow2", size, Preallocation.OFF, DEFAULT_CLUSTER_SIZE, 3, 16, false, false, backingFile,
                backingFormat);
    }
}
