package org.jkvm.storage.qcow2;

import java.io.IOException;
import org.jkvm.storage.layer.ImageFile;

/**
 * Where the disk's clusters are: the active L1 table and its L2 tables (qcow2.txt, "Cluster mapping"). Guarded by
 * {@link Metadata}'s lock.
 */
final class Mapping {
    private static final long CACHE_BYTES = 32 << 20;
    /** Bits of an L1 entry that are neither offset nor flag. */
    private static final long L1_RESERVED = ~(Extent.OFFSET | Extent.COPIED);

    private final ImageFile file;
    private final HeaderFields header;
    private final int version;
    private final int clusterBits;
    private final int l2Bits;
    /** Words of an L2 entry. */
    private final int entryWords;
    private final boolean extended;
    private final boolean external;
    private final Refcounts refcounts;
    private final Places metadata;
    private final PointerTable l1;
    private final TableCache l2;

    Mapping(ImageFile file, Header h, HeaderFields header, Refcounts refcounts, Places metadata) throws IOException {
        this.file = file;
        this.header = header;
        this.version = h.version();
        this.clusterBits = h.clusterBits();
        this.entryWords = h.l2EntryBytes() / Long.BYTES;
        this.extended = h.extendedL2();
        this.external = h.hasDataFile();
        this.l2Bits = clusterBits - Integer.numberOfTrailingZeros(h.l2EntryBytes());
        this.refcounts = refcounts;
        this.metadata = metadata;
        this.l1 = new PointerTable(file, h.l1Offset(), h.l1Size());
        this.l2 = new TableCache(file, h.clusterSize(), CACHE_BYTES);
        register();
    }

    private void register() {
        long bytes = (long) l1.size() * Long.BYTES;
        long first = l1.offset() >>> clusterBits;
        metadata.add(first, first + (bytes + (1L << clusterBits) - 1 >>> clusterBits));
        for (int i = 0; i < l1.size(); i++) {
            register(l1.get(i) & Extent.OFFSET);
        }
    }

    /** Zero is no table. */
    private void register(long l2Offset) {
        if (l2Offset != 0) {
            metadata.add(l2Offset >>> clusterBits);
        }
    }

    private long l1Index(long offset) {
        return offset >>> clusterBits + l2Bits;
    }

    private int l2Index(long offset) {
        return (int) (offset >>> clusterBits & (1L << l2Bits) - 1);
    }

    /** What the disk has at {@code offset}, for at most {@code length} bytes. */
    Extent extent(long offset, long length) throws IOException {
        long l2Offset = l2Offset(l1Index(offset));
        if (l2Offset == 0) {
            long span = 1L << clusterBits + l2Bits;
            return new Extent(Extent.Kind.UNALLOCATED, 0, Math.min(length, span - (offset & span - 1)));
        }
        TableCache.Table table = l2.get(l2Offset);
        int index = l2Index(offset);
        if (extended) {
            return subclusters(table, index, offset, length);
        }
        long entry = entry(table, index);
        long inCluster = offset & (1L << clusterBits) - 1;
        long most = Math.min((1L << l2Bits) - index, (inCluster + length + (1L << clusterBits) - 1) >>> clusterBits);
        long clusters = similar(table, index, entry, (int) most);
        return new Extent(Extent.kindOf(entry), entry, Math.min(length, (clusters << clusterBits) - inCluster));
    }

    /** As {@link #extent}, to the end of one cluster at most, or of several that are all there in a row. */
    private Extent subclusters(TableCache.Table table, int index, long offset, long length) throws IOException {
        Cell cell = cell(table, index);
        long inCluster = offset & (1L << clusterBits) - 1;
        int unitBits = clusterBits - Integer.numberOfTrailingZeros(Cell.SUBCLUSTERS);
        int first = (int) (inCluster >>> unitBits);
        int end = first + 1;
        Extent.Kind kind = cell.kind(first);
        while (end < Cell.SUBCLUSTERS && cell.kind(end) == kind) {
            end++;
        }
        long covered = ((long) end << unitBits) - inCluster;
        for (int next = 1; end == Cell.SUBCLUSTERS && kind == Extent.Kind.NORMAL && covered < length
                && index + next < 1 << l2Bits; next++) {
            if (!cell(table, index + next).equals(new Cell(cell.entry() + ((long) next << clusterBits), Cell.ALL))) {
                break;
            }
            covered += 1L << clusterBits;
        }
        return new Extent(kind, cell.entry(), Math.min(length, covered));
    }

