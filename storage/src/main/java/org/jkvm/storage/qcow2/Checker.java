package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/**
 * Compares the reference counts in an image with the references that there are, and the COPIED flags with the counts.
 * Nothing is written, and nobody else may write meanwhile.
 */
final class Checker {
    private static final int MAX_MESSAGES = 1000;

    private final ImageFile file;
    private final Header header;
    private final Refcounts refcounts;
    private final MemorySegment table;
    private final long[] entries;
    private final int perBlock;
    /** The refcount blocks that count: they are clusters of the file with something in them, and no other block. */
    private final BitSet counting = new BitSet();
    private final List<String> messages = new ArrayList<>();
    private long corruptions;
    private long leaks;
    private long lastCounted;

    Checker(ImageFile file, Header header) throws IOException {
        this.file = file;
        this.header = header;
        this.table = Buffers.allocate(header.clusterSize());
        this.entries = new long[header.clusterSize() / Long.BYTES];
        this.refcounts = new Refcounts(file, header, new HeaderFields(file), new Places());
        this.perBlock = refcounts.width().perBlock(header.clusterSize());
    }

    CheckResult check() throws IOException {
        ReferenceWalk walk = new ReferenceWalk(file, header, this::corruption);
        ReferenceCounts references = walk.walk();
        findCounting();
        compareCounted(references);
        compareUncounted(references);
        copiedFlags(references);
        copiedFlags(walk.activeTables(), references);
        long clusters = header.size() + header.clusterSize() - 1 >>> header.clusterBits();
        return new CheckResult(corruptions, leaks, 0, clusters, walk.allocated(), walk.fragmented(), walk.compressed(),
                Math.max(references.end(), lastCounted + 1) << header.clusterBits(), List.copyOf(messages));
    }

    private void corruption(String message) {
        corruptions++;
        note(message);
    }

    private void note(String message) {
        if (messages.size() < MAX_MESSAGES) {
            messages.add(message);
        }
    }

    private void findCounting() throws IOException {
        PointerTable blocks = refcounts.table();
        LongSet seen = new LongSet();
        for (int block = 0; block < blocks.size(); block++) {
            long offset = blocks.get(block);
            if (offset != 0 && usable(offset) && !seen.contains(offset)) {
                counting.set(block, !file.isHole(offset, header.clusterSize()));
                seen.add(offset);
            }
        }
    }

    /** Clusters that some refcount block covers. */
    private void compareCounted(ReferenceCounts references) throws IOException {
        for (int block = counting.nextSetBit(0); block >= 0; block = counting.nextSetBit(block + 1)) {
            long first = (long) block * perBlock;
            long[] counts = refcounts.counts(block);
            for (int i = 0; i < perBlock; i++) {
                compare(first + i, counts[i], references.get(first + i));
                references.setSingle(first + i, counts[i] == 1);
            }
            refcounts.trim();
        }
    }

    private boolean usable(long block) {
        return block > 0 && block < file.size() && (block & header.clusterSize() - 1) == 0;
    }

    private void compareUncounted(ReferenceCounts references) throws IOException {
        references.forEach(c -> {
            if (!counted(c)) {
                compare(c, 0, references.get(c));
            }
        });
    }

    /** Whether some refcount block covers {@code cluster}. */
    private boolean counted(long cluster) {
        return counting.get((int) Math.min(Integer.MAX_VALUE, cluster / perBlock));
    }

    private void compare(long cluster, long count, long references) {
        if (count != 0) {
            lastCounted = Math.max(lastCounted, cluster);
        }
        if (Long.compareUnsigned(count, references) > 0) {
            leaks++;
            note("Leaked cluster " + cluster + " refcount=" + Long.toUnsignedString(count) + " reference=" + references);
        } else if (count != references) {
            corruption("ERROR cluster " + cluster + " refcount=" + count + " reference=" + references);
        }
    }

    private void copiedFlags(ReferenceCounts references) throws IOException {
        for (long entry : PointerTable.read(file, header.l1Offset(), header.l1Size())) {
            if (usable(entry & Extent.OFFSET)) {
                copied(entry, references, "L2 cluster");
            }
        }
    }

    private void copiedFlags(ReferenceCounts tables, ReferenceCounts references) throws IOException {
        if (header.hasDataFile()) {
            return; // clusters of another file have no counts
        }
        tables.forEach(c -> {
            long l2 = c << header.clusterBits();
            if (usable(l2) && !file.isHole(l2, header.clusterSize())) {
                copiedInTable(l2, references);
            }
        });
    }

    private void copiedInTable(long l2, ReferenceCounts references) throws IOException {
        file.read(l2, table);
        Be.getLongs(table, entries);
        for (int i = 0; i < entries.length; i += header.l2EntryBytes() / Long.BYTES) {
            if (entries[i] != 0 && (entries[i] & Extent.COMPRESSED) == 0 && usable(entries[i] & Extent.OFFSET)) {
                copied(entries[i], references, "data cluster");
            }
        }
    }

    private void copied(long entry, ReferenceCounts references, String what) throws IOException {
        long cluster = (entry & Extent.OFFSET) >>> header.clusterBits();
        if (references.single(cluster) != ((entry & Extent.COPIED) != 0)) {
            corruptions++;
            if (messages.size() < MAX_MESSAGES) {
                long count = counted(cluster) ? refcounts.get(cluster) : 0;
                note("ERROR OFLAG_COPIED " + what + ": entry=0x" + Long.toHexString(entry) + " refcount=" + count);
                refcounts.trim();
            }
        }
    }
}
