package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
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
    private long lastBlock = -1;
    private long[] lastCounts;
    private final List<String> messages = new ArrayList<>();
    private long corruptions;
    private long leaks;
    private long lastCounted;

    Checker(ImageFile file, Header header) throws IOException {
        this.file = file;
        this.header = header;
        this.table = Buffers.allocate(header.clusterSize());
        this.entries = new long[header.clusterSize() / Long.BYTES];
        this.refcounts = new Refcounts(file, header, new HeaderFields(file), new LongSet());
        this.perBlock = refcounts.width().perBlock(header.clusterSize());
    }

    CheckResult check() throws IOException {
        ReferenceWalk walk = new ReferenceWalk(file, header, this::corruption);
        ReferenceCounts references = walk.walk();
        compareCounted(references);
        compareUncounted(references);
        copiedFlags();
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

    /** Clusters that some refcount block covers. */
    private void compareCounted(ReferenceCounts references) throws IOException {
        PointerTable blocks = refcounts.table();
        for (int block = 0; block < blocks.size(); block++) {
            if (usable(blocks.get(block))) {
                long first = (long) block * perBlock;
                long[] counts = refcounts.counts(block);
                for (int i = 0; i < perBlock; i++) {
                    compare(first + i, counts[i], references.get(first + i));
                }
                refcounts.trim();
            }
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
        long block = cluster / perBlock;
        return block < refcounts.table().size() && usable(refcounts.table().get(block));
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

    private void copiedFlags() throws IOException {
        for (long entry : PointerTable.read(file, header.l1Offset(), header.l1Size())) {
            long l2 = entry & Extent.OFFSET;
            if (usable(l2)) {
                copied(entry, l2, "L2 cluster");
                copiedInTable(l2);
            }
        }
    }

    private void copiedInTable(long l2) throws IOException {
        if (header.hasDataFile()) {
            return; // clusters of another file have no counts
        }
        file.read(l2, table);
        Be.getLongs(table, entries);
        for (int i = 0; i < entries.length; i += header.l2EntryBytes() / Long.BYTES) {
            long entry = entries[i];
            long host = entry & Extent.OFFSET;
            if ((entry & Extent.COMPRESSED) == 0 && usable(host)) {
                copied(entry, host, "data cluster");
            }
        }
        refcounts.trim();
    }

    /** The count of a cluster; neighbours are asked for one after another. */
    private long count(long cluster) throws IOException {
        long block = cluster / perBlock;
        if (block != lastBlock) {
            lastCounts = counted(cluster) ? refcounts.counts(block) : null;
            lastBlock = block;
        }
        return lastCounts == null ? 0 : lastCounts[(int) (cluster % perBlock)];
    }

    private void copied(long entry, long host, String what) throws IOException {
        long count = count(host >>> header.clusterBits());
        if (count == 1 != ((entry & Extent.COPIED) != 0)) {
            corruption("ERROR OFLAG_COPIED " + what + ": entry=0x" + Long.toHexString(entry) + " refcount=" + count);
        }
    }
}
