package org.jkvm.storage.raw;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import org.jkvm.base.Bits;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.KeyChange;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.Probe;

/**
 * The disk's bytes are the file's bytes. A length that is no multiple of 512 is rounded up: what is missing reads as
 * zeroes, and a write to it makes the file that much longer.
 */
public final class RawLayer implements Layer {
    private static final int SECTOR = 512;

    private final Path path;
    private final ImageFile file;
    private final boolean guessed;
    private final boolean unmap;
    private final String format;
    private volatile long size;

    /** A disk in {@code file}; {@code guessed} says that the format was not named but found out. */
    public RawLayer(Path path, ImageFile file, OpenOptions options, boolean guessed) {
        this(path, file, options, guessed, "raw");
    }

    /** The same, of a format that {@code file} takes care of. */
    public RawLayer(Path path, ImageFile file, OpenOptions options, boolean guessed, String format) {
        this.format = format;
        this.path = path;
        this.file = file;
        this.guessed = guessed;
        this.unmap = options.unmap();
        this.size = Bits.alignUp(file.size(), SECTOR);
    }

    @Override
    public String format() {
        return format;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void read(long offset, MemorySegment target) throws IOException {
        file.read(offset, target);
    }

    @Override
    public void read(long offset, Pieces target) throws IOException {
        file.read(offset, target);
    }

    @Override
    public boolean readNow(long offset, Pieces target) {
        return file.readNow(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source) throws IOException {
        write(offset, Pieces.of(source));
    }

    @Override
    public void write(long offset, Pieces source) throws IOException {
        if (guessed && offset < Probe.LENGTH && source.byteSize() > 0) {
            writeStart(offset, source);
        } else {
            file.write(offset, source);
        }
    }

    @Override
    public void write(long offset, Pieces source, Runnable placed) throws IOException {
        placed.run();
        write(offset, source);
    }

    @Override
    public void flush() throws IOException {
        file.flush();
    }

    @Override
    public void discard(long offset, long length) throws IOException {
        if (unmap && length > 0) {
            file.punch(offset, length);
        }
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
        if (length == 0 || mayUnmap && unmap && file.punch(offset, length) || file.zero(offset, length)) {
            return;
        }
        Buffers.writeZeroes(file, offset, length);
    }

    @Override
    public BlockStatus status(long offset, long length) throws IOException {
        long data = file.nextData(offset);
        // Holes that don't fill sectors are of no use to anybody who copies sectors.
        long end = data >= file.size() ? size : Math.max(offset, Bits.alignDown(data, SECTOR));
        if (end > offset) {
            return new BlockStatus(offset, Math.min(length, end - offset), 0, BlockStatus.Kind.ZERO, host(offset), path);
        }
        long hole = Math.min(size, Bits.alignUp(file.nextHole(data), SECTOR));
        return new BlockStatus(offset, Math.min(length, hole - offset), 0, BlockStatus.Kind.DATA, host(offset), path);
    }

    /** Where the bytes are as they are: nowhere in an encrypted file. */
    private long host(long offset) {
        return format.equals("raw") ? offset : BlockStatus.NO_OFFSET;
    }

    @Override
    public boolean writeCompressed(long offset, MemorySegment source) {
        return false;
    }

    @Override
    public void grow(long newSize) throws IOException {
        setSize(newSize);
    }

    @Override
    public void shrink(long newSize) throws IOException {
        setSize(newSize);
    }

    private void setSize(long newSize) throws IOException {
        if (format.equals("raw") && !file.growsWithZeroes()) {
            throw new IOException("'" + path + "' is no regular file: its size is the host's business");
        }
        file.setSize(newSize);
        size = newSize;
    }

    @Override
    public void preallocate(long from, CreateOptions.Preallocation how) throws IOException {
        switch (how) {
            case OFF -> { }
            case METADATA -> throw new IOException("raw has no metadata: preallocation=falloc or full is possible");
            case FALLOC -> {
                if (!file.reserve(from, size - from)) {
                    throw new IOException("the file system cannot reserve storage: preallocation=full is slower and works");
                }
            }
            case FULL -> Buffers.writeZeroes(file, from, size - from);
        }
    }

    @Override
    public void changeKeys(KeyChange change) throws IOException {
        file.changeKeys(change);
    }

    @Override
    public boolean copy(long offset, Path from, long start, long length) throws IOException {
        return host(0) == 0 && !guessed && file.copy(offset, from, start, length);
    }

    @Override
    public ImageInfo info() throws IOException {
        return ImageInfo.plain(path, format(), size, file.allocated(), file.encryption());
    }

    @Override
    public Optional<CheckResult> check() {
        return Optional.empty();
    }

    @Override
    public Optional<Layer> backing() {
        return Optional.empty();
    }

    @Override
    public void close() throws IOException {
        try (file) {
            file.flush();
        }
    }

    /**
     * A guest that writes a qcow2 header, say, with the host's /etc/shadow as backing file into a disk whose format is
     * guessed would read that file after its next start. What is written is what was looked at: the guest may change
     * its memory meanwhile.
     */
    private void writeStart(long offset, Pieces source) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment start = Buffers.allocate(arena, Probe.LENGTH);
            file.read(0, start);
            long length = Math.min(source.byteSize(), Probe.LENGTH - offset);
            source.slice(0, length).copyTo(start.asSlice(offset, length));
            refuseDisguise(start);
            file.write(offset, start.asSlice(offset, length));
            if (length < source.byteSize()) {
                file.write(offset + length, source.slice(length));
            }
        }
    }

    private void refuseDisguise(MemorySegment start) throws IOException {
        String format = Probe.guess(start);
        if (!format.equals("raw")) {
            throw new IOException("write to '" + path + "' refused: it would turn the disk into a " + format
                    + " image, and its format was guessed; name the format (format=raw) to allow it");
        }
    }
}
