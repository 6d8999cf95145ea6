package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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
    private final List<String> corruptions = new ArrayList<>();

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
        repair.refuse(repair.corruptions.size());
        repair.everything(references, true);
        CheckResult left = repair.check();
        repair.corruptions.addAll(left.messages());
        repair.refuse(left.corruptions());
        repair.mark(Features.INCOMPATIBLE_DIRTY, false);
    }

    /** Repairs what a check finds: leaks, or {@code all} that is wrong with counts and flags. */
    static RepairResult run(ImageFile file, Header header, boolean all) throws IOException {
        Repair repair = new Repair(file, header);
        CheckResult found = repair.check();
        if (found.clean() && !header.dirty() && !header.corrupt()) {
            return new RepairResult(found, found);
        }
        ReferenceCounts references = repair.walk();
        boolean sound = repair.corruptions.isEmpty();
        if (all) {
            repair.mark(Features.INCOMPATIBLE_DIRTY, true);
            repair.dropBadBlocks();
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
        return new ReferenceWalk(file, header, corruptions::add).walk();
    }

    private CheckResult check() throws IOException {
        return new Checker(file, HeaderReader.read(file)).check();
    }

    private Refcounts refcounts() throws IOException {
        return new Refcounts(file, HeaderReader.read(file), fields, new LongSet());
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
        flags(refcounts);
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
    private void flags(Refcounts refcounts) throws IOException {
        MemorySegment table = Buffers.allocate(header.clusterSize());
        long[] l1 = PointerTable.read(file, header.l1Offset(), header.l1Size());
        for (int i = 0; i < l1.length; i++) {
            long l2 = l1[i] & Extent.OFFSET;
            if (l2 != 0 && l2 < file.size() && (l2 & header.clusterSize() - 1) == 0) {
                long right = copied(refcounts, l1[i]);
                if (right != l1[i]) {
                    PointerTable.write(file, header.l1Offset() + (long) i * Long.BYTES, new long[] {right});
                }
                if (!header.hasDataFile()) {
                    flags(refcounts, l2, table);
                }
                refcounts.trim();
            }
        }
    }

    private void flags(Refcounts refcounts, long l2, MemorySegment table) throws IOException {
        file.read(l2, table);
        boolean changed = false;
        for (long at = 0; at < table.byteSize(); at += header.l2EntryBytes()) {
            long entry = Be.getLong(table, at);
            long right = (entry & Extent.COMPRESSED) != 0 ? entry : copied(refcounts, entry);
            Be.putLong(table, at, right);
            changed |= right != entry;
        }
        if (changed) {
            file.write(l2, table);
        }
    }

    private long copied(Refcounts refcounts, long entry) throws IOException {
        long host = entry & Extent.OFFSET;
        boolean one = host != 0 && refcounts.get(host >>> header.clusterBits()) == 1;
        return host == 0 ? entry : one ? entry | Extent.COPIED : entry & ~Extent.COPIED;
    }

    private void mark(long bits, boolean set) throws IOException {
        if (header.version() >= 3) {
            long others = fields.get(Field.INCOMPATIBLE_FEATURES) & ~bits;
            fields.write(Field.INCOMPATIBLE_FEATURES, set ? others | bits : others);
            file.flush();
        }
    }

    private void refuse(long count) throws IOException {
        if (count > 0) {
            throw new IOException("the image was not closed properly and has " + count + " errors (first: "
                    + corruptions.getFirst() + "); open it read-only and copy it, or run kvm-img check -r all");
        }
    }
}
