package org.jkvm.storage.qcow2;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A header that has been checked: every field is in range, nothing refers outside what the format allows.
 *
 * @param version 2 or 3
 * @param clusterBits log2 of the cluster size, 9 to 21
 * @param size the disk's length in bytes
 * @param l1Size entries of the active L1 table
 * @param snapshotCount internal snapshots
 * @param refcountOrder log2 of the width of a reference count in bits, 0 to 6
 * @param cryptMethod how data clusters are encrypted: 0 not at all, 2 by LUKS
 * @param backingName the backing file as written, or null
 * @param extensions header extensions, in order
 */
record Header(int version, int clusterBits, long size, int l1Size, long l1Offset, long refcountTableOffset,
        int refcountTableClusters, int snapshotCount, long snapshotsOffset, long incompatible, long compatible,
        long autoclear, int refcountOrder, int headerLength, int compressionType, int cryptMethod, String backingName,
        List<Extension> extensions) {
    /** {@code "QFI\xfb"}. */
    static final int MAGIC = 0x514649fb;
    static final int LENGTH_V2 = 72;
    static final int LENGTH_V3 = 104;
    static final int MIN_CLUSTER_BITS = 9;
    static final int MAX_CLUSTER_BITS = 21;
    static final int MAX_REFCOUNT_ORDER = 6;
    static final int REFCOUNT_ORDER_V2 = 4;
    static final int MAX_BACKING_NAME = 1023;
    /** Bounds on tables that are kept in memory: far beyond any useful image, and the same as QEMU's. */
    static final int MAX_L1_BYTES = 32 << 20;
    static final int MAX_REFCOUNT_TABLE_BYTES = 8 << 20;
    static final int MAX_SNAPSHOTS = 65536;
    /** A subcluster is a 32nd of a cluster, and a sector at least. */
    static final int MIN_EXTENDED_CLUSTER_BITS = 14;

    /** A header extension: its type and its contents without padding. */
    record Extension(int type, byte[] data) {
    }

    int clusterSize() {
        return 1 << clusterBits;
    }

    boolean dirty() {
        return (incompatible & Features.INCOMPATIBLE_DIRTY) != 0;
    }

    boolean corrupt() {
        return (incompatible & Features.INCOMPATIBLE_CORRUPT) != 0;
    }

    boolean lazyRefcounts() {
        return (compatible & Features.COMPATIBLE_LAZY_REFCOUNTS) != 0;
    }

    /** Whether L2 entries have 128 bits, and clusters 32 subclusters. */
    boolean extendedL2() {
        return (incompatible & Features.INCOMPATIBLE_EXTENDED_L2) != 0;
    }

    /** Bytes of an L2 entry. */
    int l2EntryBytes() {
        return extendedL2() ? 2 * Long.BYTES : Long.BYTES;
    }

    boolean encrypted() {
        return cryptMethod == Features.CRYPT_LUKS;
    }

    /** Where the LUKS header is and how long it is: two numbers of 64 bits. Empty where that is not said. */
    byte[] encryption() {
        byte[] data = extension(Features.EXTENSION_ENCRYPTION);
        return data == null ? new byte[0] : data;
    }

    /** Whether the disk's contents lie in another file. */
    boolean hasDataFile() {
        return (incompatible & Features.INCOMPATIBLE_DATA_FILE) != 0;
    }

    /** Whether that file is to be a raw image of the disk at all times. */
    boolean rawDataFile() {
        return hasDataFile() && (autoclear & Features.AUTOCLEAR_DATA_FILE_RAW) != 0;
    }

    /** That file's name as written in the image; empty where it is not said. */
    String dataFileName() {
        byte[] data = extension(Features.EXTENSION_DATA_FILE);
        return data == null ? "" : new String(data, StandardCharsets.UTF_8);
    }

    /** The contents of the first extension of a type, or null. */
    byte[] extension(int type) {
        return extensions.stream().filter(e -> e.type() == type).map(Extension::data).findFirst().orElse(null);
    }

    /** The backing file's format as written in the image, or null. */
    String backingFormat() {
        byte[] data = extension(Features.EXTENSION_BACKING_FORMAT);
        return data == null ? null : new String(data, StandardCharsets.UTF_8);
    }

    /** The header of an image whose disk is as a snapshot keeps it. */
    Header ofSnapshot(SnapshotTable.Snapshot s) {
        long then = s.diskSize() < 0 ? size : s.diskSize();
        return new Header(version, clusterBits, then, s.l1Size(), s.l1Offset(), refcountTableOffset, refcountTableClusters,
                snapshotCount, snapshotsOffset, incompatible, compatible, autoclear, refcountOrder, headerLength,
                compressionType, cryptMethod, backingName, extensions);
    }

    /** L1 entries that a disk of {@code size} bytes needs. */
    static long l1EntriesFor(long size, int clusterBits, boolean extendedL2) {
        int bitsPerEntry = clusterBits + clusterBits - (extendedL2 ? 4 : 3);
        return (size >>> bitsPerEntry) + ((size & (1L << bitsPerEntry) - 1) == 0 ? 0 : 1);
    }
}
