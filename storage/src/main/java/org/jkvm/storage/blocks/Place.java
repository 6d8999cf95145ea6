package org.jkvm.storage.blocks;

/**
 * Where a block's contents are.
 *
 * @param kind what there is
 * @param offset of its first byte in the file, for DATA and PACKED
 */
public record Place(Kind kind, long offset) {
    /** Nothing here: what the backing file has, or zeroes. */
    public static final Place NONE = new Place(Kind.NONE, -1);
    /** Reads as zeroes. */
    public static final Place ZERO = new Place(Kind.ZERO, -1);

    /** What there can be. */
    public enum Kind { NONE, ZERO, DATA, PACKED }

    /** Contents that are stored as they are. */
    public static Place data(long offset) {
        return new Place(Kind.DATA, offset);
    }

    /** Whether {@code next}, the next block's, goes on where this, of {@code blockSize} bytes, ends. */
    boolean continuedBy(Place next, long blockSize) {
        return kind == next.kind && switch (kind) {
            case NONE, ZERO -> true;
            case DATA -> next.offset == offset + blockSize;
            case PACKED -> false;
        };
    }

    Place plus(long bytes) {
        return kind == Kind.DATA ? data(offset + bytes) : this;
    }
}
