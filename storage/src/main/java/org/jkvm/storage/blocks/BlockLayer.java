package org.jkvm.storage.blocks;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.RangeLocks;

/**
 * A disk of blocks that a {@link BlockMap} finds. New blocks go to the file's end; tables that point to them are written
 * at a flush, after a barrier: a power cut leaks blocks at worst. Requests lock the blocks that they touch, shared to
 * read and to write in place, exclusive to change where blocks are.
 */
public final class BlockLayer implements Layer {
    private static final int MAX_MESSAGES = 1000;

    /**
     * What the disk is.
     *
     * @param path the image's file
     * @param format the format's name
     * @param size bytes of the disk
     * @param blockSize bytes of a block, at least 512, at most 256 MiB
     * @param allocates whether blocks can be absent: if not there is nothing to say about clusters
     * @param named the backing file as the image names it, or null
     * @param specific what only the format says, or null
     */
    public record Shape(Path path, String format, long size, int blockSize, boolean allocates, ImageInfo.Backing named,
            FormatInfo specific) {
        /** A disk of a format that says nothing more. */
        public Shape(Path path, String format, long size, int blockSize, boolean allocates, ImageInfo.Backing named) {
            this(path, format, size, blockSize, allocates, named, null);
        }
    }

    private final Shape shape;
    private final ImageFile file;
    private final BlockMap map;
    private final Layer backing;
    private final boolean readOnly;
    private final boolean unmap;
    private final ReentrantLock lock = new ReentrantLock();
    private final RangeLocks blocks = new RangeLocks();
    private boolean written;

    /** A disk in {@code file}, over {@code backing} or null. */
    public BlockLayer(Shape shape, ImageFile file, BlockMap map, Layer backing, OpenOptions options) {
        this.shape = shape;
        this.file = file;
        this.map = map;
        this.backing = backing;
        this.readOnly = options.readOnly();
        this.unmap = options.unmap();
    }

    /** A stretch of the disk of one kind. */
    private record Run(Place place, long length) {
    }

    @Override
    public String format() {
        return shape.format();
    }

    @Override
    public long size() {
        return shape.size();
    }

    private long block(long offset) {
        return offset / shape.blockSize();
    }

    private RangeLocks.Held shared(long offset, long length) {
        return blocks.shared(block(offset), block(offset + length - 1));
    }

    private RangeLocks.Held exclusive(long offset, long length) {
        return blocks.exclusive(block(offset), block(offset + length - 1));
    }

    private interface Action<T> {
        T run() throws IOException;
    }

    private <T> T locked(Action<T> action) throws IOException {
        lock.lock();
        try {
            return action.run();
        } finally {
            lock.unlock();
        }
    }

    private Run run(long offset, long length) throws IOException {
        return locked(() -> {
            long index = block(offset);
            long into = offset % shape.blockSize();
            Place first = map.find(index);
            Place last = first;
            long end = shape.blockSize() - into;
            while (end < length) {
                Place next = map.find(++index);
                if (!last.continuedBy(next, shape.blockSize())) {
                    break;
                }
                last = next;
                end += shape.blockSize();
            }
            return new Run(first.plus(into), Math.min(end, length));
        });
    }

    @Override
    public void read(long offset, MemorySegment target) throws IOException {
        if (target.byteSize() > 0) {
            try (RangeLocks.Held _ = shared(offset, target.byteSize())) {
                readRuns(offset, target);
            }
        }
    }

    private void readRuns(long offset, MemorySegment target) throws IOException {
        for (long done = 0; done < target.byteSize(); ) {
            Run run = run(offset + done, target.byteSize() - done);
            read(run, offset + done, target.asSlice(done, run.length()));
            done += run.length();
        }
    }

    private void read(Run run, long offset, MemorySegment target) throws IOException {
        switch (run.place().kind()) {
            case NONE -> readBacking(offset, target);
            case ZERO -> target.fill((byte) 0);
            case DATA -> file.read(run.place().offset(), target);
            case PACKED -> MemorySegment.copy(map.unpack(run.place(), shape.blockSize()), (int) (offset % shape.blockSize()),
                    target, ValueLayout.JAVA_BYTE, 0, (int) target.byteSize());
        }
    }

    private void readBacking(long offset, MemorySegment target) throws IOException {
        long there = backing == null ? 0 : Math.clamp(backing.size() - offset, 0, target.byteSize());
        if (there > 0) {
            backing.read(offset, target.asSlice(0, there));
        }
        target.asSlice(there).fill((byte) 0);
    }

