package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jkvm.storage.layer.Buffers;

/**
 * Copies the contents of one image into another: in the order of the disk, so that a fresh image's clusters lie in order
 * too, unless they are packed or told otherwise. A host writes to a file for one thread at a time: what goes on beside is
 * reading and packing. One copy, once.
 */
public final class ImageCopy {
    /** What is read, and written, by one call. */
    private static final int PIECE = 1 << 20;
    /** Pieces that are read before they are to be written. All of them should be in the processors' last cache. */
    private static final int AHEAD = 8;
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
            copy.copyInOrder();
        }
    }

    /** One of several threads: what packs, or may write in any order. */
    private void copySome() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = Buffers.allocate(arena, unit);
            for (CopyPlan.Piece piece = plan.take(); piece != null; piece = plan.take()) {
                write(piece, read(piece, buffer));
                finished(piece);
            }
        } catch (IOException | RuntimeException | Error e) {
            plan.stop();
            throw e;
        }
    }

    /** A piece and its contents, as soon as they are there; null where nobody else reads them. */
    private record Reading(CopyPlan.Piece piece, MemorySegment buffer, Future<MemorySegment> data) {
    }

    /**
     * This thread writes; others read what comes next where that is more than copying it. What is plain this thread reads
     * itself: it is in its processor's cache then, and to hand it over costs as much as it wins.
     */
    private void copyInOrder() throws IOException {
        Deque<Reading> ahead = new ArrayDeque<>();
        try (Arena arena = Arena.ofShared(); Readers readers = new Readers(options.threads(), arena)) {
            MemorySegment own = Buffers.allocate(arena, unit);
            for (int i = 0; i < AHEAD; i++) {
                readAhead(ahead, readers);
            }
            while (!ahead.isEmpty()) {
                Reading next = ahead.removeFirst();
                if (next.data() != null) {
                    write(next.piece(), Requests.await(next.data()));
                    readers.free(next.buffer());
                } else if (!offloaded(next.piece())) {
                    write(next.piece(), read(next.piece(), own));
                }
                finished(next.piece());
                readAhead(ahead, readers);
            }
        }
    }

    private boolean offloaded(CopyPlan.Piece piece) throws IOException {
        if (!options.offload() || !piece.plain() || piece.action() != CopyPlan.Action.COPY) {
            return false;
        }
        pace.take(piece.length());
        BlockStatus from = source.status(piece.offset(), piece.length());
        return from.length() == piece.length() && from.hasOffset()
                && target.copyNow(base + piece.offset(), from, piece.length());
    }

    private void readAhead(Deque<Reading> ahead, Readers readers) throws IOException {
        CopyPlan.Piece piece = plan.take();
        if (piece == null) {
            return;
        }
        if (piece.plain() || piece.action() != CopyPlan.Action.COPY) {
            ahead.addLast(new Reading(piece, null, null));
        } else {
            MemorySegment buffer = readers.buffer(unit);
            ahead.addLast(new Reading(piece, buffer, readers.submit(() -> read(piece, buffer))));
        }
    }

    /** Threads, and buffers for them, that are made when there is something to read. */
    private static final class Readers implements AutoCloseable {
        private final int threads;
        private final Arena arena;
        private final Deque<MemorySegment> free = new ArrayDeque<>();
        private ExecutorService pool;

        private Readers(int threads, Arena arena) {
            this.threads = threads;
            this.arena = arena;
        }

        private MemorySegment buffer(long size) {
            return free.isEmpty() ? Buffers.allocate(arena, size) : free.removeFirst();
        }

        private void free(MemorySegment buffer) {
            free.addFirst(buffer);
        }

        private Future<MemorySegment> submit(Callable<MemorySegment> reading) {
            if (pool == null) {
                pool = Executors.newFixedThreadPool(threads);
            }
            return pool.submit(reading);
        }

        @Override
        public void close() {
            if (pool != null) {
                pool.close();
            }
        }
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

    private void write(CopyPlan.Piece piece, MemorySegment data) throws IOException {
        switch (piece.action()) {
            case SKIP -> { }
            case ZERO -> writer.zero(base + piece.offset(), piece.length());
            case COPY -> write(base + piece.offset(), data);
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

    private void write(long offset, MemorySegment data) throws IOException {
        if (!options.compress() || Zeroes.firstOther(data) < 0 || !target.writeCompressedNow(offset, data)) {
            writer.write(offset, data);
        }
    }
}
