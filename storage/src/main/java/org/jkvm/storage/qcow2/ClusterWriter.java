package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jkvm.base.Bits;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.Layer;

/**
 * Changes the disk's contents. The caller holds a lock on the clusters: a shared one for {@link #writeInPlace}, an
 * exclusive one for all else.
 */
final class ClusterWriter implements DiskWriter {
    /** The most that is copied for one allocation. */
    private static final int PIECE = 2 << 20;

    private final ImageFile file;
    private final ImageFile data;
    private final Header header;
    private final long clusterSize;
    private final Metadata metadata;
    private final ClusterReader reader;
    private final Supplier<Optional<Layer>> backing;

    /** {@code data} is where clusters are that are not packed. */
    ClusterWriter(ImageFile file, ImageFile data, Header header, Metadata metadata, ClusterReader reader,
            Supplier<Optional<Layer>> backing) {
        this.file = file;
        this.data = data;
        this.header = header;
        this.clusterSize = header.clusterSize();
        this.metadata = metadata;
        this.reader = reader;
        this.backing = backing;
    }

    /** Writes where all clusters are there and may be overwritten; else writes nothing and returns false. */
    boolean writeInPlace(long offset, Pieces source) throws IOException {
        List<Extent> extents = new ArrayList<>();
        for (long done = 0; done < source.byteSize(); done += extents.getLast().length()) {
            Extent extent = reader.extent(offset + done, source.byteSize() - done);
            if (!extent.inPlace()) {
                return false;
            }
            extents.add(extent);
        }
        long done = 0;
        for (Extent extent : extents) {
            overwrite(extent, offset + done, source.slice(done, extent.length()));
            done += extent.length();
        }
        return true;
    }

    @Override
    public void write(long offset, Pieces source, Runnable placed) throws IOException {
        long done = 0;
        while (done < source.byteSize()) {
            Extent extent = reader.extent(offset + done, source.byteSize() - done);
            if (extent.inPlace()) {
                overwrite(extent, offset + done, source.slice(done, extent.length()));
                done += extent.length();
            } else {
                Runnable last = done + extent.length() == source.byteSize() ? placed : () -> { };
                done += writeNew(extent, offset + done, source.slice(done, extent.length()), last);
            }
        }
    }

    private void overwrite(Extent extent, long offset, Pieces source) throws IOException {
        long host = extent.host() + inCluster(offset);
        guard(host, source.byteSize());
        data.write(host, source);
    }

    private void guard(long host, long length) throws IOException {
        if (!header.hasDataFile()) {
            metadata.guard(host, length);
        }
    }

    /** Host clusters for an extent, or for its first part. */
    private record Place(long host, long count, boolean blank, boolean reused) {
        Runs.Run run(int clusterBits) {
            return new Runs.Run(host >>> clusterBits, count, true);
        }
    }

    /** Writes to new host clusters and links them. Returns how many bytes of {@code source} were written. */
    private long writeNew(Extent extent, long offset, Pieces source, Runnable placed) throws IOException {
        Place place = place(extent, offset);
        long length = Math.min(source.byteSize(), place.count() * clusterSize - inCluster(offset));
        if (length == source.byteSize()) {
            placed.run();
        }
        try {
            fill(extent, place, offset, source.slice(0, length));
        } catch (IOException e) {
            giveBack(place, e);
            throw e;
        }
        link(extent, place, offset);
        return length;
    }

    private Place place(Extent extent, long offset) throws IOException {
        long count = Math.min(clustersIn(offset, extent.length()), Math.max(1, PIECE / clusterSize));
        Place place = metadata.change((mapping, refcounts) -> {
            mapping.prepare(offset);
            if (extent.kind() == Extent.Kind.ZERO_ALLOCATED && extent.owned()) {
                return new Place(extent.host(), count, false, true);
            }
            long end = data.size();
            if (header.hasDataFile()) {
                long same = offset & -clusterSize;
                return new Place(same, count, same >= end && data.growsWithZeroes(), true);
            }
            Runs.Run run = refcounts.allocate(count);
            long host = run.first() << header.clusterBits();
            return new Place(host, run.count(), host >= end && data.growsWithZeroes(), false);
        });
        if (place.reused()) {
            guard(place.host(), place.count() * clusterSize);
        }
        return place;
    }

