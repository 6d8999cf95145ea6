package org.jkvm.storage.vmdk;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.Layer;

/** A disk whose parts lie in files of their own, one part after the other. */
final class JoinedLayer implements Layer {
    /**
     * A part: where it starts in the disk, how long it is, what it is (null is zeroes), whether it may be written, and what
     * there is to say about it (null for zeroes).
     */
    record Part(long start, long length, Layer layer, boolean writable, FormatInfo.Vmdk.Extent extent) {
    }

    private interface Piece {
        void run(Part part, long offset, long from, long length) throws IOException;
    }

    private final Path path;
    private final ImageFile file;
    private final Descriptor descriptor;
    private final List<Part> parts;
    private final AtomicBoolean changed = new AtomicBoolean();

    JoinedLayer(Path path, ImageFile file, Descriptor descriptor, List<Part> parts) {
        this.path = path;
        this.file = file;
        this.descriptor = descriptor;
        this.parts = List.copyOf(parts);
    }

    @Override
    public String format() {
        return "vmdk";
    }

    @Override
    public long size() {
        return parts.isEmpty() ? 0 : parts.getLast().start() + parts.getLast().length();
    }

    /** Runs {@code piece} for each part's share: the part, the offset in it, the offset from {@code offset}, the length. */
    private void each(long offset, long length, Piece piece) throws IOException {
        for (Part part : parts) {
            long from = Math.max(offset, part.start());
            long to = Math.min(offset + length, part.start() + part.length());
            if (from < to) {
                piece.run(part, from - part.start(), from - offset, to - from);
            }
        }
    }

    @Override
    public void read(long offset, MemorySegment target) throws IOException {
        each(offset, target.byteSize(), (part, at, from, length) -> {
            MemorySegment slice = target.asSlice(from, length);
            if (part.layer() == null) {
                slice.fill((byte) 0);
            } else {
                part.layer().read(at, slice);
            }
        });
    }

    private Layer writable(Part part) throws IOException {
        if (part.layer() == null) {
            throw new IOException("a part of the disk is zeroes and cannot be written");
        }
        if (!part.writable()) {
            throw new IOException("a part of the disk is read-only, its descriptor says");
        }
        if (changed.compareAndSet(false, true)) {
            descriptor.changeCid(file);
        }
        return part.layer();
    }

    @Override
    public void write(long offset, MemorySegment source) throws IOException {
        each(offset, source.byteSize(), (part, at, from, length) -> writable(part).write(at, source.asSlice(from, length)));
    }

    @Override
    public void flush() throws IOException {
        for (Part part : parts) {
            if (part.layer() != null) {
                part.layer().flush();
            }
        }
        if (changed.get()) {
            file.flush();
        }
    }

    @Override
    public void discard(long offset, long length) throws IOException {
        each(offset, length, (part, at, from, bytes) -> {
            if (part.layer() != null && part.writable()) {
                writable(part).discard(at, bytes);
            }
        });
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
        each(offset, length, (part, at, from, bytes) -> {
            if (part.layer() != null) {
                writable(part).writeZeroes(at, bytes, mayUnmap);
            }
        });
    }

    @Override
    public BlockStatus status(long offset, long length) throws IOException {
        for (Part part : parts) {
            if (offset < part.start() + part.length()) {
                return status(part, offset, Math.min(length, part.start() + part.length() - offset));
            }
        }
        throw new IOException("status beyond the disk's end");
    }

    private BlockStatus status(Part part, long offset, long length) throws IOException {
        if (part.layer() == null) {
            return new BlockStatus(offset, length, 0, BlockStatus.Kind.ZERO, BlockStatus.NO_OFFSET, path);
        }
        BlockStatus s = part.layer().status(offset - part.start(), length);
        return new BlockStatus(offset, s.length(), 0, s.kind(), s.offset(), s.file());
    }

    @Override
    public boolean writeCompressed(long offset, MemorySegment source) {
        return false;
    }

    @Override
    public void shrink(long size) throws IOException {
        throw new IOException("images of format vmdk keep their size; convert it into a smaller one");
    }

    @Override
    public void grow(long size) throws IOException {
        throw new IOException("images of format vmdk keep their size; convert it into a larger one");
    }

    @Override
    public ImageInfo info() throws IOException {
        long actual = file.allocated();
        long cluster = 0;
        for (Part part : parts) {
            ImageInfo info = part.layer() == null ? null : part.layer().info();
            actual += info == null ? 0 : info.actualSize();
            cluster = info == null ? cluster : Math.max(cluster, info.clusterSize());
        }
        FormatInfo specific = descriptor.info(parts.stream().map(Part::extent).filter(Objects::nonNull).toList());
        return new ImageInfo(path, format(), size(), actual, cluster, false, Optional.empty(), Optional.of(specific),
                List.of());
    }

    /** The sum of what the parts say. */
    @Override
    public Optional<CheckResult> check() throws IOException {
        CheckResult sum = null;
        for (Part part : parts) {
            CheckResult result = part.layer() == null ? null : part.layer().check().orElse(null);
            sum = sum == null ? result : result == null ? sum : sum.plus(result);
        }
        return Optional.ofNullable(sum);
    }

    @Override
    public Optional<String> contentId() {
        return Optional.of(descriptor.contentId());
    }

    @Override
    public Optional<Layer> backing() {
        return Optional.empty();
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (Part part : parts) {
            try {
                if (part.layer() != null) {
                    part.layer().close();
                }
            } catch (IOException e) {
                failure = e;
            }
        }
        file.close();
        if (failure != null) {
            throw failure;
        }
    }
}
