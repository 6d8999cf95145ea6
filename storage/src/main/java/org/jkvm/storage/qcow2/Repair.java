package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.Bits;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.RepairResult;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/**
 * Makes reference counts and COPIED flags of an image right: of one that was not closed properly (the dirty bit,
 * qcow2.txt, bytes 72 to 79) or of one that a user wants repaired. What the tables say about the disk's contents is
 * never changed. The dirty bit is cleared last: a crash in between only means another repair.
 */
final class Repair {
    private static final int FLUSH_EVERY = 1 << 16;

    private final ImageFile file;
    private final Header header;
    private final HeaderFields fields;
    private ReferenceWalk walk;
    private long corruptions;
    private String firstCorruption;

    private Repair(ImageFile file, Header header) throws IOException {
        this.file = file;
        this.header = header;
        this.fields = new HeaderFields(file);
    }

    /**
     * Repairs an image that was not closed properly.
     *
     * @throws IOException where more is wrong than counts and flags: then nothing was changed but these
     */
    static void run(ImageFile file, Header header) throws IOException {
        Repair repair = new Repair(file, header);
        ReferenceCounts references = repair.walk();
        repair.refuse();
        repair.everything(references, true);
        CheckResult left = repair.check();
        left.messages().stream().filter(m -> m.startsWith("ERROR")).findFirst().ifPresent(repair::corruption);
        repair.corruptions = left.corruptions();
        repair.refuse();
        repair.mark(Features.INCOMPATIBLE_DIRTY, false);
    }

    /** Repairs what a check finds: leaks, or {@code all} that is wrong with counts and flags. */
    static RepairResult run(ImageFile file, Header header, boolean all) throws IOException {
        Repair repair = new Repair(file, header);
        CheckResult found = repair.check();
        if (found.clean() && !header.dirty() && !header.corrupt()) {
            return new RepairResult(found, found);
        }
        if (all) {
            repair.mark(Features.INCOMPATIBLE_DIRTY, true);
            repair.dropBadBlocks();
        }
        ReferenceCounts references = repair.walk();
        boolean sound = repair.corruptions == 0;
        if (all) {
            repair.everything(references, sound);
        } else if (sound) {
            repair.lower(repair.refcounts(), references, repair.end(references));
            file.flush();
        }
        CheckResult left = repair.check();
        if (left.corruptions() == 0) {
            repair.mark(Features.INCOMPATIBLE_DIRTY | Features.INCOMPATIBLE_CORRUPT, false);
        }
        return new RepairResult(found, left);
    }

    private ReferenceCounts walk() throws IOException {
        walk = new ReferenceWalk(file, header, this::corruption);
        return walk.walk();
    }

    private void corruption(String message) {
        firstCorruption = corruptions == 0 ? message : firstCorruption;
        corruptions++;
    }

    private CheckResult check() throws IOException {
        return new Checker(file, HeaderReader.read(file)).check();
    }

    private Refcounts refcounts() throws IOException {
        return new Refcounts(file, HeaderReader.read(file), fields, new Places());
    }

    /** The number of a host cluster from which on there is nothing. */
    private long end(ReferenceCounts references) {
        return Math.max(references.end(), Bits.alignUp(file.size(), header.clusterSize()) >>> header.clusterBits());
    }

    /** Counts go down only where all references could be followed: {@code sound}. */
    private void everything(ReferenceCounts references, boolean sound) throws IOException {
        Refcounts refcounts = refcounts();
        long end = end(references);
        if (sound) {
            lower(refcounts, references, end);
        }
        raise(refcounts, references, end);
        references.forEach(cluster -> {
            references.setSingle(cluster, refcounts.get(cluster) == 1);
            if (refcounts.over()) {
                refcounts.trim();
            }
        });
        flags(references);
        file.flush();
    }

