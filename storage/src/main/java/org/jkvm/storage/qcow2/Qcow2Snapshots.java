package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Snapshots;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.RangeLocks;

/**
 * Makes, applies and removes internal snapshots (qcow2.txt, "Snapshots"). Each is one switch of the header between two
 * barriers; before it counts go up, after it they go down, and the COPIED flags follow. Between these steps counts and
 * flags may contradict each other, never so that data is lost; in version 3 the dirty bit makes the next opener put
 * them right after a crash.
 */
final class Qcow2Snapshots implements Snapshots {
    private static final int SECTOR = 512;
    /** Entries of L2 tables that are counted before the cache of reference counts is looked at. */
    private static final int ENTRIES_AT_ONCE = 64;

    private final ImageFile file;
    private final Header header;
    private final Metadata metadata;
    private final RangeLocks clusters;
    private final Disk disk;
    private final boolean readOnly;

    /** The disk, whose size and contents a snapshot may change. */
    interface Disk {
        /** Its bytes. */
        long size();

        /** Its contents are about to be others. */
        void prepareApply() throws IOException;

        /** They are, and {@code size} bytes. */
        void applied(long size) throws IOException;
    }

    /** For the image in {@code file}. */
    Qcow2Snapshots(ImageFile file, Header header, Metadata metadata, RangeLocks clusters, Disk disk, boolean readOnly) {
        this.file = file;
        this.header = header;
        this.metadata = metadata;
        this.clusters = clusters;
        this.disk = disk;
        this.readOnly = readOnly;
    }

    private List<SnapshotTable.Snapshot> read() throws IOException {
        return SnapshotTable.read(file, header, metadata.header(Field.SNAPSHOTS_OFFSET),
                metadata.header(Field.NB_SNAPSHOTS));
    }

    @Override
    public List<ImageInfo.Snapshot> list() throws IOException {
        return read().stream().map(SnapshotTable.Snapshot::info).toList();
    }

    private interface Work {
        void run() throws IOException;
    }

    /** Does {@code work} with everything stable before it, and nobody else at work. */
    private void alone(Work work) throws IOException {
        if (readOnly) {
            throw new IOException("the image is open read-only: its snapshots cannot be changed");
        }
        try (RangeLocks.Held _ = clusters.exclusive(0, Long.MAX_VALUE)) {
            metadata.markDirty(true);
            metadata.flush();
            file.flush();
            work.run();
            metadata.flush();
            metadata.markDirty(false);
        }
    }

    @Override
    public ImageInfo.Snapshot create(Label label) throws IOException {
        List<SnapshotTable.Snapshot> all = read();
        String id = newId(all);
        refuseShared(activeTable());
        // An entry that cannot be is refused before anything is changed.
        SnapshotTable.entry(id, label, 0, 0, 0);
        alone(() -> create(all, id, label));
        return list().getLast();
    }

    private static String newId(List<SnapshotTable.Snapshot> all) {
        long highest = all.stream().map(s -> s.info().id()).filter(i -> i.matches("[0-9]{1,9}")).mapToLong(Long::parseLong)
                .max().orElse(0);
        return Long.toString(highest + 1);
    }

    private void create(List<SnapshotTable.Snapshot> all, String id, Label label) throws IOException {
        long[] l1 = activeTable();
        raise(l1);
        try {
            long copy = writeL1(l1);
            List<byte[]> entries = entries(all);
            entries.add(SnapshotTable.entry(id, label, copy, l1.length, disk.size()));
            writeTable(entries, all);
        } catch (IOException e) {
            lower(l1, Long.MAX_VALUE);
            throw e;
        } finally {
            refreshCopied();
        }
    }

    private static List<byte[]> entries(List<SnapshotTable.Snapshot> snapshots) {
        return new ArrayList<>(snapshots.stream().map(SnapshotTable.Snapshot::entry).toList());
    }

    /** Writes a copy of an L1 table to a new place; flags have no meaning in it. */
    private long writeL1(long[] l1) throws IOException {
        long[] plain = Arrays.stream(l1).map(e -> e & ~Extent.COPIED).toArray();
        long offset = allocate((long) plain.length * Long.BYTES);
        if (plain.length > 0) {
            PointerTable.write(file, offset, plain);
        }
        return offset;
    }

