package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.storage.layer.Buffers;

/**
 * Copies the contents of one image into another. A few threads take pieces in turn; each reads its piece and writes it,
 * in the order of the disk unless told otherwise, so that a fresh image's clusters lie in order too. One copy, once.
 */
public final class ImageCopy {
    /** Read by one call and written by another: what lies between should be in a processor's second-level cache. */
    private static final int PIECE = 256 << 10;
    private static final int SECTOR = 512;

    /**
     * How contents are written.
     *
     * @param compress clusters are packed, where the target can
     * @param sparse bytes, a multiple of 512: zeroes of that length, at multiples of it, are not stored; 0 stores all
     * @param onlyTop what the source has from its backing file is left alone: the target's has the same
     * @param targetIsZero the target reads as zeroes where nothing is written
     * @param anyOrder writes need not keep the order of the disk
     * @param threads how many pieces are under way at once, at least 1
     * @param bytesPerSecond the most that is copied in a second, or 0
     * @param salvage what cannot be read becomes zeroes
     */
    public record Options(boolean compress, int sparse, boolean onlyTop, boolean targetIsZero, boolean anyOrder,
            int threads, long bytesPerSecond, boolean salvage) {
        /** As fast as can be, and every failure to read ends it. */
        public Options(boolean compress, int sparse, boolean onlyTop, boolean targetIsZero, boolean anyOrder, int threads) {
            this(compress, sparse, onlyTop, targetIsZero, anyOrder, threads, 0, false);
        }
    }

    /** Who is told how it goes; by one thread at a time. */
    public interface Watcher {
        /** So many bytes of the disk are dealt with. */
        void done(long bytes);

        /** A stretch that cannot be read became zeroes. */
        default void lost(long offset, long length, IOException why) {
        }
    }

    private final Image source;
    private final Image target;
    private final Options options;
    private final Watcher watcher;
    private final CopyPlan plan;
    private final int unit;
    private final Pace pace;
    // Guarded by this.
    private long written;
    private long done;
    private boolean failed;

    private ImageCopy(Image source, Image target, Options options, Watcher watcher) throws IOException {
        this.source = source;
        this.target = target;
        this.options = options;
        this.watcher = watcher;
        int cluster = (int) target.info().clusterSize();
        this.unit = options.compress() ? cluster : Math.max(PIECE, cluster);
        this.plan = new CopyPlan(source, unit, options.compress(), options.onlyTop());
        this.pace = new Pace(options.bytesPerSecond());
    }

    /**
     * Copies all of {@code source}; {@code target} is at least as large. Waits for the host.
     *
     * @throws IOException the first failure; the target then holds a part
     */
    public static void run(Image source, Image target, Options options, Watcher watcher) throws IOException {
        if (target.size() < source.size()) {
            throw new IOException("the target has " + target.size() + " bytes, less than the " + source.size()
                    + " of the source");
        }
        ImageCopy copy = new ImageCopy(source, target, options, watcher);
        Workers.run(options.threads(), copy::work);
    }

    private void work() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = Buffers.allocate(arena, unit);
            for (CopyPlan.Piece piece = plan.take(); piece != null; piece = plan.take()) {
                copy(piece, buffer);
                finished(piece);
            }
        } catch (IOException | RuntimeException | Error e) {
            stop();
            throw e;
        }
    }

    private synchronized void stop() {
        plan.stop();
        failed = true;
        notifyAll();
    }

    private synchronized void finished(CopyPlan.Piece piece) {
        done += piece.length();
        watcher.done(done);
    }

    private void copy(CopyPlan.Piece piece, MemorySegment buffer) throws IOException {
        MemorySegment data = null;
        if (piece.action() == CopyPlan.Action.COPY) {
            pace.take(piece.length());
            data = buffer.asSlice(0, piece.length());
            read(piece, data);
        }
        if (options.anyOrder() || options.compress()) {
            write(piece, data);
        } else if (awaitTurn(piece)) {
            write(piece, data);
            passTurn();
        }
    }

    private void read(CopyPlan.Piece piece, MemorySegment data) throws IOException {
        try {
            source.readNow(piece.offset(), data);
        } catch (IOException e) {
            if (!options.salvage()) {
                throw e;
            }
            salvage(piece, data);
        }
    }

    /** Reads what can be read, a sector at a time. */
    private void salvage(CopyPlan.Piece piece, MemorySegment data) {
        for (long at = 0; at < data.byteSize(); at += SECTOR) {
            MemorySegment sector = data.asSlice(at, Math.min(SECTOR, data.byteSize() - at));
            try {
                source.readNow(piece.offset() + at, sector);
            } catch (IOException e) {
                sector.fill((byte) 0);
                lost(piece.offset() + at, sector.byteSize(), e);
            }
        }
    }

    private synchronized void lost(long offset, long length, IOException why) {
        watcher.lost(offset, length, why);
    }

    /** Waits until all pieces before are written; false where one of them cannot be. */
    private synchronized boolean awaitTurn(CopyPlan.Piece piece) throws IOException {
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

    private void write(CopyPlan.Piece piece, MemorySegment data) throws IOException {
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

    private boolean pack(CopyPlan.Piece piece, MemorySegment data) throws IOException {
        return !Zeroes.only(data, 0, data.byteSize()) && target.writeCompressedNow(piece.offset(), data);
    }

    /** Writes runs of units that are zeroes or not, each as such. */
    private void writeSparse(CopyPlan.Piece piece, MemorySegment data) throws IOException {
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
                target.writeNow(piece.offset() + at, data.asSlice(at, end - at));
            }
            at = end;
        }
    }

    private boolean isZeroUnit(CopyPlan.Piece piece, MemorySegment data, long at) {
        return options.sparse() > 0 && Zeroes.only(data, at, unitEnd(piece, at));
    }

    /** The end of the unit of {@code sparse} bytes of the disk in which {@code at} of the piece lies. */
    private long unitEnd(CopyPlan.Piece piece, long at) {
        if (options.sparse() == 0) {
            return piece.length();
        }
        long offset = piece.offset() + at;
        return Math.min(piece.length(), offset - offset % options.sparse() + options.sparse() - piece.offset());
    }

    private void zero(long offset, long length) throws IOException {
        if (options.sparse() == 0) {
            writeZeroBytes(offset, length);
        } else if (!options.targetIsZero()) {
            target.writeZeroesNow(offset, length, true);
        }
    }

    private void writeZeroBytes(long offset, long length) throws IOException {
        for (long at = 0; at < length; at += Buffers.CHUNK) {
            target.writeNow(offset + at, Buffers.zeroes().asSlice(0, Math.min(Buffers.CHUNK, length - at)));
        }
    }
}
