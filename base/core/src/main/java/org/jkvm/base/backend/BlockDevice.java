package org.jkvm.base.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;

/**
 * A disk: a linear array of bytes that is read and written in blocks. Requests are asynchronous: each returns at once
 * and completes on a thread of the device's choosing; requests that are under way together may be done in any order.
 * A request fails with an {@link java.io.IOException} whose message is one line; a failed write leaves the range
 * undefined, and nothing else changed. Offsets and lengths are multiples of {@link #blockSize()} inside
 * {@link #size()}; anything else fails, whoever asked (guests are hostile).
 */
public interface BlockDevice extends AutoCloseable {
    /** Bytes in the disk; may grow while it is open. */
    long size();

    /** The unit of access in bytes: a power of two, 512 or more. */
    int blockSize();

    /** Whether writes are refused. */
    boolean readOnly();

    /** Fills {@code target} from {@code offset}. The segment must stay valid until the request completes. */
    CompletableFuture<Void> read(long offset, MemorySegment target);

    /** Writes {@code source} at {@code offset}. Durable only after a {@link #flush()} that begins after it completed. */
    CompletableFuture<Void> write(long offset, MemorySegment source);

    /**
     * As {@link #read(long, MemorySegment)}, into pieces of any lengths, all together a multiple of {@link #blockSize()}. A
     * disk that cannot do better goes through a copy.
     */
    default CompletableFuture<Void> read(long offset, Pieces target) {
        if (target.count() == 1) {
            return read(offset, target.get(0));
        }
        MemorySegment copy = Arena.ofAuto().allocate(target.byteSize(), blockSize());
        return read(offset, copy).thenRun(() -> target.copyFrom(copy));
    }

    /** As {@link #write(long, MemorySegment)}, from pieces as {@link #read(long, Pieces)} has them. */
    default CompletableFuture<Void> write(long offset, Pieces source) {
        if (source.count() == 1) {
            return write(offset, source.get(0));
        }
        MemorySegment copy = Arena.ofAuto().allocate(source.byteSize(), blockSize());
        source.copyTo(copy);
        return write(offset, copy);
    }

    /** Completes when everything that completed before this call is on stable storage, as {@code cache=} says. */
    CompletableFuture<Void> flush();

    /** Gives up a range's contents: it reads as anything, zeroes where the format can say so. A hint. */
    CompletableFuture<Void> discard(long offset, long length);

    /** Makes a range read as zeroes; {@code mayUnmap} allows the space to be given back. */
    CompletableFuture<Void> writeZeroes(long offset, long length, boolean mayUnmap);

    /** Waits for what is under way, flushes and closes; releases image locks. */
    @Override
    void close();
}
