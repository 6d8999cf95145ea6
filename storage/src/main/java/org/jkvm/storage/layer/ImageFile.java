package org.jkvm.storage.layer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.KeyChange;

/**
 * The bytes of an image file, under a format. Any thread may call; calls wait for the host. Failures have one-line
 * messages; {@link org.jkvm.base.backend.NoSpaceException} where the host's disk is full.
 */
public interface ImageFile extends AutoCloseable {
    /** Bytes in it now. */
    long size();

    /** Whether {@link #write} past the end finds zeroes between the old end and the new data. */
    boolean growsWithZeroes();

    /** Fills {@code target}; what lies past the end reads as zeroes. */
    void read(long offset, MemorySegment target) throws IOException;

    /** The same into pieces. */
    default void read(long offset, Pieces target) throws IOException {
        target.each(offset, this::read);
    }

    /** Fills {@code target} where that takes no waiting; false where it would, and {@code target} is undefined then. */
    default boolean readNow(long offset, Pieces target) {
        return false;
    }

    /** Writes all of {@code source}; a file becomes longer where need be. */
    void write(long offset, MemorySegment source) throws IOException;

    /** The same from pieces. */
    default void write(long offset, Pieces source) throws IOException {
        source.each(offset, this::write);
    }

    /**
     * Everything written before is on stable storage before anything written after, as far as the cache mode asks for
     * it: this is both the flush and the write barrier.
     */
    void flush() throws IOException;

    /** Makes the file {@code size} bytes long; new bytes read as zeroes. */
    void setSize(long size) throws IOException;

    /** Gives a range's storage back. Returns whether it now reads as zeroes. */
    boolean punch(long offset, long length) throws IOException;

    /** Makes a range read as zeroes, keeping its storage. Returns false where the host can't; nothing happened then. */
    boolean zero(long offset, long length) throws IOException;

    /** Takes the host's storage for a range, which stays as it is. Returns false where the host can't. */
    default boolean reserve(long offset, long length) throws IOException {
        return false;
    }

    /**
     * Has the host copy a part of another file. Returns false, perhaps having copied some of it, where it can't.
     */
    default boolean copy(long offset, Path file, long from, long length) throws IOException {
        return false;
    }

    /** Changes the passphrases where what is written is encrypted. */
    default void changeKeys(KeyChange change) throws IOException {
        throw new IOException("the image is not encrypted: it has no passphrases");
    }

    /** What its contents are encrypted with; empty where they are not. */
    default Optional<FormatInfo.Luks> encryption() {
        return Optional.empty();
    }

    /** Bytes of host storage that it takes, for {@code info}. */
    long allocated() throws IOException;

    /** The first offset from {@code offset} on that has data, {@link #size} where there is none; may be too low. */
    default long nextData(long offset) throws IOException {
        return Math.min(offset, size());
    }

    /** The first offset from {@code offset}, where data is, that has none; may be too high, {@link #size} at most. */
    default long nextHole(long offset) throws IOException {
        return size();
    }

    /** Whether a range reads as zeroes for want of data. False also where the host does not know. */
    default boolean isHole(long offset, long length) throws IOException {
        return nextData(offset) >= offset + length;
    }

    /** Closes the file and its locks; nothing is under way any more. */
    @Override
    void close();
}
