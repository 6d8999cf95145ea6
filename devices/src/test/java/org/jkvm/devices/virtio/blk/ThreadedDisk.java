package org.jkvm.devices.virtio.blk;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jkvm.base.backend.BlockDevice;

/** A disk in memory behind a few threads, as real ones are. */
final class ThreadedDisk implements BlockDevice {
    private final MemorySegment bytes;
    private final ExecutorService workers = Executors.newFixedThreadPool(3);

    ThreadedDisk(int size) {
        bytes = Arena.ofAuto().allocate(size);
    }

    @Override
    public long size() {
        return bytes.byteSize();
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
        return CompletableFuture.runAsync(() -> target.copyFrom(bytes.asSlice(offset, target.byteSize())), workers);
    }

    @Override
    public CompletableFuture<Void> write(long offset, MemorySegment source) {
        return CompletableFuture.runAsync(() -> bytes.asSlice(offset, source.byteSize()).copyFrom(source), workers);
    }

    @Override
    public CompletableFuture<Void> flush() {
        return CompletableFuture.runAsync(() -> { }, workers);
    }

    @Override
    public CompletableFuture<Void> discard(long offset, long length) {
        return flush();
    }

    @Override
    public CompletableFuture<Void> writeZeroes(long offset, long length, boolean mayUnmap) {
        return CompletableFuture.runAsync(() -> bytes.asSlice(offset, length).fill((byte) 0), workers);
    }

    @Override
    public void close() {
        workers.close();
    }
}