    @Override
    public void allocateAll(long from, long size, boolean write) throws IOException {
        long end = data.size();
        long at = from;
        while (at < size) {
            Extent extent = reader.extent(at, size - at);
            long length = extent.length();
            if (extent.kind() == Extent.Kind.UNALLOCATED) {
                Place place = place(extent, at);
                length = Math.min(length, place.count() * clusterSize);
                if (write || !place.blank()) {
                    Buffers.writeZeroes(data, place.host(), place.count() * clusterSize);
                }
                link(extent, place, at);
                end = Math.max(end, place.host() + place.count() * clusterSize);
            }
            at += length;
        }
        if (data.size() < end) {
            data.setSize(end);
        }
    }

    private void fill(Extent extent, Place place, long offset, Pieces source) throws IOException {
        long head = inCluster(offset);
        long whole = Bits.alignUp(head + source.byteSize(), clusterSize);
        if (whole == source.byteSize() || place.blank() && readsAsZero(extent)) {
            data.write(place.host() + head, source);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = Buffers.allocate(arena, whole);
            reader.read(offset - head, all.asSlice(0, head));
            reader.read(offset + source.byteSize(), all.asSlice(head + source.byteSize()));
            source.copyTo(all.asSlice(head));
            data.write(place.host(), all);
        }
    }

    private void giveBack(Place place, IOException cause) {
        try {
            metadata.change((mapping, refcounts) -> {
                if (!place.reused()) {
                    refcounts.release(place.run(header.clusterBits()));
                }
                return null;
            });
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    private void link(Extent extent, Place place, long offset) throws IOException {
        metadata.change((mapping, refcounts) -> {
            long count = Math.min(place.count(), clustersIn(offset, extent.length()));
            mapping.link(offset, place.host() | Extent.COPIED, clusterSize, count);
            if (!place.reused()) {
                mapping.free(extent, count);
            }
            return null;
        });
    }

    @Override
    public void discard(long from, long to) throws IOException {
        if (header.rawDataFile()) {
            zeroData(from, to, true);
            return;
        }
        if (header.version() < 3 && backing.get().isPresent()) {
            // Version 2 cannot say "zeroes": the backing file's contents would come into sight.
            return;
        }
        long at = from;
        while (at < to) {
            Extent extent = reader.extent(at, to - at);
            if (extent.kind() == Extent.Kind.ZERO_ALLOCATED || !readsAsZero(extent)) {
                unlink(extent, at, header.version() < 3 ? 0 : Extent.ZERO);
            }
            at += extent.length();
        }
    }

    @Override
    public void forget(long from, long to) throws IOException {
        long at = from;
        while (at < to) {
            Extent extent = reader.extent(at, to - at);
            if (extent.kind() != Extent.Kind.UNALLOCATED) {
                unlink(extent, at, 0);
            }
            at += extent.length();
        }
    }

    @Override
    public void writeCompressed(long offset, byte[] packed) throws IOException {
        Extent extent = reader.extent(offset, 1);
        long host = metadata.change((mapping, refcounts) -> {
            mapping.prepare(offset);
            return refcounts.allocateBytes(packed.length);
        });
        Compressed place = new Compressed(host, Bits.alignUp(host + packed.length, Compressed.SECTOR));
        try {
            file.write(host, MemorySegment.ofArray(packed));
        } catch (IOException e) {
            giveBack(new Place(host & -clusterSize, clustersIn(host, packed.length), false, false), e);
            throw e;
        }
        reader.forgetUnpacked();
        metadata.change((mapping, refcounts) -> {
            mapping.link(offset, place.entry(header.clusterBits()), 0, 1);
            mapping.free(extent, 1);
            return null;
        });
    }

    @Override
    public void writeZeroes(long from, long to, boolean mayUnmap, long size) throws IOException {
        if (header.rawDataFile()) {
            zeroData(from, to, mayUnmap);
            return;
        }
        long at = from;
        while (at < to) {
            Extent extent = reader.extent(at, to - at);
            long end = at + extent.length();
            long wholeFrom = Bits.alignUp(at, clusterSize);
            long wholeTo = end == size ? end : Bits.alignDown(end, clusterSize);
            if (readsAsZero(extent)) {
                at = end;
            } else if (wholeFrom != at) {
                at = writeZeroBytes(at, Math.min(end, wholeFrom));
            } else if (wholeTo <= at) {
                at = writeZeroBytes(at, end);
            } else {
                at = zeroClusters(at, wholeTo, mayUnmap);
            }
        }
    }

    /** Makes a range of a raw data file zeroes; what is not in the tables reads as zeroes as it is. */
    private void zeroData(long from, long to, boolean mayUnmap) throws IOException {
        if (from < to && !(mayUnmap && data.punch(from, to - from)) && !data.zero(from, to - from)) {
            Buffers.writeZeroes(data, from, to - from);
        }
    }

    private long writeZeroBytes(long from, long to) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            write(from, Pieces.of(Buffers.allocate(arena, to - from)));
        }
        return to;
    }

