package org.jkvm.storage.blocks;

import java.io.IOException;

/** Every block is there, one after the other. */
public record FlatMap(long start, long blockSize) implements BlockMap {
    @Override
    public Place find(long index) {
        return Place.data(start + index * blockSize);
    }

    @Override
    public long reserve(long index) throws IOException {
        throw new IOException("a flat image has all its blocks");
    }

    @Override
    public void link(long index, long offset) throws IOException {
        throw new IOException("a flat image has all its blocks");
    }

    @Override
    public boolean dirty() {
        return false;
    }

    @Override
    public void write() {
        // There are no tables.
    }
}
