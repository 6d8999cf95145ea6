package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.KeyChange;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.RepairResult;
import org.jkvm.storage.Snapshots;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.RangeLocks;

/**
 * A qcow2 image, version 2 or 3 (qcow2.txt, "The qcow2 image format"). Requests hold a lock on the clusters of the disk
 * that they touch: shared to read and to write in place, exclusive to change where clusters are. So host clusters stay
 * what they are while data moves, and data moves without {@link Metadata}'s lock.
 */
public final class Qcow2Layer implements Layer {
    private final Path path;
    private final ImageFile file;
    /** Where clusters are that are not packed: the same file, perhaps through a cipher, or another one. */
    private final ImageFile data;
    private final Header header;
    private final Metadata metadata;
    private final RangeLocks clusters = new RangeLocks();
    private final ClusterReader reader;
    private final ClusterWriter inPlace;
    private final DiskWriter writer;
    private final Qcow2Snapshots snapshots;
    private final Qcow2Bitmaps bitmaps;
    private final boolean readOnly;
    private final boolean unmap;
    private volatile long size;
    private volatile boolean packs;
    private volatile Layer backing;
    /** The header with the backing file as it is now. */
    private volatile Header named;

    private Qcow2Layer(Path path, ImageFile file, ImageFile data, Header header, OpenOptions options) throws IOException {
        this.path = path;
        this.file = file;
        this.data = data;
        this.header = header;
        this.readOnly = options.readOnly();
        this.unmap = options.unmap();
        this.metadata = new Metadata(file, data, header, options);
        this.size = header.size();
        this.named = header;
        this.reader = new ClusterReader(file, data, header, metadata, this::backing);
        this.inPlace = new ClusterWriter(file, data, header, metadata, reader, this::backing);
        this.writer = header.extendedL2() ? new SubclusterWriter(file, data, header, metadata, reader, this::backing)
                : inPlace;
        this.snapshots = new Qcow2Snapshots(file, header, metadata, clusters, new SnapshotsDisk(), readOnly);
        this.bitmaps = new Qcow2Bitmaps(file, header, metadata, this::size, readOnly);
        bitmaps.open();
    }

    /**
     * Opens the image in {@code file}. An image that was not closed properly is repaired first where it is to be written.
     *
     * @throws IOException with one line that says what is wrong with it
     */
    public static Qcow2Layer open(Path path, ImageFile file, OpenOptions options) throws IOException {
        return open(path, file, options, name -> {
            throw new UserException("an external data file '" + name + "' cannot be opened here");
        });
    }

    /** The same; {@code parts} opens the external data file, where there is one, by its name in the image. */
    public static Qcow2Layer open(Path path, ImageFile file, OpenOptions options, Function<String, ImageFile> parts)
            throws IOException {
        Header header = HeaderReader.read(file);
        if (!options.readOnly()) {
            if (header.corrupt()) {
                throw new IOException("the image is marked as corrupt: it can only be opened read-only");
            }
            header = prepareToWrite(file, header);
        }
        return new Qcow2Layer(path, file, DataFiles.open(file, header, options, parts), header, options);
    }

    /** Opens the image read-only with the contents that a snapshot inside it keeps. */
    public static Qcow2Layer openSnapshot(Path path, ImageFile file, OpenOptions options, Function<String, ImageFile> parts,
            String idOrName) throws IOException {
        Header header = HeaderReader.read(file);
        List<SnapshotTable.Snapshot> all = SnapshotTable.read(file, header);
        ImageInfo.Snapshot found = Snapshots.find(all.stream().map(SnapshotTable.Snapshot::info).toList(), idOrName)
                .orElseThrow(() -> new IOException("it has no snapshot '" + idOrName + "'"));
        Header then = all.stream().filter(s -> s.info().equals(found)).findFirst().map(header::ofSnapshot).orElseThrow();
        if (Header.l1EntriesFor(then.size(), then.clusterBits(), then.extendedL2()) > then.l1Size()) {
            throw new CorruptException("the L1 table of snapshot '" + idOrName + "' is too short");
        }
        return new Qcow2Layer(path, file, DataFiles.open(file, then, options, parts), then, options);
    }

    /** Repairs the image in {@code file}, which nobody has open: its leaks, or {@code all} that can be. */
    public static RepairResult repair(ImageFile file, boolean all) throws IOException {
        RepairResult result = Repair.run(file, HeaderReader.read(file), all);
        file.flush();
        return result;
    }