    @Override
    public void write(long offset, MemorySegment source) throws IOException {
        if (source.byteSize() == 0) {
            return;
        }
        beforeChange();
        try (RangeLocks.Held _ = shared(offset, source.byteSize())) {
            if (writeInPlace(offset, source)) {
                return;
            }
        }
        try (RangeLocks.Held _ = exclusive(offset, source.byteSize())) {
            writeBlocks(offset, source);
        }
    }

    private void beforeChange() throws IOException {
        locked(() -> {
            if (!written) {
                map.firstWrite();
                written = true;
            }
            return null;
        });
    }

    private boolean writeInPlace(long offset, MemorySegment source) throws IOException {
        List<Run> runs = new ArrayList<>();
        for (long done = 0; done < source.byteSize(); done += runs.getLast().length()) {
            Run run = run(offset + done, source.byteSize() - done);
            if (run.place().kind() != Place.Kind.DATA) {
                return false;
            }
            runs.add(run);
        }
        locked(() -> {
            for (long index = block(offset); index <= block(offset + source.byteSize() - 1); index++) {
                map.beforeWrite(index);
            }
            return null;
        });
        long done = 0;
        for (Run run : runs) {
            file.write(run.place().offset(), source.asSlice(done, run.length()));
            done += run.length();
        }
        return true;
    }

    private void writeBlocks(long offset, MemorySegment source) throws IOException {
        for (long done = 0; done < source.byteSize(); ) {
            long at = offset + done;
            long length = Math.min(source.byteSize() - done, shape.blockSize() - at % shape.blockSize());
            writeBlock(at, source.asSlice(done, length));
            done += length;
        }
    }

    private void writeBlock(long offset, MemorySegment source) throws IOException {
        long index = block(offset);
        Place place = locked(() -> map.find(index));
        if (place.kind() == Place.Kind.DATA) {
            locked(() -> {
                map.beforeWrite(index);
                return null;
            });
            file.write(place.offset() + offset % shape.blockSize(), source);
        } else if (map.packsAll()) {
            byte[] whole = merged(offset, source);
            locked(() -> {
                map.append(index, whole);
                return null;
            });
        } else {
            writeNew(index, place, offset, source);
        }
    }

    private void writeNew(long index, Place old, long offset, MemorySegment source) throws IOException {
        long host = locked(() -> map.reserve(index));
        boolean zeroes = old.kind() == Place.Kind.ZERO || old.kind() == Place.Kind.NONE && backing == null;
        if (zeroes || source.byteSize() == shape.blockSize()) {
            file.write(host + offset % shape.blockSize(), source);
        } else {
            file.write(host, MemorySegment.ofArray(merged(offset, source)));
        }
        locked(() -> {
            map.link(index, host);
            return null;
        });
    }

    /** The whole block at {@code offset} as it is once {@code source} is written, zeroes past the disk's end. */
    private byte[] merged(long offset, MemorySegment source) throws IOException {
        byte[] block = new byte[shape.blockSize()];
        MemorySegment whole = MemorySegment.ofArray(block);
        long start = offset - offset % shape.blockSize();
        readRuns(start, whole.asSlice(0, Math.min(shape.blockSize(), shape.size() - start)));
        whole.asSlice(offset - start, source.byteSize()).copyFrom(source);
        return block;
    }

    @Override
    public void flush() throws IOException {
        if (readOnly) {
            return;
        }
        locked(() -> {
            if (map.dirty()) {
                file.flush();
                map.write();
            }
            return null;
        });
        file.flush();
    }

    @Override
    public void discard(long offset, long length) throws IOException {
        if (unmap && length > 0) {
            writeZeroes(offset, length, true);
        }
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
        if (length == 0) {
            return;
        }
        beforeChange();
        try (RangeLocks.Held _ = exclusive(offset, length)) {
            for (long done = 0; done < length; ) {
                Run run = run(offset + done, length - done);
                done += zero(run, offset + done, mayUnmap && unmap);
            }
        }
    }

    /** Zeroes a run, or its first part; returns how much. */
    private long zero(Run run, long offset, boolean punch) throws IOException {
        switch (run.place().kind()) {
            case ZERO -> { }
            case DATA -> zeroData(run, punch);
            case NONE -> {
                if (backing != null) {
                    return zeroBlock(offset, run.length());
                }
            }
            case PACKED -> {
                return zeroBlock(offset, run.length());
            }
        }
        return run.length();
    }