    private long allocate(long bytes) throws IOException {
        return bytes == 0 ? 0 : metadata.change((mapping, refcounts) -> refcounts.allocateMetadata(clustersIn(bytes)));
    }

    private long clustersIn(long bytes) {
        return Bits.alignUp(bytes, header.clusterSize()) >>> header.clusterBits();
    }

    /** Writes a new snapshot table, lets the header point to it, and gives the old one back. */
    private void writeTable(List<byte[]> entries, List<SnapshotTable.Snapshot> old) throws IOException {
        byte[] table = SnapshotTable.table(entries);
        long offset = allocate(table.length);
        if (table.length > 0) {
            file.write(offset, MemorySegment.ofArray(table));
        }
        long oldOffset = metadata.header(Field.SNAPSHOTS_OFFSET);
        metadata.changeHeader(h -> h.writeSnapshots(entries.size(), offset));
        if (!old.isEmpty()) {
            metadata.free(oldOffset, old.getLast().entryEnd() - oldOffset);
        }
    }

    @Override
    public void apply(String idOrName) throws IOException {
        SnapshotTable.Snapshot snapshot = find(idOrName);
        long newSize = snapshot.diskSize() < 0 ? disk.size() : Bits.alignDown(snapshot.diskSize(), SECTOR);
        long entries = Math.max(snapshot.l1Size(), Header.l1EntriesFor(newSize, header.clusterBits(),
                header.extendedL2()));
        if (entries > Header.MAX_L1_BYTES / Long.BYTES) {
            throw new CorruptException("snapshot '" + snapshot.info().name() + "' is of a disk that is too large");
        }
        refuseShared(activeTable());
        refuseShared(table(snapshot));
        alone(() -> {
            disk.prepareApply();
            apply(snapshot, newSize, (int) entries);
            disk.applied(newSize);
        });
    }

    private void apply(SnapshotTable.Snapshot snapshot, long newSize, int entries) throws IOException {
        long[] old = activeTable();
        long oldOffset = metadata.look((mapping, refcounts) -> mapping.l1Offset());
        long[] l1 = table(snapshot);
        raise(l1);
        long copy;
        try {
            copy = writeL1(Arrays.copyOf(l1, entries));
        } catch (IOException e) {
            lower(l1, Long.MAX_VALUE);
            throw e;
        }
        metadata.changeHeader(h -> h.writeDisk(newSize, entries, copy));
        metadata.change((mapping, refcounts) -> {
            mapping.replace(copy, entries);
            return null;
        });
        lower(old, Long.MAX_VALUE);
        metadata.free(oldOffset, (long) old.length * Long.BYTES);
        refreshCopied();
    }

    @Override
    public void delete(String idOrName) throws IOException {
        SnapshotTable.Snapshot snapshot = find(idOrName);
        refuseShared(activeTable());
        refuseShared(table(snapshot));
        alone(() -> delete(snapshot));
    }

    private void delete(SnapshotTable.Snapshot snapshot) throws IOException {
        List<SnapshotTable.Snapshot> all = read();
        List<byte[]> rest = entries(all.stream().filter(s -> s.entryEnd() != snapshot.entryEnd()).toList());
        long[] l1 = table(snapshot);
        writeTable(rest, all);
        lower(l1, Long.MAX_VALUE);
        metadata.free(snapshot.l1Offset(), (long) snapshot.l1Size() * Long.BYTES);
        refreshCopied();
    }

    private long[] activeTable() throws IOException {
        return metadata.look((mapping, refcounts) -> mapping.l1Entries());
    }

    private long[] table(SnapshotTable.Snapshot snapshot) throws IOException {
        return PointerTable.read(file, snapshot.l1Offset(), snapshot.l1Size());
    }

    /** Only a hostile image has an L1 table that refers to an L2 table twice; it could make work without end. */
    private static void refuseShared(long[] l1) throws IOException {
        long[] tables = Arrays.stream(l1).map(e -> e & Extent.OFFSET).filter(t -> t != 0).sorted().toArray();
        for (int i = 1; i < tables.length; i++) {
            if (tables[i] == tables[i - 1]) {
                throw new IOException("two entries of an L1 table refer to the L2 table at 0x"
                        + Long.toHexString(tables[i]) + ": the image is corrupt");
            }
        }
    }

