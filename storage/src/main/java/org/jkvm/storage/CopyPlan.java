package org.jkvm.storage;

import java.io.IOException;
import org.jkvm.base.Bits;
import org.jkvm.storage.nbd.NbdAddress;

/** Cuts an image into pieces to copy, in the order of the disk. Any thread may take one. */
final class CopyPlan {
    enum Action { SKIP, ZERO, COPY }

    /**
     * A stretch of the disk, what is to be done with it, and its number.
     *
     * @param plain it lies in a file of this host as it is: reading is nothing but copying it
     */
    record Piece(long number, long offset, long length, Action action, boolean plain) {
    }

    private final Image source;
    private final int unit;
    private final boolean whole;
    private final boolean onlyTop;
    private BlockStatus current;
    private boolean plain;
    private long next;
    private long pieces;
    private boolean stopped;

    /**
     * A plan.
     *
     * @param unit the most bytes that one piece copies; pieces end at multiples
     * @param whole pieces to copy are whole units
     * @param onlyTop what comes from a backing file is skipped
     */
    CopyPlan(Image source, int unit, boolean whole, boolean onlyTop) {
        this.source = source;
        this.unit = unit;
        this.whole = whole;
        this.onlyTop = onlyTop;
    }

    /** No more pieces. */
    synchronized void stop() {
        stopped = true;
    }

    /** The next piece, or null. */
    synchronized Piece take() throws IOException {
        if (stopped || next >= source.size()) {
            return null;
        }
        Piece piece = whole ? unit() : stretch();
        next += piece.length();
        pieces++;
        return piece;
    }

    /** The status from {@link #next} on. The host is asked once for each stretch: it may look at every page of it. */
    private BlockStatus status() throws IOException {
        if (current == null || next >= current.start() + current.length()) {
            current = source.status(next, source.size() - next);
            plain = current.kind() == BlockStatus.Kind.DATA && current.hasOffset()
                    && !NbdAddress.matches(current.file().toString());
        }
        return current;
    }

    private Piece stretch() throws IOException {
        BlockStatus status = status();
        Action action = action(status);
        long left = status.start() + status.length() - next;
        long border = Bits.alignDown(next, unit) + unit;
        return new Piece(pieces, next, action == Action.COPY ? Math.min(left, border - next) : left, action, plain);
    }

    /** As many units as are skipped or zeroes, or else one. */
    private Piece unit() throws IOException {
        BlockStatus status = status();
        long left = status.start() + status.length() - next;
        long units = next + left == source.size() ? left : Bits.alignDown(left, unit);
        Action action = action(status);
        return action == Action.COPY || units == 0
                ? new Piece(pieces, next, Math.min(unit, source.size() - next), Action.COPY, false)
                : new Piece(pieces, next, units, action, false);
    }

    private Action action(BlockStatus status) {
        if (onlyTop && status.depth() > 0) {
            return Action.SKIP;
        }
        return status.data() ? Action.COPY : Action.ZERO;
    }
}