    /** Refcount table entries that cannot be: what they should have counted is counted anew. */
    private void dropBadBlocks() throws IOException {
        long[] table = PointerTable.read(file, header.refcountTableOffset(),
                (int) ((long) header.refcountTableClusters() << header.clusterBits() >>> 3));
        LongSet seen = new LongSet();
        for (int i = 0; i < table.length; i++) {
            long block = table[i];
            boolean bad = block < 0 || block >= file.size() || (block & header.clusterSize() - 1) != 0
                    || seen.contains(block);
            if (block != 0 && bad) {
                PointerTable.write(file, header.refcountTableOffset() + (long) i * Long.BYTES, new long[1]);
            }
            seen.add(block);
        }
        file.flush();
    }

    /** Counts that are too low: two owners of one cluster threaten. */
    private void raise(Refcounts refcounts, ReferenceCounts references, long end) throws IOException {
        long[] changed = new long[1];
        references.forEach(cluster -> {
            if (refcounts.get(cluster) < references.get(cluster)) {
                refcounts.repair(cluster, references.get(cluster), end);
                changed[0]++;
                if (changed[0] % FLUSH_EVERY == 0) {
                    write(refcounts);
                }
            }
            if (refcounts.over()) {
                write(refcounts);
            }
        });
        write(refcounts);
    }

    private void write(Refcounts refcounts) throws IOException {
        refcounts.write();
        refcounts.trim();
        file.flush();
    }

    /** Counts that are too high: leaks, wherever they are. Comes before {@link #raise}, which makes blocks of its own. */
    private void lower(Refcounts refcounts, ReferenceCounts references, long end) throws IOException {
        int perBlock = refcounts.width().perBlock(header.clusterSize());
        for (int block = 0; block < refcounts.table().size(); block++) {
            long first = (long) block * perBlock;
            for (long c = first; refcounts.table().get(block) != 0 && c < first + perBlock; c++) {
                if (refcounts.get(c) > references.get(c)) {
                    refcounts.repair(c, references.get(c), end);
                }
            }
            if (refcounts.over()) {
                write(refcounts);
            }
        }
        write(refcounts);
    }

    /** Sets the COPIED flags of the active tables as the counts say. */
    private void flags(ReferenceCounts references) throws IOException {
        long[] l1 = PointerTable.read(file, header.l1Offset(), header.l1Size());
        for (int i = 0; i < l1.length; i++) {
            long right = usable(l1[i] & Extent.OFFSET) ? copied(references, l1[i]) : l1[i];
            if (right != l1[i]) {
                PointerTable.write(file, header.l1Offset() + (long) i * Long.BYTES, new long[] {right});
            }
        }
        MemorySegment table = Buffers.allocate(header.clusterSize());
        walk.activeTables().forEach(c -> {
            if (usable(c << header.clusterBits()) && !header.hasDataFile()) {
                flags(references, c << header.clusterBits(), table);
            }
        });
    }

    private boolean usable(long l2) {
        return l2 > 0 && l2 < file.size() && (l2 & header.clusterSize() - 1) == 0;
    }

    private void flags(ReferenceCounts references, long l2, MemorySegment table) throws IOException {
        if (file.isHole(l2, header.clusterSize())) {
            return;
        }
        file.read(l2, table);
        boolean changed = false;
        for (long at = 0; at < table.byteSize(); at += header.l2EntryBytes()) {
            long entry = Be.getLong(table, at);
            long right = (entry & Extent.COMPRESSED) != 0 ? entry : copied(references, entry);
            Be.putLong(table, at, right);
            changed |= right != entry;
        }
        if (changed) {
            file.write(l2, table);
        }
    }

    private long copied(ReferenceCounts references, long entry) {
        long host = entry & Extent.OFFSET;
        boolean one = host != 0 && references.single(host >>> header.clusterBits());
        return host == 0 ? entry : one ? entry | Extent.COPIED : entry & ~Extent.COPIED;
    }

    private void mark(long bits, boolean set) throws IOException {
        if (header.version() >= 3) {
            long others = fields.get(Field.INCOMPATIBLE_FEATURES) & ~bits;
            fields.write(Field.INCOMPATIBLE_FEATURES, set ? others | bits : others);
            file.flush();
        }
    }

    private void refuse() throws IOException {
        if (corruptions > 0) {
            throw new IOException("the image was not closed properly and has " + corruptions + " errors (first: "
                    + firstCorruption + "); open it read-only and copy it, or run kvm-img check -r all");
        }
    }
}