    /** Makes whole clusters read as zeroes; returns how far it got. */
    private long zeroClusters(long from, long to, boolean mayUnmap) throws IOException {
        Extent extent = reader.extent(from, to - from);
        if (header.version() < 3) {
            if (backing.get().isPresent() || !mayUnmap) {
                return writeZeroBytes(from, Math.min(from + extent.length(), from + PIECE));
            }
            unlink(extent, from, 0);
        } else if (extent.owned() && !mayUnmap) {
            keepAsZero(extent, from);
        } else {
            unlink(extent, from, Extent.ZERO);
        }
        return from + extent.length();
    }

    /** Has no cluster say that it reads as zeroes: those are unallocated, or stored where there is a backing file. */
    void expandZeroes(long size, boolean hasBacking) throws IOException {
        for (long at = 0; at < size; ) {
            Extent extent = reader.extent(at, Math.min(size - at, PIECE));
            boolean zero = extent.kind() == Extent.Kind.ZERO || extent.kind() == Extent.Kind.ZERO_ALLOCATED;
            if (zero && hasBacking) {
                writeZeroBytes(at, at + extent.length());
            } else if (zero) {
                unlink(extent, at, 0);
            }
            at += extent.length();
        }
    }

    /**
     * The same for the tables that a snapshot's L1 table refers to. They may belong to several snapshots, which then share the
     * zeroes' clusters too.
     */
    void expandZeroes(OverlappingTables l1, boolean hasBacking) throws IOException {
        LongSet done = new LongSet();
        l1.forEachEntry(file, (_, entry, _) -> {
            long l2Offset = entry & Extent.OFFSET;
            if (!done.contains(l2Offset)) {
                done.add(l2Offset);
                metadata.change((mapping, refcounts) -> {
                    expandZeroes(mapping, refcounts, l2Offset, hasBacking);
                    return null;
                });
            }
        });
    }

    private void expandZeroes(Mapping mapping, Refcounts refcounts, long l2Offset, boolean hasBacking) throws IOException {
        long owners = refcounts.get(l2Offset >>> header.clusterBits());
        if (owners > Header.MAX_SNAPSHOTS + 1) {
            throw new CorruptException("an L2 table counts as belonging to " + owners + " snapshots");
        }
        for (int index = 0; index < mapping.entriesOfTable(); index++) {
            long old = mapping.entryOf(l2Offset, index);
            if ((old & Extent.COMPRESSED) == 0 && (old & Extent.ZERO) != 0) {
                mapping.setEntryOf(l2Offset, index, hasBacking ? zeroes(refcounts, owners) : 0);
                for (long i = 0; i < owners && (old & Extent.OFFSET) != 0; i++) {
                    refcounts.freeLater((old & Extent.OFFSET) >>> header.clusterBits(), 1, true);
                }
            }
        }
    }

    /** The entry of a new cluster of zeroes that {@code owners} tables refer to. */
    private long zeroes(Refcounts refcounts, long owners) throws IOException {
        long cluster = refcounts.allocate(1).first();
        for (long i = 1; i < owners; i++) {
            refcounts.increment(cluster);
        }
        Buffers.writeZeroes(data, cluster << header.clusterBits(), clusterSize);
        return cluster << header.clusterBits() | (owners == 1 ? Extent.COPIED : 0);
    }

    private void unlink(Extent extent, long offset, long entry) throws IOException {
        metadata.change((mapping, refcounts) -> {
            mapping.prepare(offset);
            long count = clustersIn(offset, extent.length());
            mapping.link(offset, entry, 0, count);
            mapping.free(extent, count);
            return null;
        });
    }

    private void keepAsZero(Extent extent, long offset) throws IOException {
        metadata.change((mapping, refcounts) -> {
            mapping.prepare(offset);
            mapping.link(offset, extent.entry() | Extent.ZERO, clusterSize, clustersIn(offset, extent.length()));
            return null;
        });
    }

    private boolean readsAsZero(Extent extent) {
        return switch (extent.kind()) {
            case ZERO, ZERO_ALLOCATED -> true;
            case UNALLOCATED -> backing.get().isEmpty();
            case NORMAL, COMPRESSED -> false;
        };
    }

    private long inCluster(long offset) {
        return offset & clusterSize - 1;
    }

    private long clustersIn(long offset, long length) {
        return (inCluster(offset) + length - 1 >>> header.clusterBits()) + 1;
    }
}