    private SnapshotTable.Snapshot find(String idOrName) throws IOException {
        List<SnapshotTable.Snapshot> all = read();
        ImageInfo.Snapshot found = Snapshots.find(all.stream().map(SnapshotTable.Snapshot::info).toList(), idOrName)
                .orElseThrow(() -> new IOException("there is no snapshot '" + idOrName + "'"));
        return all.stream().filter(s -> s.info() == found).findFirst().orElseThrow();
    }

    /** Counts are stable before flags are looked at: frees are done with. */
    private void refreshCopied() throws IOException {
        metadata.flush();
        int tables = metadata.look((mapping, refcounts) -> mapping.tables());
        for (int i = 0; i < tables; i++) {
            int index = i;
            metadata.change((mapping, refcounts) -> {
                mapping.refreshCopied(index);
                return null;
            });
        }
    }

    /** What is done for each reference that hangs off an L1 table, in an order that is always the same. */
    private interface Visitor {
        void visit(Refcounts refcounts, long first, long count, boolean data) throws IOException;
    }

    /** Counts one more reference to everything that {@code l1} reaches; where that fails nothing is changed. */
    private void raise(long[] l1) throws IOException {
        long[] done = new long[1];
        try {
            walk(l1, (refcounts, first, count, data) -> {
                for (long c = first; c < first + count; c++) {
                    refcounts.increment(c);
                    done[0]++;
                }
            });
        } catch (CorruptException e) {
            throw e;
        } catch (IOException e) {
            lower(l1, done[0]);
            metadata.flush();
            metadata.markDirty(false);
            throw e;
        }
    }

    /** Takes back the first {@code most} references to what {@code l1} reaches. */
    private void lower(long[] l1, long most) throws IOException {
        long[] left = {most};
        walk(l1, (refcounts, first, count, data) -> {
            long now = Math.min(count, left[0]);
            left[0] -= now;
            if (now > 0) {
                refcounts.freeLater(first, now, data);
            }
        });
    }

    private void walk(long[] l1, Visitor visitor) throws IOException {
        MemorySegment table = Buffers.allocate(header.clusterSize());
        for (long entry : l1) {
            long offset = entry & Extent.OFFSET;
            if (offset != 0) {
                walkTable(offset, table, visitor);
            }
        }
    }

    /** In pieces: a hostile table's entries may need a refcount block each, and the cache gives some up between changes. */
    private void walkTable(long offset, MemorySegment table, Visitor visitor) throws IOException {
        change(_ -> checkTable(offset));
        long piece = (long) ENTRIES_AT_ONCE * header.l2EntryBytes();
        if (!file.isHole(offset, header.clusterSize())) {
            file.read(offset, table);
            for (long at = 0; at < table.byteSize(); at += piece) {
                MemorySegment entries = table.asSlice(at, Math.min(piece, table.byteSize() - at));
                change(refcounts -> walkEntries(entries, refcounts, visitor));
            }
        }
        change(refcounts -> visitor.visit(refcounts, offset >>> header.clusterBits(), 1, false));
    }

    private void checkTable(long offset) throws CorruptException {
        if ((offset & header.clusterSize() - 1) != 0 || offset >= file.size()) {
            throw new CorruptException("an L2 table at 0x" + Long.toHexString(offset) + ", which is no cluster of the file");
        }
    }

    private interface Change {
        void make(Refcounts refcounts) throws IOException;
    }

    private void change(Change change) throws IOException {
        metadata.change((mapping, refcounts) -> {
            change.make(refcounts);
            return null;
        });
    }

    private void walkEntries(MemorySegment table, Refcounts refcounts, Visitor visitor) throws IOException {
        for (long at = 0; at < table.byteSize(); at += header.l2EntryBytes()) {
            long entry = Be.getLong(table, at);
            if ((entry & Extent.COMPRESSED) != 0) {
                Compressed place = Compressed.of(entry, header.clusterBits());
                long first = place.offset() >>> header.clusterBits();
                visitor.visit(refcounts, first, (place.end() - 1 >>> header.clusterBits()) - first + 1, true);
            } else if ((entry & Extent.OFFSET) != 0) {
                visitor.visit(refcounts, (entry & Extent.OFFSET) >>> header.clusterBits(), 1, true);
            }
        }
    }
}
