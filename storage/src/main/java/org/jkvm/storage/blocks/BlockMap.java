package org.jkvm.storage.blocks;

import java.io.IOException;
import java.util.Optional;

/**
 * Where the blocks of a disk are in a file, as one format says it. {@link BlockLayer} calls one method at a time.
 * Numbers of blocks are in range; what the file says is not trusted.
 */
public interface BlockMap {
    /** Where block {@code index} is. */
    Place find(long index) throws IOException;

    /** How many blocks from {@code index} on are {@link Place#NONE} because a table for them is missing; may be too few. */
    default long missing(long index) throws IOException {
        return 0;
    }

    /** Throws where tables for the disk's {@code blocks} blocks lie over one another: see {@link SharedTables}. */
    default void refuseSharedTables(long blocks) throws IOException {
    }

    /**
     * Makes room for block {@code index} at the end of the file and returns its offset there; the file is that long on
     * return, and new bytes are zeroes. Nothing points to it yet.
     */
    long reserve(long index) throws IOException;

    /** From now on block {@code index} is at {@code offset}; in memory, until {@link #write}. */
    void link(long index, long offset) throws IOException;

    /** Makes a block read as zeroes, in memory, until {@link #write}; false where the format cannot say so. */
    default boolean linkZero(long index) throws IOException {
        return false;
    }

    /** See {@link org.jkvm.storage.layer.Layer#contentId}. */
    default Optional<String> contentId() {
        return Optional.empty();
    }

    /** Called before a block that is there is written in place. */
    default void beforeWrite(long index) throws IOException {
    }

    /** Called once, before the first change. */
    default void firstWrite() throws IOException {
    }

    /** Whether {@link #write} has something to do. */
    boolean dirty();

    /** Writes tables; there is a barrier before it and one after it. */
    void write() throws IOException;

    /** Called before the file is closed, everything written; not after failures, nor for a read-only image. */
    default void closing() throws IOException {
    }

    /** The contents of a packed block. */
    default byte[] unpack(Place place, int blockSize) throws IOException {
        throw new IOException("the format has no packed blocks");
    }

    /** Whether all blocks have to be packed. */
    default boolean packsAll() {
        return false;
    }

    /** Appends a packed block to the file and points to it, in memory. */
    default void append(long index, byte[] block) throws IOException {
        throw new IOException("the format has no packed blocks");
    }
}
