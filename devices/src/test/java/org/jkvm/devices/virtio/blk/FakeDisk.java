package org.jkvm.devices.virtio.blk;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jkvm.base.backend.BlockDevice;
import org.jkvm.base.backend.Pieces;

/** A disk in memory that completes when told to: at once, or when the test releases what it holds. */
public final class FakeDisk implements BlockDevice {
    final byte[] bytes;
    final List<String> calls = new ArrayList<>();
    final List<Runnable> held = new ArrayList<>();
    boolean hold;
    boolean readOnly;
    int blockSize = 512;
    IOException failWith;

    public FakeDisk(int size) {
        bytes = new byte[size];
    }

    void releaseAll() {
        List<Runnable> now = List.copyOf(held);
        held.clear();
        now.forEach(Runnable::run);
    }

    @Override
    public long size() {
        return bytes.length;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public CompletableFuture<Void> read(long offset, MemorySegment target) {
        return perform("read " + offset + " " + target.byteSize(),
                () -> target.copyFrom(MemorySegment.ofArray(bytes).asSlice(offset, target.byteSize())));
    }

    @Override
    public CompletableFuture<Void> write(long offset, MemorySegment source) {
        return perform("write " + offset + " " + source.byteSize(),
                () -> MemorySegment.ofArray(bytes).asSlice(offset, source.byteSize()).copyFrom(source));
    }

    @Override
    public CompletableFuture<Void> read(long offset, Pieces target) {
        return perform("read " + offset + " " + sizes(target),
                () -> target.copyFrom(MemorySegment.ofArray(bytes).asSlice(offset, target.byteSize())));
    }

    @Override
    public CompletableFuture<Void> write(long offset, Pieces source) {
        return perform("write " + offset + " " + sizes(source),
                () -> source.copyTo(MemorySegment.ofArray(bytes).asSlice(offset)));
    }

    private static String sizes(Pieces pieces) {
        return IntStream.range(0, pieces.count()).mapToObj(i -> Long.toString(pieces.get(i).byteSize()))
                .collect(Collectors.joining("+"));
    }

    @Override
    public CompletableFuture<Void> flush() {
        return perform("flush", () -> { });
    }

    @Override
    public CompletableFuture<Void> discard(long offset, long length) {
        return perform("discard " + offset + " " + length, () -> { });
    }

    @Override
    public CompletableFuture<Void> writeZeroes(long offset, long length, boolean mayUnmap) {
        return perform("zero " + offset + " " + length + " " + mayUnmap,
                () -> MemorySegment.ofArray(bytes).asSlice(offset, length).fill((byte) 0));
    }

    @Override
    public void close() {
    }

    private CompletableFuture<Void> perform(String call, Runnable work) {
        calls.add(call);
        CompletableFuture<Void> future = new CompletableFuture<>();
        IOException failure = failWith;
        held.add(() -> {
            if (failure != null) {
                future.completeExceptionally(failure);
            } else {
                work.run();
                future.complete(null);
            }
        });
        if (!hold) {
            releaseAll();
        }
        return future;
    }
}
