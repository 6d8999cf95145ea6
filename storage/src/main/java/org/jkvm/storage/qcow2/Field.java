package org.jkvm.storage.qcow2;

import java.lang.foreign.MemorySegment;

/** The header's fields, in the order of qcow2.txt, section "Header": name, offset and bytes. */
enum Field {
    MAGIC(0, 4),
    VERSION(4, 4),
    BACKING_FILE_OFFSET(8, 8),
    BACKING_FILE_SIZE(16, 4),
    CLUSTER_BITS(20, 4),
    SIZE(24, 8),
    CRYPT_METHOD(32, 4),
    L1_SIZE(36, 4),
    L1_TABLE_OFFSET(40, 8),
    REFCOUNT_TABLE_OFFSET(48, 8),
    REFCOUNT_TABLE_CLUSTERS(56, 4),
    NB_SNAPSHOTS(60, 4),
    SNAPSHOTS_OFFSET(64, 8),
    INCOMPATIBLE_FEATURES(72, 8),
    COMPATIBLE_FEATURES(80, 8),
    AUTOCLEAR_FEATURES(88, 8),
    REFCOUNT_ORDER(96, 4),
    HEADER_LENGTH(100, 4),
    COMPRESSION_TYPE(104, 1);

    private final int offset;
    private final int bytes;

    Field(int offset, int bytes) {
        this.offset = offset;
        this.bytes = bytes;
    }

    int offset() {
        return offset;
    }

    int end() {
        return offset + bytes;
    }

    /** The field's value, zero-extended. */
    long get(MemorySegment header) {
        return switch (bytes) {
            case 1 -> Be.getByte(header, offset);
            case 4 -> Be.getUnsignedInt(header, offset);
            default -> Be.getLong(header, offset);
        };
    }

    void put(MemorySegment header, long value) {
        switch (bytes) {
            case 1 -> Be.putByte(header, offset, (int) value);
            case 4 -> Be.putInt(header, offset, (int) value);
            default -> Be.putLong(header, offset, value);
        }
    }
}