    private Cell cell(TableCache.Table table, int index) throws IOException {
        long entry = entry(table, index);
        long bitmap = table.get(index * entryWords + 1);
        if ((entry & Extent.COMPRESSED) == 0 && (bitmap & Cell.ALL & bitmap >>> Cell.SUBCLUSTERS) != 0) {
            throw new CorruptException("a subcluster is allocated and zero at once");
        }
        // The flag for zeroes of whole clusters has no meaning here.
        return new Cell((entry & Extent.COMPRESSED) == 0 ? entry & ~Extent.ZERO : entry, bitmap);
    }

    /** The extended L2 entry for {@code offset}. */
    Cell cell(long offset) throws IOException {
        long l2Offset = l2Offset(l1Index(offset));
        return l2Offset == 0 ? new Cell(0, 0) : cell(l2.get(l2Offset), l2Index(offset));
    }

    /** Sets the extended L2 entry for {@code offset}; {@link #prepare} came before. */
    void set(long offset, Cell cell) throws IOException {
        TableCache.Table table = l2.get(l2Offset(l1Index(offset)));
        int at = l2Index(offset) * entryWords;
        table.set(at, cell.entry());
        table.set(at + 1, cell.bitmap());
    }

    /** Gives up what a cell refers to, once the unlinking is stable. */
    void free(Cell cell) {
        Extent.Kind kind = cell.compressed() ? Extent.Kind.COMPRESSED
                : cell.hasHost() ? Extent.Kind.NORMAL : Extent.Kind.UNALLOCATED;
        free(new Extent(kind, cell.entry(), 0), 1);
    }

    private int similar(TableCache.Table table, int index, long first, int most) throws IOException {
        Extent.Kind kind = Extent.kindOf(first);
        if (kind == Extent.Kind.COMPRESSED) {
            return 1;
        }
        if (kind == Extent.Kind.NORMAL || kind == Extent.Kind.ZERO_ALLOCATED) {
            return inRow(table.words(), index, first, most);
        }
        int count = 1;
        while (count < most && Extent.kindOf(entry(table, index + count)) == kind) {
            count++;
        }
        return count;
    }

    /** How many clusters follow one another in the file as they do on the disk. */
    private int inRow(long[] words, int index, long first, int most) {
        int count = 1;
        while (count < most && words[(index + count) * entryWords] == first + ((long) count << clusterBits)) {
            count++;
        }
        return count;
    }

    private long entry(TableCache.Table table, int index) throws IOException {
        long entry = table.get(index * entryWords);
        if ((entry & Extent.COMPRESSED) == 0) {
            if ((entry & Extent.OFFSET & (1L << clusterBits) - 1) != 0) {
                throw new CorruptException("data cluster at 0x" + Long.toHexString(entry & Extent.OFFSET)
                        + ", which is no cluster boundary");
            }
            if (version == 2 && (entry & Extent.ZERO) != 0) {
                throw new CorruptException("zero cluster in a version 2 image");
            }
        }
        return !external && (entry & (Extent.OFFSET | Extent.COMPRESSED)) == 0 ? entry & ~Extent.COPIED : entry;
    }

    private long l2Offset(long l1Index) throws IOException {
        long entry = l1.get(l1Index);
        long offset = entry & Extent.OFFSET;
        if (offset == 0) {
            return 0;
        }
        if ((offset & (1L << clusterBits) - 1) != 0 || offset >= file.size() || (entry & L1_RESERVED) != 0) {
            throw new CorruptException("L1 entry " + l1Index + " is 0x" + Long.toHexString(entry)
                    + ", which points to no cluster of the file");
        }
        return offset;
    }

    /** Makes sure that the L2 table for {@code offset} exists and belongs to nobody else. */
    void prepare(long offset) throws IOException {
        long index = l1Index(offset);
        long old = l2Offset(index);
        if (old != 0 && (l1.get(index) & Extent.COPIED) != 0) {
            return;
        }
        TableCache.Table shared = old == 0 ? null : l2.get(old);
        TableCache.Table table = l2.fresh(refcounts.allocateMetadata(1));
        if (shared != null) {
            // Its data clusters were counted for both when the snapshot was made: their counts stay.
            table.copy(shared);
            l2.drop(old);
            refcounts.freeLater(old >>> clusterBits, 1, false);
        }
        l1.set(index, table.offset() | Extent.COPIED);
    }

