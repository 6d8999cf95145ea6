package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jkvm.base.backend.BlockDevice;

/**
 * An open disk image. Requests are served by a few host threads of its own, on which they also complete; the caller
 * never waits. After {@link #close} requests fail; a request's completion must not call it, since it waits for that.
 * {@link #close} throws {@link org.jkvm.base.UserException} where the last writes fail.
 */
public interface Image extends BlockDevice {
    /** The file. */
    Path path();

    /** The format's name: {@code "raw"}, {@code "qcow2"}. */
    String format();

    /** What the user should be told, one line each; empty where all is well. */
    List<String> warnings();

    /** What the image says about itself. Waits for the host. */
    ImageInfo info() throws IOException;

    /** Examines the format's metadata; empty where the format has none to examine. Waits for the host. */
    Optional<CheckResult> check() throws IOException;

    /**
     * What there is from {@code offset} on, for 1 to {@code length} bytes: the contents need not be read to know where
     * they are. Waits for the host.
     *
     * @throws IOException where the range is empty or beyond the disk's end, or the host fails
     */
    BlockStatus status(long offset, long length) throws IOException;

    /**
     * Writes one cluster, as {@link ImageInfo#clusterSize} says, or what the disk's end leaves of one, packed; completes
     * with false, having written nothing, where the format can't or it would not pay.
     */
    CompletableFuture<Boolean> writeCompressed(long offset, MemorySegment source);

    /**
     * Makes the disk {@code size} bytes long: a multiple of 512, no more than now. What lay beyond is lost; after a crash
     * meanwhile some of it may be. Waits for the host.
     */
    void shrink(long size) throws IOException;

    /**
     * Writes another backing file's name into the image, or null for none, and its format or null. What is read through
     * this opened image stays as it is: the name is for the next opener. Waits for the host.
     *
     * @throws IOException where the image is read-only, the format has no backing files, or the name does not fit
     */
    void nameBacking(String name, String format) throws IOException;

    /** Makes what a range has from the backing file the image's own, so that it does not need that any more. */
    CompletableFuture<Void> copyUp(long offset, long length);

    /** Gives up everything that the image has itself, so that its backing file shows. Waits for the host. */
    void empty() throws IOException;

    /**
     * Opens the backing file again, for writing too or only for reading. Waits for the host; nobody may use the image
     * meanwhile.
     *
     * @return a view of the backing file that stays valid until the next such call; closing it does not close the file
     * @throws IOException where there is none or it can't be opened so; it is open then as before
     */
    Image reopenBacking(boolean writable) throws IOException;

    /** The snapshots inside the image; empty where the format, or this image of it, can have none. */
    Optional<Snapshots> snapshots();

    /** The dirty bitmaps inside the image; empty where the format has none. */
    Optional<Bitmaps> bitmaps();

    /** Makes the disk {@code size} bytes long: a multiple of 512, no less than now. Waits for the host. */
    void grow(long size) throws IOException;

    /**
     * Takes storage for what lies from {@code from} on and has none yet; it goes on reading as zeroes. Waits for the host.
     *
     * @throws IOException where the format, this image of it, or the host can't
     */
    void preallocate(long from, CreateOptions.Preallocation how) throws IOException;

    /**
     * Changes an option that {@link CreateOptions} knew when the image was made; the image is closed next. Waits for the
     * host.
     *
     * @throws IOException where the image is read-only or the option cannot be changed so
     */
    void amend(String name, String value) throws IOException;

    /** Changes the passphrases of an encrypted image, which is open for writing with one of them; it is closed next. */
    void changeKeys(KeyChange change) throws IOException;

    /**
     * Has the host copy {@code length} bytes that lie as {@code from} says, to {@code offset}; {@code from} has an offset.
     * Waits for the host. Returns false, perhaps having copied a part, where the host or the format can't.
     */
    boolean copyNow(long offset, BlockStatus from, long length) throws IOException;

    /** As {@link #read}, and waits: for tools, which bring threads of their own. */
    default void readNow(long offset, MemorySegment target) throws IOException {
        Requests.await(read(offset, target));
    }

    /** As {@link #write}, and waits. */
    default void writeNow(long offset, MemorySegment source) throws IOException {
        Requests.await(write(offset, source));
    }

    /**
     * The same; {@code placed} is run as soon as what is written next lies behind this in the file: once or more often, or
     * not at all where that is only known on return.
     */
    default void writeNow(long offset, MemorySegment source, Runnable placed) throws IOException {
        writeNow(offset, source);
    }

    /** As {@link #writeZeroes}, and waits. */
    default void writeZeroesNow(long offset, long length, boolean mayUnmap) throws IOException {
        Requests.await(writeZeroes(offset, length, mayUnmap));
    }

    /** As {@link #writeCompressed}, and waits. */
    default boolean writeCompressedNow(long offset, MemorySegment source) throws IOException {
        return Requests.await(writeCompressed(offset, source));
    }
}
