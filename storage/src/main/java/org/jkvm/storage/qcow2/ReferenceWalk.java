package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import org.jkvm.base.Bits;
import org.jkvm.storage.layer.ImageFile;

/**
 * Walks all metadata of an image and counts who refers to which host cluster. What refers outside the file or off a
 * cluster boundary is reported and not counted. L2 tables that several L1 entries share are read once and count that
 * many times.
 */
final class ReferenceWalk {
    private static final long CACHE_BYTES = 8 << 20;
    private static final long[] NOTHING = {};

    private final ImageFile file;
    private final Header header;
    private final ReferenceCounts counts = new ReferenceCounts();
    private final ReferenceCounts active = new ReferenceCounts();
    private final TableCache tables;
    private final EntryRuns runs;
    private final Consumer<String> corruption;
    private final int clusterBits;
    private final long fileClusters;
    private long allocated;
    private long compressed;
    private long fragmented;

    ReferenceWalk(ImageFile file, Header header, Consumer<String> corruption) {
        this.file = file;
        this.header = header;
        this.corruption = corruption;
        this.tables = new TableCache(file, header.clusterSize(), CACHE_BYTES);
        this.runs = new EntryRuns(header);
        this.clusterBits = header.clusterBits();
        this.fileClusters = Bits.alignUp(file.size(), header.clusterSize()) >>> clusterBits;
    }

    /** Counts everything. */
    ReferenceCounts walk() throws IOException {
        counts.add(0, 1);
        refcountStructures();
        ReferenceCounts inactive = new ReferenceCounts();
        activeTable();
        snapshots(inactive);
        active.forEach(c -> l2Table(c << clusterBits, ReferenceCounts.sum(active.get(c), inactive.get(c)), true));
        inactive.forEach(c -> {
            if (active.get(c) == 0) {
                l2Table(c << clusterBits, inactive.get(c), false);
            }
        });
        bitmaps();
        encryption();
        return counts;
    }

    /** The clusters that the active L1 table takes for L2 tables, whether they are in the file or not. */
    ReferenceCounts activeTables() {
        return active;
    }

    long allocated() {
        return allocated;
    }

    long compressed() {
        return compressed;
    }

    long fragmented() {
        return fragmented;
    }

    /** Counts references to the clusters from {@code offset}; returns false where they are no clusters of the file. */
    private boolean refer(long offset, long bytes, int times, String what) throws IOException {
        if (!inFile(offset, bytes, what)) {
            return false;
        }
        countClusters(offset, offset + Math.max(bytes, 1), times);
        return true;
    }

    private boolean inFile(long offset, long bytes, String what) {
        boolean inFile = offset > 0 && bytes >= 0 && offset + Math.max(bytes, 1) - 1 >>> clusterBits < fileClusters;
        if (!inFile) {
            corruption.accept("ERROR " + what + " at 0x" + Long.toHexString(offset) + " lies outside the file");
        }
        return inFile;
    }

    private void countClusters(long from, long to, int times) throws IOException {
        for (long c = from >>> clusterBits; c <= to - 1 >>> clusterBits; c++) {
            counts.add(c, times);
        }
    }

    private boolean aligned(long offset, String what) {
        boolean aligned = (offset & header.clusterSize() - 1) == 0;
        if (!aligned) {
            corruption.accept("ERROR " + what + " at 0x" + Long.toHexString(offset) + " is not at a cluster boundary");
        }
        return aligned;
    }

    private void refcountStructures() throws IOException {
        long bytes = (long) header.refcountTableClusters() << clusterBits;
        refer(header.refcountTableOffset(), bytes, 1, "refcount table");
        long[] table = PointerTable.read(file, header.refcountTableOffset(), (int) (bytes / Long.BYTES));
        LongSet seen = new LongSet();
        for (int i = 0; i < table.length; i++) {
            if (table[i] != 0) {
                refcountBlock("refcount block " + i, table[i], seen);
            }
        }
    }

    private void refcountBlock(String what, long offset, LongSet seen) throws IOException {
        if (aligned(offset, what) && refer(offset, header.clusterSize(), 1, what)) {
            if (seen.contains(offset)) {
                corruption.accept("ERROR " + what + " at 0x" + Long.toHexString(offset) + " is another block too");
            }
            seen.add(offset);
        }
    }

    private void activeTable() throws IOException {
        if (header.l1Size() > 0 && refer(header.l1Offset(), (long) header.l1Size() * Long.BYTES, 1, "active L1 table")) {
            OverlappingTables l1 = new OverlappingTables();
            l1.add(header.l1Offset(), (long) header.l1Size() * Long.BYTES);
            l2Tables(l1, active, "active L1 entry: L2 table");
        }
    }

    private void l2Tables(OverlappingTables l1, ReferenceCounts tables, String what) throws IOException {
        l1.forEachEntry(file, (_, entry, times) -> {
            long l2 = entry & Extent.OFFSET;
            if (l2 != 0 && aligned(l2, what)) {
                tables.add(l2 >>> clusterBits, times);
            }
        });
    }

