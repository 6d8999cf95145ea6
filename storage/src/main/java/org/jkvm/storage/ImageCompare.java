package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jkvm.base.Bits;
import org.jkvm.linux.NativeBytes;
import org.jkvm.storage.layer.Buffers;

/**
 * Compares the contents of two images. What is beyond the end of the shorter one must read as zeroes. Threads take pieces
 * in the order of the disk; the lowest difference counts. One comparison, once.
 */
public final class ImageCompare {
    /** What one thread takes at a time. */
    private static final int PIECE = 2 << 20;
    /** Two of them should be in the last cache that a processor has for itself. */
    private static final int PART = 512 << 10;
    private static final int SECTOR = 512;

    /** What is different. */
    public enum Kind {
        /** What is allocated, or known to be zero. */
        STATUS,
        /** The bytes; {@link Difference#offset} is their sector's. */
        CONTENTS
    }

    /** The first difference. */
    public record Difference(Kind kind, long offset) {
    }

    /** An image's metadata could not be read. */
    public static final class StatusException extends IOException {
        private static final long serialVersionUID = 1;

        StatusException(Image image, IOException cause) {
            super("image '" + image.path() + "': " + cause.getMessage(), cause);
        }
    }

    private record Piece(long offset, long length) {
    }

    private final Image a;
    private final Image b;
    private final boolean strict;
    private final LongConsumer progress;
    private final long common;
    // Guarded by this.
    private BlockStatus statusA;
    private BlockStatus statusB;
    private long next;
    private long done;
    private boolean failed;
    private Difference first;

    private ImageCompare(Image a, Image b, boolean strict, LongConsumer progress) {
        this.a = a;
        this.b = b;
        this.strict = strict;
        this.progress = progress;
        this.common = Math.min(a.size(), b.size());
    }

    /**
     * The first difference, if there is one. Waits for the host.
     *
     * @param strict what is allocated must be the same too
     * @param threads at least 1
     * @param progress is told how many bytes are dealt with, by one thread at a time
     * @throws StatusException where metadata cannot be read
     * @throws IOException where contents cannot be read
     */
    public static Optional<Difference> run(Image a, Image b, boolean strict, int threads, LongConsumer progress)
            throws IOException {
        ImageCompare compare = new ImageCompare(a, b, strict, progress);
        Workers.run(threads, compare::work);
        return Optional.ofNullable(compare.first);
    }

    private void work() throws IOException {
        MemorySegment one = Buffers.allocate(PART);
        MemorySegment two = Buffers.allocate(PART);
        try {
            for (Piece piece = take(); piece != null; piece = take()) {
                compare(piece, one, two);
                finished(piece.length());
            }
        } catch (IOException | RuntimeException | Error e) {
            stop();
            throw e;
        }
    }

    private synchronized void stop() {
        failed = true;
    }

    private synchronized void finished(long length) {
        done += length;
        progress.accept(done);
    }

    private synchronized void found(Difference difference) {
        if (first == null || difference.offset() < first.offset()) {
            first = difference;
        }
    }

    /** The next stretch to be read, or null. */
    private synchronized Piece take() throws IOException {
        long end = Math.max(a.size(), b.size());
        while (!failed && first == null && next < end) {
            long at = next;
            boolean zero = next < common ? bothZero() : beyondZero();
            if (first != null) {
                return null;
            }
            long limit = next < common ? Math.min(end(statusA), Math.min(end(statusB), common)) : end(beyond());
            next = zero ? limit : Math.min(limit, Bits.alignDown(at, PIECE) + PIECE);
            if (!zero) {
                return new Piece(at, next - at);
            }
            done += next - at;
        }
        return null;
    }

    private static long end(BlockStatus status) {
        return status.start() + status.length();
    }

    private boolean bothZero() throws IOException {
        statusA = status(a, statusA, common);
        statusB = status(b, statusB, common);
        if (strict && !alike(statusA, statusB)) {
            found(new Difference(Kind.STATUS, next));
        }
        return statusA.zero() && statusB.zero();
    }

    private static boolean alike(BlockStatus a, BlockStatus b) {
        return a.present() == b.present() && a.zero() == b.zero() && a.hasOffset() == b.hasOffset();
    }

    private boolean beyondZero() throws IOException {
        if (a.size() > b.size()) {
            statusA = status(a, statusA, a.size());
        } else {
            statusB = status(b, statusB, b.size());
        }
        return beyond().zero();
    }

    private BlockStatus beyond() {
        return a.size() > b.size() ? statusA : statusB;
    }

    /** The status from {@link #next} on; the host is asked once for each stretch. */
    private BlockStatus status(Image image, BlockStatus known, long end) throws IOException {
        if (known != null && next < end(known)) {
            return known;
        }
        try {
            return image.status(next, end - next);
        } catch (IOException e) {
            throw new StatusException(image, e);
        }
    }

    private void compare(Piece piece, MemorySegment one, MemorySegment two) throws IOException {
        for (long at = 0; at < piece.length(); at += PART) {
            long length = Math.min(PART, piece.length() - at);
            long offset = piece.offset() + at;
            long mismatch = offset < common ? mismatch(offset, one.asSlice(0, length), two.asSlice(0, length))
                    : nonZero(offset, one.asSlice(0, length));
            if (mismatch >= 0) {
                found(new Difference(Kind.CONTENTS, Bits.alignDown(offset + mismatch, SECTOR)));
                return;
            }
        }
    }

    private long mismatch(long offset, MemorySegment one, MemorySegment two) throws IOException {
        read(a, offset, one);
        read(b, offset, two);
        return NativeBytes.same(one, two) ? -1 : one.mismatch(two);
    }

    private long nonZero(long offset, MemorySegment data) throws IOException {
        read(a.size() > b.size() ? a : b, offset, data);
        return Buffers.isZero(data) ? -1 : Zeroes.firstOther(data);
    }

    private static void read(Image image, long offset, MemorySegment data) throws IOException {
        try {
            image.readNow(offset, data);
        } catch (IOException e) {
            throw new IOException("image '" + image.path() + "': " + e.getMessage(), e);
        }
    }
}
