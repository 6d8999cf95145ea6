package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.Bits;
import org.jkvm.base.HostException;
import org.jkvm.linux.Errno;
import org.jkvm.linux.FileWindow;
import org.jkvm.storage.layer.Buffers;

/**
 * Copies the contents of one image into another. A few threads take pieces in turn; each reads its piece and writes it,
 * in the order of the disk unless told otherwise, so that a fresh image's clusters lie in order too. One copy, once.
 */
public final class ImageCopy {
    /** Read by one call and written by another: what lies between should be in a processor's second-level cache. */
    private static final int PIECE = 256 << 10;
    /** Pieces that are not copied in between. */
    private static final int VIEW = 4 << 20;
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
    private final SparseWriter writer;
    private final CopyPlan plan;
    private final boolean viewing;
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
        this.writer = new SparseWriter(target, options.sparse(), options.targetIsZero());
        this.viewing = !options.compress() && startsWithView(source);
        int cluster = (int) target.info().clusterSize();
        this.unit = options.compress() ? cluster : Math.max(PIECE, cluster);
        this.plan = new CopyPlan(source, viewing ? VIEW : unit, options.compress(), options.onlyTop());
        this.pace = new Pace(options.bytesPerSecond());
    }

    /** Whether the first data that there is can be had without being copied: then most can. */
    private static boolean startsWithView(Image source) throws IOException {
        for (long at = 0; at < source.size(); ) {
            BlockStatus status = source.status(at, source.size() - at);
            if (status.data()) {
                return hasView(source, at, Math.min(status.length(), PIECE));
            }
            at += status.length();
        }
        return false;
    }

    private static boolean hasView(Image source, long offset, long length) throws IOException {
        try (FileWindow window = AsyncImage.view(source, offset, length).orElse(null)) {
            return window != null;
        }
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
        // One file is written by one thread at a time, and nothing else is left to do where there is nothing to unpack.
        Workers.run(copy.viewing ? 1 : options.threads(), copy::work);
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
        switch (piece.action()) {
            case SKIP -> inTurn(piece, () -> { });
            case ZERO -> inTurn(piece, () -> writer.zero(piece.offset(), piece.length()));
            case COPY -> {
                pace.take(piece.length());
                if (viewing) {
                    copyView(piece, buffer);
                } else {
                    MemorySegment data = buffer.asSlice(0, piece.length());
                    read(piece.offset(), data);
                    inTurn(piece, () -> write(piece.offset(), data));
                }
            }
        }
    }

    /** What is done when all pieces before are written. */
    private interface Writing {
        void run() throws IOException;
    }

    private void inTurn(CopyPlan.Piece piece, Writing writing) throws IOException {
        if (viewing || options.anyOrder() || options.compress()) {
            writing.run();
        } else if (awaitTurn(piece)) {
            writing.run();
            passTurn();
        }
    }

    /** Writes from the host's cache what certainly has no zeroes to leave out; the rest is read. */
    private void copyView(CopyPlan.Piece piece, MemorySegment buffer) throws IOException {
        try (FileWindow window = AsyncImage.view(source, piece.offset(), piece.length()).orElse(null)) {
            copyParts(piece, window == null ? null : window.segment(), buffer);
        } catch (InternalError | IOException e) {
            if (e instanceof IOException failure && !isFault(failure)) {
                throw failure;
            }
            // Somebody made the file shorter: what is gone reads as zeroes.
            copyParts(piece, null, buffer);
        }
    }

    private static boolean isFault(IOException e) {
        return e.getCause() instanceof HostException host && host.errno() == Errno.EFAULT;
    }

    private void copyParts(CopyPlan.Piece piece, MemorySegment view, MemorySegment buffer) throws IOException {
        long from = 0;
        long end;
        for (long at = 0; at < piece.length(); at = end) {
            end = Math.min(piece.length(), Bits.alignDown(piece.offset() + at, unit) + unit - piece.offset());
            if (view == null || writer.mayLeaveOut(piece.offset(), view, at, end)) {
                if (view != null) {
                    writer.writeAll(piece.offset() + from, view.asSlice(from, at - from));
                }
                MemorySegment data = buffer.asSlice(0, end - at);
                read(piece.offset() + at, data);
                write(piece.offset() + at, data);
                from = end;
            }
        }
        if (view != null) {
            writer.writeAll(piece.offset() + from, view.asSlice(from));
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

    private void write(long offset, MemorySegment data) throws IOException {
        if (!options.compress() || Zeroes.only(data, 0, data.byteSize()) || !target.writeCompressedNow(offset, data)) {
            writer.write(offset, data);
        }
    }
}
