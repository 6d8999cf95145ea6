package org.jkvm.storage.layer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.KeyChange;
import org.jkvm.storage.Snapshots;

/**
 * A disk of some format, by waiting calls: what stands behind an {@link org.jkvm.storage.Image}, and behind another
 * layer as its backing file. Any number of threads may call at once until {@link #close}. Offsets and lengths of any
 * alignment inside {@link #size()} are taken.
 */
public interface Layer extends AutoCloseable {
    /** The format's name as in {@code -drive format=}. */
    String format();

    /** Bytes in the disk. */
    long size();

    /** Fills {@code target} from {@code offset}. */
    void read(long offset, MemorySegment target) throws IOException;

    /** The same into pieces. */
    default void read(long offset, Pieces target) throws IOException {
        target.each(offset, this::read);
    }

    /** Fills {@code target} where that takes no waiting; false where it would, and {@code target} is undefined then. */
    default boolean readNow(long offset, Pieces target) {
        return false;
    }

    /** Writes {@code source} at {@code offset}. */
    void write(long offset, MemorySegment source) throws IOException;

    /** The same from pieces. */
    default void write(long offset, Pieces source) throws IOException {
        source.each(offset, this::write);
    }

    /**
     * The same; once it is settled where in its file it lies, what is written next lies behind it: {@code placed} is run
     * then, once or more often, or not at all where that is only known on return.
     */
    default void write(long offset, Pieces source, Runnable placed) throws IOException {
        write(offset, source);
    }

    /** Everything that completed before is on stable storage on return. */
    void flush() throws IOException;

    /** Gives up the contents of a range. */
    void discard(long offset, long length) throws IOException;

    /** Makes a range read as zeroes; {@code mayUnmap} allows its space to be given back. */
    void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException;

    /** What there is from {@code offset} on, for 1 to {@code length} bytes; {@code length} is at least 1. */
    BlockStatus status(long offset, long length) throws IOException;

    /**
     * Fills whole clusters with {@code source}, packed. Returns false, having written nothing, where the format has no
     * packed clusters, the range is not one cluster (or what the disk's end leaves of one), or packing does not pay.
     */
    boolean writeCompressed(long offset, MemorySegment source) throws IOException;

    /** Makes the disk {@code size} bytes long, less than now; what lay beyond is lost. */
    void shrink(long size) throws IOException;

    /** Makes the disk {@code size} bytes long, no less than now; new bytes read as zeroes. */
    void grow(long size) throws IOException;

    /** Takes storage, as zeroes, for what lies from {@code from} on and has none; {@code how} is not OFF. */
    default void preallocate(long from, CreateOptions.Preallocation how) throws IOException {
        throw new IOException("format " + format() + " takes storage when it is written to: only preallocation=off is"
                + " possible");
    }

    /** Changes an option of the format in the image; it is closed next. */
    default void amend(String name, String value) throws IOException {
        throw new IOException("option '" + name + "' of format " + format() + " cannot be changed");
    }

    /** Changes the passphrases of an encrypted image; it is closed next. */
    default void changeKeys(KeyChange change) throws IOException {
        throw new IOException("the image is not encrypted: it has no passphrases");
    }

    /**
     * Has the host copy {@code length} bytes at {@code from} of {@code file} to {@code offset}. Returns false, perhaps having
     * copied a part, where that is not possible.
     */
    default boolean copy(long offset, Path file, long from, long length) throws IOException {
        return false;
    }

    /** What the image's metadata says. */
    ImageInfo info() throws IOException;

    /** Examines the format's metadata; empty where the format has none to examine. */
    Optional<CheckResult> check() throws IOException;

    /** The snapshots inside the image; empty where it can have none. */
    default Optional<Snapshots> snapshots() {
        return Optional.empty();
    }

    /** The dirty bitmaps inside the image; empty where the format has none. */
    default Optional<Bitmaps> bitmaps() {
        return Optional.empty();
    }

    /** Writes another backing file's name, or null for none, into the image; {@link #backing} stays as it is. */
    default void nameBacking(String name, String backingFormat) throws IOException {
        throw new IOException("format " + format() + " has no backing files");
    }

    /** What reads come from where this layer has nothing of its own. */
    Optional<Layer> backing();

    /** What images that stand on this one know its contents by: another when they have changed. Empty: nothing is known. */
    default Optional<String> contentId() {
        return Optional.empty();
    }

    /** Reads come from {@code below} from now on. Nothing is under way meanwhile. */
    default void attach(Layer below) throws IOException {
        throw new IOException("format " + format() + " has no backing files");
    }

    /** Makes what a range has from below this layer's own; what it has itself stays as it is. */
    default void copyUp(long offset, long length) throws IOException {
        // Without layers below everything is this layer's own.
    }

    /** Gives up everything that this layer has itself: what is below shows. */
    default void empty() throws IOException {
        throw new IOException("format " + format() + " has no backing files");
    }

    /** Writes out what is cached and closes, the backing layers too. */
    @Override
    void close() throws IOException;
}
