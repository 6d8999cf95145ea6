package org.jkvm.machine.pc;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import org.jkvm.base.backend.BlockDevice;

/** A disk in the heap, whose requests complete at once. */
final class MemoryDisk implements BlockDevice {
    static final int SIZE = 1 << 20;
    private final MemorySegment contents = MemorySegment.ofArray(new byte[SIZE]);
    private boolean closed;

    boolean closed() {
        return closed;
    }

    @Override
    public long size() {
        return SIZE;
    }

    @Override
    public int blockSize() {
        return 512;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public CompletableFuture<Void> read(long offset, MemorySegment target) {
        target.copyFrom(contents.asSlice(offset, target.byteSize()));
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> write(long offset, MemorySegment source) {
        contents.asSlice(offset).copyFrom(source);
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> flush() {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> discard(long offset, long length) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> writeZeroes(long offset, long length, boolean mayUnmap) {
        contents.asSlice(offset, length).fill((byte) 0);
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public void close() {
        closed = true;
    }
}
