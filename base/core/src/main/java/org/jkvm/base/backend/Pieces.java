package org.jkvm.base.backend;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory in pieces that stand for one run of bytes: what a guest's request is read into or written from. The list is
 * immutable, the memory isn't.
 */
public final class Pieces {
    private final MemorySegment[] pieces;
    private final long length;

    private Pieces(MemorySegment[] pieces) {
        this.pieces = pieces;
        long sum = 0;
        for (MemorySegment piece : pieces) {
            sum += piece.byteSize();
        }
        this.length = sum;
    }

    /** These pieces in this order. */
    public static Pieces of(MemorySegment... pieces) {
        return new Pieces(pieces.clone());
    }

    /** The same. */
    public static Pieces of(List<MemorySegment> pieces) {
        return new Pieces(pieces.toArray(MemorySegment[]::new));
    }

    /** How many there are. */
    public int count() {
        return pieces.length;
    }

    /** Piece {@code index}. */
    public MemorySegment get(int index) {
        return pieces[index];
    }

    /** Bytes in all of them. */
    public long byteSize() {
        return length;
    }

    /** Whether all are outside the heap. */
    public boolean isNative() {
        for (MemorySegment piece : pieces) {
            if (!piece.isNative()) {
                return false;
            }
        }
        return true;
    }

    /**
     * The {@code wanted} bytes from position {@code from} on.
     *
     * @throws IndexOutOfBoundsException where there are not as many
     */
    public Pieces slice(long from, long wanted) {
        if (from < 0 || wanted < 0 || from > length - wanted) {
            throw new IndexOutOfBoundsException(wanted + " bytes at " + from + " of " + length);
        }
        if (wanted == length) {
            return this;
        }
        List<MemorySegment> part = new ArrayList<>(pieces.length);
        long skip = from;
        long left = wanted;
        for (int i = 0; left > 0; i++) {
            long start = Math.min(skip, pieces[i].byteSize());
            long size = Math.min(pieces[i].byteSize() - start, left);
            skip -= start;
            left -= size;
            if (size > 0) {
                part.add(pieces[i].asSlice(start, size));
            }
        }
        return of(part);
    }

    /** What is behind position {@code from}. */
    public Pieces slice(long from) {
        return slice(from, length - from);
    }

    /** What is done with one piece. */
    public interface Transfer {
        /** Moves {@code piece} from or to {@code offset}. */
        void run(long offset, MemorySegment piece) throws IOException;
    }

    /** Has {@code transfer} move one piece after another, from or to {@code offset} and what follows. */
    public void each(long offset, Transfer transfer) throws IOException {
        long at = offset;
        for (MemorySegment piece : pieces) {
            transfer.run(at, piece);
            at += piece.byteSize();
        }
    }

    /** What is done with one piece, and may end early. */
    public interface Part {
        /** Moves {@code piece} from or to {@code offset}; returns how many bytes were moved. */
        long run(long offset, MemorySegment piece);
    }

    /** The same, until one is moved in part only; returns how many bytes were moved. */
    public long eachPart(long offset, Part part) {
        long done = 0;
        for (MemorySegment piece : pieces) {
            long moved = part.run(offset + done, piece);
            done += moved;
            if (moved < piece.byteSize()) {
                break;
            }
        }
        return done;
    }

    /** Copies all bytes to the beginning of {@code target}. */
    public void copyTo(MemorySegment target) {
        long at = 0;
        for (MemorySegment piece : pieces) {
            target.asSlice(at, piece.byteSize()).copyFrom(piece);
            at += piece.byteSize();
        }
    }

    /** Fills all pieces from the beginning of {@code source}. */
    public void copyFrom(MemorySegment source) {
        long at = 0;
        for (MemorySegment piece : pieces) {
            piece.copyFrom(source.asSlice(at, piece.byteSize()));
            at += piece.byteSize();
        }
    }

    /** Sets every byte. */
    public void fill(byte value) {
        for (MemorySegment piece : pieces) {
            piece.fill(value);
        }
    }
}
