package org.jkvm.storage;

import java.nio.file.Path;

/**
 * Where a stretch of a disk's contents comes from.
 *
 * @param start its first byte in the disk
 * @param length bytes, at least 1; the next stretch may be of the same kind
 * @param depth which image of the chain decides: 0 the image itself, 1 its backing file, and so on
 * @param kind what is there
 * @param offset where {@code start} is in {@code file}, or {@link #NO_OFFSET} where that is not one place
 * @param file the file of the image that decides
 */
public record BlockStatus(long start, long length, int depth, Kind kind, long offset, Path file) {
    /** There is no host storage, or the contents are not stored as they are. */
    public static final long NO_OFFSET = -1;

    /** What a stretch is. */
    public enum Kind {
        /** No image of the chain has it: reads as zeroes. */
        UNALLOCATED,
        /** Reads as zeroes because an image says so, with host storage or without. */
        ZERO,
        /** Bytes in the file. */
        DATA,
        /** Data that is stored packed. */
        COMPRESSED
    }

    /** Whether an image of the chain has it. */
    public boolean present() {
        return kind != Kind.UNALLOCATED;
    }

    /** Whether it is known to read as zeroes. */
    public boolean zero() {
        return kind == Kind.UNALLOCATED || kind == Kind.ZERO;
    }

    /** Whether it is to be read for its contents. */
    public boolean data() {
        return !zero();
    }

    /** Whether {@link #offset} is one. */
    public boolean hasOffset() {
        return offset != NO_OFFSET;
    }

    /** The same as seen from the image above. */
    public BlockStatus below() {
        return new BlockStatus(start, length, depth + 1, kind, offset, file);
    }
}