    private void snapshots(ReferenceCounts tables) throws IOException {
        List<SnapshotTable.Snapshot> snapshots = SnapshotTable.read(file, header);
        if (!snapshots.isEmpty()) {
            refer(header.snapshotsOffset(), snapshots.getLast().entryEnd() - header.snapshotsOffset(), 1, "snapshot table");
        }
        OverlappingTables l1 = new OverlappingTables();
        OverlappingTables clusters = new OverlappingTables();
        for (SnapshotTable.Snapshot snapshot : snapshots) {
            long bytes = (long) snapshot.l1Size() * Long.BYTES;
            if (bytes > 0 && inFile(snapshot.l1Offset(), bytes, "snapshot L1 table")) {
                l1.add(snapshot.l1Offset(), bytes);
                clusters.add(snapshot.l1Offset(), Bits.alignUp(bytes, header.clusterSize()));
            }
        }
        clusters.forEachRange(this::countClusters);
        l2Tables(l1, tables, "snapshot L1 entry: L2 table");
    }

    private void l2Table(long offset, int times, boolean active) throws IOException {
        if (!refer(offset, header.clusterSize(), times, "L2 table")) {
            return;
        }
        long[] entries = entries(offset);
        long previous = 0;
        for (int i = 0; i < entries.length; ) {
            int run = runs.from(entries, i);
            if (entries[i] != 0) {
                data(entries[i], run, times);
                previous = active ? count(entries[i], run, previous) : 0;
            }
            i += run * runs.stride();
        }
    }

    /** The L2 table at {@code offset} of the file; nothing where there is a hole. */
    long[] entries(long offset) throws IOException {
        if (file.isHole(offset, header.clusterSize())) {
            return NOTHING;
        }
        tables.trim();
        return tables.get(offset).words();
    }

    /** Counts what a run of L2 entries refers to, of which {@code entry} is the first. */
    private void data(long entry, int run, int times) throws IOException {
        long first = (entry & Extent.OFFSET) >>> clusterBits;
        if (run > 1 && !header.hasDataFile() && (entry & header.clusterSize() - 1 & Extent.OFFSET) == 0
                && first + run <= fileClusters) {
            counts.add(first, run, times);
            return;
        }
        for (int i = 0; i < run; i++) {
            data(entry + ((long) i << clusterBits), times);
        }
    }

    /** Counts what an L2 entry refers to. */
    private void data(long entry, int times) throws IOException {
        if ((entry & Extent.COMPRESSED) != 0) {
            Compressed place = Compressed.of(entry, clusterBits);
            long end = Math.min(place.end(), fileClusters << clusterBits);
            refer(place.offset(), end - place.offset(), times, "compressed cluster");
            return;
        }
        long host = entry & Extent.OFFSET;
        if (header.hasDataFile()) {
            return;
        }
        if ((host & header.clusterSize() - 1) == 0 && host >>> clusterBits < fileClusters) {
            if (host != 0) {
                counts.add(host >>> clusterBits, times);
            }
        } else if (aligned(host, "data cluster")) {
            refer(host, header.clusterSize(), times, "data cluster");
        }
    }

    /** What a run of entries is for the totals; returns the last one's host cluster, {@code previous} where it has none. */
    private long count(long entry, int run, long previous) {
        if ((entry & Extent.COMPRESSED) != 0) {
            compressed++;
            // They have no place of their own: counted as fragments always.
            fragmented++;
            allocated++;
            return previous;
        }
        long host = entry & Extent.OFFSET;
        if (host == 0) {
            return previous;
        }
        allocated += run;
        if (previous != 0 && host != previous + header.clusterSize()) {
            fragmented++;
        }
        return host + (run - 1L << clusterBits);
    }

    private void encryption() throws IOException {
        if (header.encrypted()) {
            ByteBuffer place = ByteBuffer.wrap(header.encryption());
            if (aligned(place.getLong(0), "encryption header")) {
                refer(place.getLong(0), place.getLong(Long.BYTES), 1, "encryption header");
            }
        }
    }

    /** Persistent dirty bitmaps (qcow2.txt, "Bitmaps"): valid only while their autoclear bit is set. */
    private void bitmaps() throws IOException {
        try {
            BitmapEntry.Directory directory = BitmapEntry.Directory.of(header);
            if (directory != null && refer(directory.offset(), directory.size(), 1, "bitmap directory")) {
                for (BitmapEntry entry : BitmapEntry.read(file, directory)) {
                    bitmapTable(entry.tableOffset(), entry.tableSize());
                }
            }
        } catch (CorruptException e) {
            corruption.accept("ERROR " + e.getMessage());
        }
    }

    private void bitmapTable(long offset, int entries) throws IOException {
        if (entries == 0 || !refer(offset, (long) entries * Long.BYTES, 1, "bitmap table")) {
            return;
        }
        for (long entry : PointerTable.read(file, offset, entries)) {
            if ((entry & Extent.OFFSET) != 0 && aligned(entry & Extent.OFFSET, "bitmap cluster")) {
                refer(entry & Extent.OFFSET, header.clusterSize(), 1, "bitmap cluster");
            }
        }
    }
}
