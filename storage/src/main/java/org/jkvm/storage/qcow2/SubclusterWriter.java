package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.Supplier;
import org.jkvm.base.Bits;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.Layer;

/** Changes disks whose clusters have subclusters: cluster by cluster, copying no more than subclusters. */
final class SubclusterWriter implements DiskWriter {
    private final ImageFile file;
    private final ImageFile data;
    private final Header header;
    private final long clusterSize;
    private final long subclusterSize;
    private final Metadata metadata;
    private final ClusterReader reader;
    private final Supplier<Optional<Layer>> backing;

    SubclusterWriter(ImageFile file, ImageFile data, Header header, Metadata metadata, ClusterReader reader,
            Supplier<Optional<Layer>> backing) {
        this.file = file;
        this.data = data;
        this.header = header;
        this.clusterSize = header.clusterSize();
        this.subclusterSize = clusterSize / Cell.SUBCLUSTERS;
        this.metadata = metadata;
        this.reader = reader;
        this.backing = backing;
    }

    /** A share of a request in one cluster. */
    private interface Piece {
        void run(long from, long to) throws IOException;
    }

    private void each(long from, long to, Piece piece) throws IOException {
        for (long at = from; at < to; ) {
            long end = Math.min(to, (at & -clusterSize) + clusterSize);
            piece.run(at, end);
            at = end;
        }
    }

    private Cell cell(long offset) throws IOException {
        return metadata.look((mapping, refcounts) -> mapping.cell(offset));
    }

    private void set(long offset, Cell cell, Cell freed) throws IOException {
        metadata.change((mapping, refcounts) -> {
            mapping.prepare(offset);
            mapping.set(offset, cell);
            if (freed != null) {
                mapping.free(freed);
            }
            return null;
        });
    }

    private int subcluster(long offset) {
        return (int) ((offset & clusterSize - 1) / subclusterSize);
    }

    /** Bits of the subclusters that {@code from} to {@code to}, in one cluster, touch. */
    private long touched(long from, long to) {
        return Cell.mask(subcluster(from), subcluster(to - 1) + 1);
    }

    @Override
    public void write(long offset, Pieces source, Runnable placed) throws IOException {
        each(offset, offset + source.byteSize(), (from, to) -> writePiece(from, source.slice(from - offset, to - from)));
    }

    private void writePiece(long offset, Pieces source) throws IOException {
        Cell cell = cell(offset);
        if (cell.owned()) {
            guard(cell.host());
            fill(cell.host(), offset, source, subclusterSize);
            set(offset, cell.allocated(cell.entry(), touched(offset, offset + source.byteSize())), null);
        } else {
            writeNew(cell, offset, source);
        }
    }

    private void guard(long host) throws IOException {
        if (!header.hasDataFile()) {
            metadata.guard(host, clusterSize);
        }
    }

    /** To a new host cluster; what was in one that is packed, or somebody else's too, is copied. */
    private void writeNew(Cell cell, long offset, Pieces source) throws IOException {
        boolean all = cell.compressed() || cell.hasHost();
        long host = allocate(offset);
        try {
            fill(host, offset, source, all ? clusterSize : subclusterSize);
        } catch (IOException e) {
            giveBack(host, e);
            throw e;
        }
        long mask = all ? Cell.ALL : touched(offset, offset + source.byteSize());
        set(offset, (all ? new Cell(0, 0) : cell).allocated(host | Extent.COPIED, mask), all ? cell : null);
    }

    private long allocate(long offset) throws IOException {
        return metadata.change((mapping, refcounts) -> {
            mapping.prepare(offset);
            return header.hasDataFile() ? offset & -clusterSize : refcounts.allocate(1).first() << header.clusterBits();
        });
    }

