package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;
import org.jkvm.base.Bits;
import org.jkvm.storage.layer.Buffers;

/**
 * Copies the contents of one image into another. A few threads take pieces in turn; each reads its piece and writes it,
 * in the order of the disk unless told otherwise, so that a fresh image's clusters lie in order too. One copy, once.
 */
public final class ImageCopy {
    /** At least the largest cluster, and pieces end at multiples: no two threads write to one cluster. */
    private static final int PIECE = 2 << 20;

    /**
     * How contents are written.
     *
     * @param compress clusters are packed, where the target can
     * @param sparse bytes, a multiple of 512: zeroes of that length, at multiples of it, are not stored; 0 stores all
     * @param onlyTop what the source has from its backing file is left alone: the target's has the same
     * @param targetIsZero the target reads as zeroes where nothing is written
     * @param anyOrder writes need not keep the order of the disk
     * @param threads how many pieces are under way at once, at least 1
     */
    public record Options(boolean compress, int sparse, boolean onlyTop, boolean targetIsZero, boolean anyOrder,
            int threads) {
    }

    private enum Action { SKIP, ZERO, COPY }

    private record Piece(long number, long offset, long length, Action action) {    }

    private final Image source;
    private final Image target;
    private final Options options;
    private final LongConsumer progress;
    private final int unit;
    // Guarded by this.
    private long next;
    private long pieces;
    private long written;
    private long done;
    private boolean failed;

    private ImageCopy(Image source, Image target, Options options, LongConsumer progress) throws IOException {
        this.source = source;
        this.target = target;
        this.options = options;
        this.progress = progress;
        this.unit = options.compress() ? (int) target.info().clusterSize() : PIECE;
    }

    /**
     * Copies all of {@code source}; {@code target} is at least as large. Waits for the host.
     *
     * @param progress is told how many bytes of the disk are dealt with, by one thread at a time
     * @throws IOException the first failure; the target then holds a part
     */
    public static void run(Image source, Image target, Options options, LongConsumer progress) throws IOException {
        if (target.size() < source.size()) {
            throw new IOException("the target has " + target.size() + " bytes, less than the " + source.size()
                    + " of the source");
        }
        new ImageCopy(source, target, options, progress).run();
    }

    private void run() throws IOException {
        try (ExecutorService threads = Executors.newFixedThreadPool(options.threads())) {
            List<Future<?>> workers = new ArrayList<>();
            for (int i = 0; i < options.threads(); i++) {
                workers.add(threads.submit(() -> {
                    work();
                    return null;
                }));
            }
            for (Future<?> worker : workers) {
                await(worker);
            }
        }
    }