    /** Sets the L2 entries of {@code count} clusters from {@code offset}; {@link #prepare} came before. */
    void link(long offset, long firstEntry, long step, long count) throws IOException {
        TableCache.Table table = l2.get(l2Offset(l1Index(offset)));
        int index = l2Index(offset);
        for (int i = 0; i < count; i++) {
            table.set((index + i) * entryWords, firstEntry + i * step);
        }
    }

    /** Entries of an L2 table, where they are no extended ones. */
    int entriesOfTable() {
        return 1 << l2Bits;
    }

    /** Entry {@code index} of the L2 table at {@code l2Offset}, whose L1 table may be a snapshot's. */
    long entryOf(long l2Offset, int index) throws IOException {
        if ((l2Offset & (1L << clusterBits) - 1) != 0 || l2Offset >= file.size()) {
            throw new CorruptException("an L2 table at 0x" + Long.toHexString(l2Offset) + ", which is no cluster of the file");
        }
        return entry(l2.get(l2Offset), index);
    }

    /** Sets it; {@link #entryOf} came before. */
    void setEntryOf(long l2Offset, int index, long entry) throws IOException {
        l2.get(l2Offset).set(index, entry);
    }

    /** Gives up the host clusters of {@code extent}, of {@code count} disk clusters, once the unlinking is stable. */
    void free(Extent extent, long count) {
        if (external) {
            return; // its place in the other file stays its own
        }
        if (extent.hasHost()) {
            refcounts.freeLater(extent.host() >>> clusterBits, count, true);
        } else if (extent.kind() == Extent.Kind.COMPRESSED) {
            Compressed place = Compressed.of(extent.entry(), clusterBits);
            long first = place.offset() >>> clusterBits;
            refcounts.freeLater(first, (place.end() - 1 >>> clusterBits) - first + 1, true);
        }
    }

    /** Makes the L1 table large enough for a disk of {@code size} bytes, in memory. */
    void grow(long size) throws IOException {
        long needed = Header.l1EntriesFor(size, clusterBits, extended);
        if (needed > Header.MAX_L1_BYTES / Long.BYTES) {
            throw new IOException("a disk of " + size + " bytes is too large for its cluster size");
        }
        if (needed <= l1.size()) {
            return;
        }
        int oldSize = l1.size();
        long oldFirst = l1.offset() >>> clusterBits;
        long offset = refcounts.allocateMetadata(clustersOf(needed));
        l1.resize((int) needed);
        l1.moveTo(offset);
        if (oldSize > 0) {
            refcounts.freeLater(oldFirst, clustersOf(oldSize), false);
        }
    }

    /** Entries of the L1 table. */
    int tables() {
        return l1.size();
    }

    /** The L1 table's entries as they are now. */
    long[] l1Entries() {
        return l1.copy();
    }

    long l1Offset() {
        return l1.offset();
    }

    /** Sets the COPIED flags of L1 entry {@code index} and of its table as the counts say; both only where they differ. */
    void refreshCopied(int index) throws IOException {
        long offset = l2Offset(index);
        if (offset == 0) {
            return;
        }
        TableCache.Table table = l2.get(offset);
        for (int at = 0; at < table.size(); at += entryWords) {
            long right = copied(table.get(at));
            if (right != table.get(at)) {
                table.set(at, right);
            }
        }
        long right = copied(l1.get(index));
        if (right != l1.get(index)) {
            l1.set(index, right);
        }
    }

    private long copied(long entry) throws IOException {
        long host = entry & Extent.OFFSET;
        if ((entry & Extent.COMPRESSED) != 0 || host == 0) {
            return entry;
        }
        return refcounts.get(host >>> clusterBits) == 1 ? entry | Extent.COPIED : entry & ~Extent.COPIED;
    }

    /** Takes over an L1 table that is in the file at {@code offset}, and to which the header already points. */
    void replace(long offset, int entries) throws IOException {
        l2.clear();
        l1.replace(offset, entries);
        register();
    }

    private long clustersOf(long entries) {
        return (entries * Long.BYTES - 1 >>> clusterBits) + 1;
    }

    boolean dirty() {
        return l1.dirty() || l2.dirty();
    }

    /** Writes L2 tables, then the L1 table that points to them, then the header that points to it. */
    void write() throws IOException {
        l2.write();
        if (l1.dirty()) {
            file.flush();
            l1.write();
        }
        if (l1.moved()) {
            file.flush();
            header.writeL1(l1.size(), l1.offset());
            l1.settled();
        }
    }

    boolean over() {
        return l2.over();
    }

    void trim() {
        l2.trim();
    }
}