    private static Header prepareToWrite(ImageFile file, Header header) throws IOException {
        long known = Features.AUTOCLEAR_BITMAPS | (header.rawDataFile() ? Features.AUTOCLEAR_DATA_FILE_RAW : 0);
        if ((header.autoclear() & ~known) != 0) {
            // Whoever knows what these bits are about must see that it is stale (qcow2.txt, bytes 88 to 95).
            new HeaderFields(file).write(Field.AUTOCLEAR_FEATURES, header.autoclear() & known);
            file.flush();
        }
        if (header.dirty()) {
            Repair.run(file, header);
        }
        return HeaderReader.read(file);
    }

    /** To a dirty bitmap everything changes where a snapshot is applied. */
    private final class SnapshotsDisk implements Qcow2Snapshots.Disk {
        @Override
        public long size() {
            return size;
        }

        @Override
        public void prepareApply() throws IOException {
            bitmaps.prepareResize();
        }

        @Override
        public void applied(long newSize) throws IOException {
            size = newSize;
            bitmaps.resized(newSize);
            bitmaps.changed(0, newSize);
        }
    }

    /** Says what reads come from where this image has nothing; while no request is under way. */
    @Override
    public void attach(Layer below) {
        backing = below;
    }

    @Override
    public void copyUp(long offset, long length) throws IOException {
        if (length > 0) {
            try (RangeLocks.Held _ = clusters.exclusive(cluster(offset), cluster(offset + length - 1))) {
                new CopyUp(reader, writer).copy(offset, offset + length, size);
            }
        }
    }

    @Override
    public void empty() throws IOException {
        try (RangeLocks.Held _ = clusters.exclusive(0, Long.MAX_VALUE)) {
            writer.forget(0, size);
        }
    }

    /** The backing file as the header names it; empty where there is none. */
    public Optional<ImageInfo.Backing> backingName() {
        Header now = named;
        return Optional.ofNullable(now.backingName())
                .map(name -> new ImageInfo.Backing(name, BackingName.resolve(path, name), now.backingFormat()));
    }