    private void work() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment buffer = Buffers.allocate(arena, unit);
            for (Piece piece = take(); piece != null; piece = take()) {
                copy(piece, buffer);
                finished(piece);
            }
        } catch (IOException | RuntimeException | Error e) {
            stop();
            throw e;
        }
    }

    private synchronized void stop() {
        failed = true;
        notifyAll();
    }

    private synchronized void finished(Piece piece) {
        done += piece.length();
        progress.accept(done);
    }

    /** The next piece in the order of the disk, or null. */
    private synchronized Piece take() throws IOException {
        if (failed || next >= source.size()) {
            return null;
        }
        Piece piece = options.compress() ? cluster() : stretch();
        next += piece.length();
        pieces++;
        return piece;
    }

    private Piece stretch() throws IOException {
        BlockStatus status = source.status(next, source.size() - next);
        Action action = action(status);
        long border = Bits.alignDown(next, unit) + unit;
        long length = action == Action.COPY ? Math.min(status.length(), border - next) : status.length();
        return new Piece(pieces, next, length, action);
    }

    /** As many clusters as are left alone or zeroes, or else one cluster: packed ones are written whole. */
    private Piece cluster() throws IOException {
        BlockStatus status = source.status(next, source.size() - next);
        boolean last = next + status.length() == source.size();
        long whole = last ? status.length() : Bits.alignDown(status.length(), unit);
        Action action = action(status);
        return action == Action.COPY || whole == 0
                ? new Piece(pieces, next, Math.min(unit, source.size() - next), Action.COPY)
                : new Piece(pieces, next, whole, action);
    }

    private Action action(BlockStatus status) {
        if (options.onlyTop() && status.depth() > 0) {
            return Action.SKIP;
        }
        return status.data() ? Action.COPY : Action.ZERO;
    }

    private void copy(Piece piece, MemorySegment buffer) throws IOException {
        MemorySegment data = piece.action() == Action.COPY ? buffer.asSlice(0, piece.length()) : null;
        if (data != null) {
            await(source.read(piece.offset(), data));
        }
        if (options.anyOrder() || options.compress()) {
            write(piece, data);
        } else if (awaitTurn(piece)) {
            write(piece, data);
            passTurn();
        }
    }

    /** Waits until all pieces before are written; false where one of them cannot be. */
    private synchronized boolean awaitTurn(Piece piece) throws IOException {
        while (written < piece.number() && !failed) {
            try {
                wait();
            } catch (InterruptedException e) {
                throw new IOException("interrupted", e);
            }
        }
        return !failed;
    }

    private synchronized void passTurn() {
        written++;
        notifyAll();
    }

    private void write(Piece piece, MemorySegment data) throws IOException {
        switch (piece.action()) {
            case SKIP -> { }
            case ZERO -> zero(piece.offset(), piece.length());
            case COPY -> {
                if (!options.compress() || !pack(piece, data)) {
                    writeSparse(piece, data);
                }
            }
        }
    }

    private boolean pack(Piece piece, MemorySegment data) throws IOException {
        return !zeroes(data, 0, data.byteSize()) && await(target.writeCompressed(piece.offset(), data));
    }

    /** Writes runs of units that are zeroes or not, each as such. */
    private void writeSparse(Piece piece, MemorySegment data) throws IOException {
        long at = 0;
        while (at < data.byteSize()) {
            boolean zero = isZeroUnit(piece, data, at);
            long end = unitEnd(piece, at);
            while (end < piece.length() && isZeroUnit(piece, data, end) == zero) {
                end = unitEnd(piece, end);
            }
            if (zero) {
                zero(piece.offset() + at, end - at);
            } else {
                await(target.write(piece.offset() + at, data.asSlice(at, end - at)));
            }
            at = end;
        }
    }

    private boolean isZeroUnit(Piece piece, MemorySegment data, long at) {
        return options.sparse() > 0 && zeroes(data, at, unitEnd(piece, at));
    }

    /** The end of the unit of {@code sparse} bytes of the disk in which {@code at} of the piece lies. */
    private long unitEnd(Piece piece, long at) {
        if (options.sparse() == 0) {
            return piece.length();
        }
        long offset = piece.offset() + at;
        return Math.min(piece.length(), offset - offset % options.sparse() + options.sparse() - piece.offset());
    }

    private static boolean zeroes(MemorySegment data, long from, long to) {
        for (long at = from; at < to; at += Buffers.CHUNK) {
            long end = Math.min(to, at + Buffers.CHUNK);
            if (MemorySegment.mismatch(data, at, end, Buffers.zeroes(), 0, end - at) >= 0) {
                return false;
            }
        }
        return true;
    }

    private void zero(long offset, long length) throws IOException {
        if (options.sparse() == 0) {
            writeZeroBytes(offset, length);
        } else if (!options.targetIsZero()) {
            await(target.writeZeroes(offset, length, true));
        }
    }

    private void writeZeroBytes(long offset, long length) throws IOException {
        for (long at = 0; at < length; at += Buffers.CHUNK) {
            await(target.write(offset + at, Buffers.zeroes().asSlice(0, Math.min(Buffers.CHUNK, length - at))));
        }
    }

    private static <T> T await(Future<T> request) throws IOException {
        try {
            return request.get();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        }
    }
}
