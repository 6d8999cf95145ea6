package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jkvm.storage.layer.Buffers;

/**
 * Copies the contents of one image into another: in the order of the disk, so that a fresh image's clusters lie in order
 * too, unless they are packed or told otherwise. A host writes to a file for one thread at a time: what goes on beside is
 * reading and packing. One copy, once.
 */
public final class ImageCopy {
    /** What is read, and written, by one call. */
    private static final int PIECE = 2 << 20;
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
     * @param offload what lies in a file as it is, the host copies where it can; zeroes in it are not looked for
     */
    public record Options(boolean compress, int sparse, boolean onlyTop, boolean targetIsZero, boolean anyOrder,
            int threads, long bytesPerSecond, boolean salvage, boolean offload) {
        /** As fast as can be, and every failure to read ends it. */
        public Options(boolean compress, int sparse, boolean onlyTop, boolean targetIsZero, boolean anyOrder, int threads) {
            this(compress, sparse, onlyTop, targetIsZero, anyOrder, threads, 0, false, false);
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
    private final long base;
    private final Options options;
    private final Watcher watcher;
    private final SparseWriter writer;
    private final CopyPlan plan;
    private final Turns turns = new Turns();
    private final int unit;
    private final Pace pace;
    private long done;

    private ImageCopy(Image source, Image target, long base, Options options, Watcher watcher) throws IOException {
        this.source = source;
        this.target = target;
        this.base = base;
        this.options = options;
        this.watcher = watcher;
        this.writer = new SparseWriter(target, options.sparse(), options.targetIsZero());
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
        run(source, target, 0, options, watcher);
    }

    /** The same to {@code base}, a multiple of 512, and what follows in {@code target}. */
    public static void run(Image source, Image target, long base, Options options, Watcher watcher) throws IOException {
        if (target.size() - base < source.size()) {
            throw new IOException("the target has " + (target.size() - base) + " bytes, less than the " + source.size()
                    + " of the source");
        }
        ImageCopy copy = new ImageCopy(source, target, base, options, watcher);
        if (options.compress() || options.anyOrder()) {
            Workers.run(options.threads(), copy::copySome);
        } else {
            Workers.run(options.threads(), copy::copyInTurn);
        }
    }

    /** One of several threads: what packs, or may write in any order. */
    private void copySome() throws IOException {
        MemorySegment buffer = Buffers.allocate(unit);
        try {
            for (CopyPlan.Piece piece = plan.take(); piece != null; piece = plan.take()) {
                write(piece, read(piece, buffer), () -> { });
                finished(piece);
            }
        } catch (IOException | RuntimeException | Error e) {
            plan.stop();
            throw e;
        }
    }

    /**
     * One of several threads: each reads what comes next, and writes it when all before it has its place in the file. So one
     * reads while another writes, or both write, and what a thread writes it has just read: it is in its processor's cache.
     */
    private void copyInTurn() throws IOException {
        MemorySegment buffer = Buffers.allocate(unit);
        try {
            for (CopyPlan.Piece piece = plan.take(); piece != null; piece = plan.take()) {
                MemorySegment data = mayOffload(piece) ? null : read(piece, buffer);
                if (!turns.await(piece.number())) {
                    return;
                }
                long number = piece.number();
                Runnable over = () -> turns.next(number);
                if (!mayOffload(piece)) {
                    write(piece, data, over);
                } else if (!offloaded(piece)) {
                    write(piece, read(piece, buffer), over);
                }
                over.run();
                finished(piece);
            }
        } catch (IOException | RuntimeException | Error e) {
            plan.stop();
            turns.stop();
            throw e;
        }
    }

    private boolean mayOffload(CopyPlan.Piece piece) {
        return options.offload() && piece.plain() && piece.action() == CopyPlan.Action.COPY;
    }

    private boolean offloaded(CopyPlan.Piece piece) throws IOException {
        pace.take(piece.length());
        BlockStatus from = source.status(piece.offset(), piece.length());
        return from.length() == piece.length() && from.hasOffset()
                && target.copyNow(base + piece.offset(), from, piece.length());
    }

    private synchronized void finished(CopyPlan.Piece piece) {
        done += piece.length();
        watcher.done(base + done);
    }

    /** The contents of a piece that is to be copied, in {@code buffer}; null for others. */
    private MemorySegment read(CopyPlan.Piece piece, MemorySegment buffer) throws IOException {
        if (piece.action() != CopyPlan.Action.COPY) {
            return null;
        }
        pace.take(piece.length());
        MemorySegment data = buffer.asSlice(0, piece.length());
        read(piece.offset(), data);
        return data;
    }

    private void write(CopyPlan.Piece piece, MemorySegment data, Runnable placed) throws IOException {
        switch (piece.action()) {
            case SKIP -> { }
            case ZERO -> writer.zero(base + piece.offset(), piece.length());
            case COPY -> write(base + piece.offset(), data, placed);
        }
    }

    private void read(long offset, MemorySegment data) throws IOException {
        try {
            source.readNow(offset, data);
        } catch (IOException e) {
            if (!options.salvage()) {
                throw e;
            }
            salvage(offset, data);
        }
    }

    /** Reads what can be read, a sector at a time. */
    private void salvage(long offset, MemorySegment data) {
        for (long at = 0; at < data.byteSize(); at += SECTOR) {
            MemorySegment sector = data.asSlice(at, Math.min(SECTOR, data.byteSize() - at));
            try {
                source.readNow(offset + at, sector);
            } catch (IOException e) {
                sector.fill((byte) 0);
                lost(offset + at, sector.byteSize(), e);
            }
        }
    }

    private synchronized void lost(long offset, long length, IOException why) {
        watcher.lost(offset, length, why);
    }

    private void write(long offset, MemorySegment data, Runnable placed) throws IOException {
        if (!options.compress() || Buffers.isZero(data) || !target.writeCompressedNow(offset, data)) {
            writer.write(offset, data, placed);
        }
    }
}