    @Override
    public String format() {
        return "qcow2";
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void read(long offset, MemorySegment target) throws IOException {
        read(offset, Pieces.of(target));
    }

    @Override
    public void read(long offset, Pieces target) throws IOException {
        if (target.byteSize() > 0) {
            try (RangeLocks.Held _ = clusters.shared(cluster(offset), cluster(offset + target.byteSize() - 1))) {
                reader.read(offset, target);
            }
        }
    }

    @Override
    public void write(long offset, MemorySegment source) throws IOException {
        write(offset, Pieces.of(source));
    }

    @Override
    public void write(long offset, Pieces source) throws IOException {
        write(offset, source, () -> { });
    }

    @Override
    public void write(long offset, Pieces source, Runnable placed) throws IOException {
        if (source.byteSize() == 0) {
            return;
        }
        long first = cluster(offset);
        long last = cluster(offset + source.byteSize() - 1);
        bitmaps.changed(offset, source.byteSize());
        try (RangeLocks.Held _ = clusters.shared(first, last)) {
            if (inPlace.writeInPlace(offset, source)) {
                return;
            }
        }
        try (RangeLocks.Held _ = clusters.exclusive(first, last)) {
            writer.write(offset, source, placed);
        }
    }

    @Override
    public void flush() throws IOException {
        if (!readOnly) {
            if (data != file) {
                data.flush();
            }
            metadata.flush();
            file.flush();
        }
    }

    @Override
    public void discard(long offset, long length) throws IOException {
        // Part of a cluster cannot be given up; at the end of the disk the cluster is whole as far as it goes.
        long from = Bits.alignUp(offset, header.clusterSize());
        long to = offset + length == size ? offset + length : Bits.alignDown(offset + length, header.clusterSize());
        if (unmap && from < to) {
            bitmaps.changed(from, to - from);
            try (RangeLocks.Held _ = clusters.exclusive(cluster(from), cluster(to - 1))) {
                writer.discard(from, to);
            }
        }
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
        if (length > 0) {
            bitmaps.changed(offset, length);
            try (RangeLocks.Held _ = clusters.exclusive(cluster(offset), cluster(offset + length - 1))) {
                writer.writeZeroes(offset, offset + length, mayUnmap && unmap, size);
            }
        }
    }

    @Override
    public void grow(long newSize) throws IOException {
        long last = cluster(Math.max(newSize, 1) - 1);
        try (RangeLocks.Held _ = clusters.exclusive(0, last)) {
            long oldSize = size;
            bitmaps.prepareResize();
            metadata.change((mapping, refcounts) -> {
                mapping.grow(newSize);
                return null;
            });
            // What lies behind the old end in its last cluster, or in a longer backing file, must not come into sight.
            writer.writeZeroes(oldSize, hiddenEnd(newSize), true, newSize);
            metadata.setHeader(Field.SIZE, newSize);
            if (header.rawDataFile()) {
                data.setSize(newSize);
            }
            size = newSize;
            bitmaps.resized(newSize);
        }
    }

    @Override
    public BlockStatus status(long offset, long length) throws IOException {
        Extent extent = reader.extent(offset, length);
        long host = extent.hasHost() ? extent.host() + inCluster(offset) : BlockStatus.NO_OFFSET;
        return switch (extent.kind()) {
            case NORMAL -> statusOfData(offset, extent, host);
            case ZERO, ZERO_ALLOCATED -> status(BlockStatus.Kind.ZERO, offset, extent, host);
            case COMPRESSED -> status(BlockStatus.Kind.COMPRESSED, offset, extent, host);
            case UNALLOCATED -> statusBelow(offset, extent);
        };
    }

    private BlockStatus statusOfData(long offset, Extent extent, long host) {
        Path where = header.hasDataFile() ? path.resolveSibling(header.dataFileName()) : path;
        return new BlockStatus(offset, extent.length(), 0, BlockStatus.Kind.DATA, header.encrypted() ? BlockStatus.NO_OFFSET
                : host, where);
    }

    private BlockStatus status(BlockStatus.Kind kind, long offset, Extent extent, long host) {
        return new BlockStatus(offset, extent.length(), 0, kind, host, path);
    }

    private BlockStatus statusBelow(long offset, Extent extent) throws IOException {
        long there = backing == null ? 0 : backing.size() - offset;
        if (there <= 0) {
            BlockStatus nothing = status(BlockStatus.Kind.UNALLOCATED, offset, extent, BlockStatus.NO_OFFSET);
            // Opened without its backing file, which would know more.
            return backing == null && named.backingName() != null ? nothing.below() : nothing;
        }
        return backing.status(offset, Math.min(there, extent.length())).below();
    }

    @Override
    public boolean writeCompressed(long offset, MemorySegment source) throws IOException {
        long whole = Math.min(header.clusterSize(), size - offset);
        boolean can = !header.hasDataFile() && !header.encrypted();
        if (!can || (offset & header.clusterSize() - 1) != 0 || source.byteSize() != whole) {
            return false;
        }
        byte[] packed = Compressed.pack(source, header.clusterSize(), header.compressionType());
        if (packed.length >= header.clusterSize()) {
            return false;
        }
        try (RangeLocks.Held _ = clusters.exclusive(cluster(offset), cluster(offset))) {
            packs = true;
            bitmaps.changed(offset, whole);
            writer.writeCompressed(offset, packed);
        }
        return true;
    }

    @Override
    public void shrink(long newSize) throws IOException {
        try (RangeLocks.Held _ = clusters.exclusive(0, Long.MAX_VALUE)) {
            bitmaps.prepareResize();
            // First the contents, then the size: a larger disk again must not find them.
            writer.forget(Bits.alignUp(newSize, header.clusterSize()), size);
            metadata.setHeader(Field.SIZE, newSize);
            if (header.rawDataFile()) {
                data.setSize(newSize);
            }
            size = newSize;
            bitmaps.resized(newSize);
        }
    }

    @Override
    public void preallocate(long from, CreateOptions.Preallocation how) throws IOException {
        if (backing != null) {
            throw new IOException("preallocation and a backing file do not go together");
        }
        try (RangeLocks.Held _ = clusters.exclusive(0, Long.MAX_VALUE)) {
            writer.allocateAll(Bits.alignUp(from, header.clusterSize()), size, how == CreateOptions.Preallocation.FULL);
        }
        flush();
        if (how == CreateOptions.Preallocation.FALLOC && !data.reserve(0, data.size())) {
            throw new IOException("the file system cannot reserve storage: preallocation=full is slower and works");
        }
    }

    /** Cuts off what the last cluster of an image that was just made has behind its L1 table. */
    public void trimNew() throws IOException {
        long end = metadata.look((mapping, refcounts) -> mapping.l1Offset() + (long) mapping.tables() * Long.BYTES);
        if (file.growsWithZeroes() && Bits.alignUp(end, header.clusterSize()) == file.size()) {
            file.setSize(end);
        }
    }

    @Override
    public void amend(String name, String value) throws IOException {
        try (RangeLocks.Held _ = clusters.exclusive(0, Long.MAX_VALUE)) {
            if (name.equals("compat") && HeaderAmendment.version(value) < header.version()) {
                downgrade();
            }
            metadata.changeHeader(fields -> HeaderAmendment.make(file, HeaderReader.read(file), fields, name, value));
        }
    }

    /** Version 2 cannot say that a cluster reads as zeroes, neither of the disk nor of a snapshot, and has no bitmaps. */
    private void downgrade() throws IOException {
        Header now = HeaderReader.read(file);
        HeaderAmendment.refuseDowngrade(file, now, size);
        bitmaps.removeAll();
        boolean hasBacking = named.backingName() != null;
        inPlace.expandZeroes(size, hasBacking);
        flush();
        OverlappingTables l1 = new OverlappingTables();
        SnapshotTable.read(file, now).forEach(s -> l1.add(s.l1Offset(), (long) s.l1Size() * Long.BYTES));
        inPlace.expandZeroes(l1, hasBacking);
        flush();
    }

    @Override
    public void changeKeys(KeyChange change) throws IOException {
        data.changeKeys(change);
    }

    private long hiddenEnd(long newSize) {
        long end = Bits.alignUp(size, header.clusterSize());
        return Math.min(newSize, backing == null ? end : Math.max(end, backing.size()));
    }

    @Override
    public ImageInfo info() throws IOException {
        long incompatible = header.version() < 3 ? 0 : metadata.header(Field.INCOMPATIBLE_FEATURES);
        FormatInfo.Qcow2 specific = new FormatInfo.Qcow2(header.version() < 3 ? "0.10" : "1.1",
                header.compressionType() == Features.COMPRESSION_ZSTD ? "zstd" : "zlib", header.lazyRefcounts(),
                1 << header.refcountOrder(), (incompatible & Features.INCOMPATIBLE_CORRUPT) != 0, header.extendedL2(),
                header.hasDataFile() ? header.dataFileName() : null, header.rawDataFile(),
                data.encryption().orElse(null), bitmaps.list());
        return new ImageInfo(path, format(), size, file.allocated(), header.clusterSize(),
                (incompatible & Features.INCOMPATIBLE_DIRTY) != 0, backingName(), Optional.of(specific),
                snapshots.list());
    }

    @Override
    public Optional<CheckResult> check() throws IOException {
        try (RangeLocks.Held _ = clusters.exclusive(0, Long.MAX_VALUE)) {
            flush();
            return Optional.of(new Checker(file, HeaderReader.read(file)).check());
        }
    }

    @Override
    public Optional<Snapshots> snapshots() {
        return header.hasDataFile() ? Optional.empty() : Optional.of(snapshots);
    }

    @Override
    public Optional<Bitmaps> bitmaps() {
        return Optional.of(bitmaps);
    }

    @Override
    public void nameBacking(String name, String format) throws IOException {
        if (name != null) {
            BackingName.resolve(path, name);
        }
        try (RangeLocks.Held _ = clusters.exclusive(0, Long.MAX_VALUE)) {
            metadata.changeHeader(h -> h.writeCluster(
                    HeaderCluster.cluster(HeaderReader.read(file), h.start(header.headerLength()), name, format)));
            named = HeaderReader.read(file);
        }
    }

    private long inCluster(long offset) {
        return offset & header.clusterSize() - 1;
    }

    @Override
    public Optional<Layer> backing() {
        return Optional.ofNullable(backing);
    }

    @Override
    public void close() throws IOException {
        try (file; ImageFile _ = header.hasDataFile() ? data : null; Layer _ = backing) {
            if (!metadata.broken()) {
                fillLastSector();
                flush();
                storeBitmaps();
            }
        }
    }

    /** After everything else: where there is no room for them they are left marked as of no use. */
    private void storeBitmaps() throws IOException {
        if (!readOnly) {
            bitmaps.store();
            flush();
        }
    }

    /** A packed cluster may end within a sector; its readers take whole sectors. */
    private void fillLastSector() throws IOException {
        int over = (int) (file.size() % Compressed.SECTOR);
        if (packs && over != 0) {
            file.write(file.size(), Buffers.zeroes().asSlice(0, Compressed.SECTOR - over));
        }
    }

    private long cluster(long offset) {
        return offset >>> header.clusterBits();
    }
}