    private void zeroData(Run run, boolean punch) throws IOException {
        long at = run.place().offset();
        if (!(punch && file.punch(at, run.length())) && !file.zero(at, run.length())) {
            Buffers.writeZeroes(file, at, run.length());
        }
    }

    private long zeroBlock(long offset, long length) throws IOException {
        long most = Math.min(length, shape.blockSize() - offset % shape.blockSize());
        boolean whole = offset % shape.blockSize() == 0 && (most == shape.blockSize() || offset + most == shape.size());
        if (!whole || !locked(() -> map.linkZero(block(offset)))) {
            try (Arena arena = Arena.ofConfined()) {
                writeBlock(offset, Buffers.allocate(arena, most));
            }
        }
        return most;
    }

    @Override
    public BlockStatus status(long offset, long length) throws IOException {
        Run run = run(offset, length);
        return switch (run.place().kind()) {
            case NONE -> statusBelow(offset, run.length());
            case ZERO -> status(BlockStatus.Kind.ZERO, offset, run);
            case DATA -> statusOfData(offset, run);
            case PACKED -> status(BlockStatus.Kind.COMPRESSED, offset, run);
        };
    }

    private BlockStatus status(BlockStatus.Kind kind, long offset, Run run) {
        long host = run.place().kind() == Place.Kind.DATA ? run.place().offset() : BlockStatus.NO_OFFSET;
        return new BlockStatus(offset, run.length(), 0, kind, host, shape.path());
    }

    /** Holes of the file within blocks are known to be zeroes. */
    private BlockStatus statusOfData(long offset, Run run) throws IOException {
        long at = run.place().offset();
        long sectors = -512L;
        long data = Math.max(at, file.nextData(at) & sectors);
        if (data > at) {
            return status(BlockStatus.Kind.ZERO, offset, new Run(run.place(), Math.min(run.length(), data - at)));
        }
        long hole = Math.max(at + 512, file.nextHole(at) + 511 & sectors);
        return status(BlockStatus.Kind.DATA, offset, new Run(run.place(), Math.min(run.length(), hole - at)));
    }

    private BlockStatus statusBelow(long offset, long length) throws IOException {
        long there = backing == null ? 0 : backing.size() - offset;
        return there > 0 ? backing.status(offset, Math.min(there, length)).below()
                : status(BlockStatus.Kind.UNALLOCATED, offset, new Run(Place.NONE, length));
    }

    @Override
    public boolean writeCompressed(long offset, MemorySegment source) throws IOException {
        if (map.packsAll()) {
            write(offset, source);
        }
        return map.packsAll();
    }

    @Override
    public void shrink(long size) throws IOException {
        throw new IOException("images of format " + format() + " keep their size; convert it into a smaller one");
    }

    @Override
    public void grow(long size) throws IOException {
        throw new IOException("images of format " + format() + " keep their size; convert it into a larger one");
    }

    @Override
    public ImageInfo info() throws IOException {
        return new ImageInfo(shape.path(), format(), size(), file.allocated(), shape.allocates() ? shape.blockSize() : 0,
                false, Optional.ofNullable(shape.named()), Optional.ofNullable(shape.specific()), List.of());
    }

    @Override
    public Optional<CheckResult> check() throws IOException {
        if (!shape.allocates()) {
            return Optional.empty();
        }
        flush();
        return Optional.of(new BlockCheck(file, shape.size(), shape.blockSize(), MAX_MESSAGES).run(new BlockCheck.Finder() {
            @Override
            public Place find(long index) throws IOException {
                return locked(() -> map.find(index));
            }

            @Override
            public long missing(long index) throws IOException {
                return locked(() -> map.missing(index));
            }

            @Override
            public void refuseSharedTables(long blocks) throws IOException {
                locked(() -> {
                    map.refuseSharedTables(blocks);
                    return null;
                });
            }
        }));
    }

    @Override
    public Optional<String> contentId() {
        return map.contentId();
    }

    @Override
    public Optional<Layer> backing() {
        return Optional.ofNullable(backing);
    }

    @Override
    public void close() throws IOException {
        try (file; Layer _ = backing) {
            flush();
            if (written) {
                map.closing();
                file.flush();
            }
        }
    }
}
