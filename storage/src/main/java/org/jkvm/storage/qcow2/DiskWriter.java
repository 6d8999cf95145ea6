package org.jkvm.storage.qcow2;

import java.io.IOException;
import org.jkvm.base.backend.Pieces;

/** Changes the disk's contents where more than data in place is to be done. The caller holds an exclusive lock. */
interface DiskWriter {
    /** Writes, allocating where need be. */
    default void write(long offset, Pieces source) throws IOException {
        write(offset, source, () -> { });
    }

    /** The same; {@code placed} as in {@link org.jkvm.storage.layer.Layer}. */
    void write(long offset, Pieces source, Runnable placed) throws IOException;

    /** Gives up what lies from {@code from} to {@code to}: whole clusters, but where the disk ends. */
    void discard(long from, long to) throws IOException;

    /** Makes {@code from} to {@code to} read as zeroes in a disk of {@code size} bytes. */
    void writeZeroes(long from, long to, boolean mayUnmap, long size) throws IOException;

    /** Gives up what lies from {@code from}, a cluster boundary, to {@code to}: what is below shows, if anything is. */
    void forget(long from, long to) throws IOException;

    /** Allocates what is unallocated in a disk of {@code size} bytes without backing file; {@code write} writes it too. */
    void allocateAll(long from, long size, boolean write) throws IOException;

    /** Puts a packed cluster in the place of what is at {@code offset}, a cluster boundary. */
    void writeCompressed(long offset, byte[] packed) throws IOException;
}