    private void giveBack(long host, IOException cause) {
        try {
            metadata.change((mapping, refcounts) -> {
                if (!header.hasDataFile()) {
                    refcounts.release(new Runs.Run(host >>> header.clusterBits(), 1, true));
                }
                return null;
            });
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    /** Writes {@code source} and what it leaves of units of {@code unit} bytes, as that is now. */
    private void fill(long host, long offset, Pieces source, long unit) throws IOException {
        long from = offset & -unit;
        long end = offset + source.byteSize();
        long to = Bits.alignUp(end, unit);
        if (from == offset && to == end) {
            data.write(host + (offset & clusterSize - 1), source);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment whole = Buffers.allocate(arena, to - from);
            reader.read(from, whole.asSlice(0, offset - from));
            reader.read(end, whole.asSlice(end - from));
            source.copyTo(whole.asSlice(offset - from));
            data.write(host + (from & clusterSize - 1), whole);
        }
    }

    @Override
    public void discard(long from, long to) throws IOException {
        if (header.rawDataFile()) {
            zeroData(from, to, true);
        } else {
            each(from, to, (at, end) -> zeroWhole(at, touched(at, end), true));
        }
    }

    private void zeroData(long from, long to, boolean mayUnmap) throws IOException {
        if (from < to && !(mayUnmap && data.punch(from, to - from)) && !data.zero(from, to - from)) {
            Buffers.writeZeroes(data, from, to - from);
        }
    }

    @Override
    public void writeZeroes(long from, long to, boolean mayUnmap, long size) throws IOException {
        if (header.rawDataFile()) {
            zeroData(from, to, mayUnmap);
        } else {
            each(from, to, (at, end) -> zero(at, end, mayUnmap, size));
        }
    }

    /** Whole subclusters by their bits, the rest by bytes. */
    private void zero(long from, long to, boolean mayUnmap, long size) throws IOException {
        long wholeFrom = Bits.alignUp(from, subclusterSize);
        long wholeTo = to == size ? to : to & -subclusterSize;
        if (wholeFrom >= wholeTo) {
            zeroBytes(from, to);
            return;
        }
        zeroBytes(from, wholeFrom);
        zeroWhole(wholeFrom, touched(wholeFrom, wholeTo), mayUnmap);
        zeroBytes(wholeTo, to);
    }

    private void zeroBytes(long from, long to) throws IOException {
        if (from < to) {
            try (Arena arena = Arena.ofConfined()) {
                write(from, Pieces.of(Buffers.allocate(arena, to - from)));
            }
        }
    }

    private void zeroWhole(long offset, long mask, boolean mayUnmap) throws IOException {
        Cell cell = cell(offset);
        if (cell.compressed() && mask != Cell.ALL) {
            int from = Long.numberOfTrailingZeros(mask);
            long start = (offset & -clusterSize) + from * subclusterSize;
            zeroBytes(start, start + Long.bitCount(mask) * subclusterSize);
            return;
        }
        long needed = mask & ~alreadyZero(cell);
        if (needed == 0) {
            return;
        }
        Cell zeroed = cell.zeroed(needed);
        boolean unlink = cell.compressed() || cell.hasHost() && mayUnmap && (zeroed.bitmap() & Cell.ALL) == 0;
        set(offset, unlink ? zeroed.without() : zeroed, unlink ? cell : null);
    }

    /** Bits of subclusters that read as zeroes. */
    private long alreadyZero(Cell cell) {
        long zero = 0;
        for (int i = 0; i < Cell.SUBCLUSTERS; i++) {
            Extent.Kind kind = cell.kind(i);
            boolean reads = kind == Extent.Kind.ZERO || kind == Extent.Kind.ZERO_ALLOCATED
                    || kind == Extent.Kind.UNALLOCATED && backing.get().isEmpty();
            zero |= reads ? 1L << i : 0;
        }
        return zero;
    }

    @Override
    public void forget(long from, long to) throws IOException {
        each(from, to, (at, end) -> {
            Cell cell = cell(at);
            if (cell.entry() != 0 || cell.bitmap() != 0) {
                set(at, new Cell(0, 0), cell);
            }
        });
    }

    @Override
    public void allocateAll(long from, long size, boolean write) throws IOException {
        each(from, size, (at, end) -> {
            if (!cell(at).hasHost()) {
                long before = data.size();
                long host = allocate(at);
                if (write || host < before || !data.growsWithZeroes()) {
                    Buffers.writeZeroes(data, host, clusterSize);
                }
                set(at, new Cell(host | Extent.COPIED, Cell.ALL), null);
                if (data.size() < host + clusterSize) {
                    data.setSize(host + clusterSize);
                }
            }
        });
    }

    @Override
    public void writeCompressed(long offset, byte[] packed) throws IOException {
        long host = metadata.change((mapping, refcounts) -> {
            mapping.prepare(offset);
            return refcounts.allocateBytes(packed.length);
        });
        Compressed place = new Compressed(host, Bits.alignUp(host + packed.length, Compressed.SECTOR));
        file.write(host, MemorySegment.ofArray(packed));
        reader.forgetUnpacked();
        set(offset, new Cell(place.entry(header.clusterBits()), 0), cell(offset));
    }
}
