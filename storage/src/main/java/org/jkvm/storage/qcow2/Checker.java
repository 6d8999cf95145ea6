package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jkvm.storage.CheckResult;
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
    private final EntryRuns runs;
    private final RefcountWidth width;
    private final int perBlock;
    /** Clusters that are compared at once: one refcount block covers them, and one page of references. */
    private final int piece;
    /** The refcount blocks that count: they are clusters of the file with something in them, and no other block. */
    private final BitSet counting = new BitSet();
    private final List<String> messages = new ArrayList<>();
    private long corruptions;
    private long leaks;
    private long lastCounted;

    Checker(ImageFile file, Header header) throws IOException {
        this.file = file;
        this.header = header;
        this.runs = new EntryRuns(header);
        this.refcounts = new Refcounts(file, header, new HeaderFields(file), new Places());
        this.width = refcounts.width();
        this.perBlock = width.perBlock(header.clusterSize());
        this.piece = Math.min(perBlock, ReferenceCounts.PAGE);
    }

    CheckResult check() throws IOException {
        ReferenceWalk walk = new ReferenceWalk(file, header, this::corruption);
        ReferenceCounts references = walk.walk();
        findCounting();
        compareCounted(references);
        compareUncounted(references);
        copiedFlags(references);
        copiedFlags(walk, references);
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
        int used = blocks.used();
        for (int block = 0; block < used; block++) {
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
            long[] words = refcounts.words(block);
            for (int i = 0; i < perBlock; i += piece) {
                compareCounted((long) block * perBlock + i, words, i, references);
            }
            refcounts.trim();
        }
    }

    /** A piece from {@code first} on, whose counts are those from {@code index} on: most are counted alike throughout. */
    private void compareCounted(long first, long[] words, int index, ReferenceCounts references) {
        int common = references.common(first, piece);
        if (common == 0 && width.allAre(0, words, index, piece)) {
            return;
        }
        if (common > 0 && common <= width.max() && width.allAre(common, words, index, piece)) {
            references.setSingle(first, piece, common == 1);
            lastCounted = first + piece - 1;
            return;
        }
        for (int i = 0; i < piece; i++) {
            long count = width.get(words, index + i);
            compare(first + i, count, references.get(first + i));
            references.setSingle(first + i, count == 1);
        }
    }

    private boolean usable(long block) {
        return block > 0 && block < file.size() && (block & header.clusterSize() - 1) == 0;
    }

    private void compareUncounted(ReferenceCounts references) throws IOException {
        references.forEachPage(page -> {
            for (long first = page; first < page + ReferenceCounts.PAGE; first += piece) {
                if (!counted(first)) {
                    compareUncounted(first, references);
                }
            }
        });
    }

    private void compareUncounted(long first, ReferenceCounts references) {
        for (long cluster = first; cluster < first + piece; cluster++) {
            compare(cluster, 0, references.get(cluster));
        }
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

    private void copiedFlags(ReferenceWalk walk, ReferenceCounts references) throws IOException {
        if (header.hasDataFile()) {
            return; // clusters of another file have no counts
        }
        walk.activeTables().forEach(c -> {
            long l2 = c << header.clusterBits();
            if (usable(l2)) {
                copiedInTable(walk.entries(l2), references);
            }
        });
    }

    private void copiedInTable(long[] entries, ReferenceCounts references) throws IOException {
        for (int i = 0; i < entries.length; ) {
            int run = runs.from(entries, i);
            if (entries[i] != 0 && !copiedInRun(entries[i], run, references)) {
                copiedOneByOne(entries[i], run, references);
            }
            i += run * runs.stride();
        }
    }

    /** Whether the flags are right of a whole run of clusters, of which {@code entry} is the first's. */
    private boolean copiedInRun(long entry, int run, ReferenceCounts references) {
        long first = entry & Extent.OFFSET;
        return usable(first) && usable(first + (run - 1L << header.clusterBits()))
                && references.allSingle((entry & Extent.COPIED) != 0, first >>> header.clusterBits(), run);
    }

    private void copiedOneByOne(long entry, int run, ReferenceCounts references) throws IOException {
        for (int i = 0; i < run; i++) {
            long one = entry + ((long) i << header.clusterBits());
            if ((one & Extent.COMPRESSED) == 0 && usable(one & Extent.OFFSET)) {
                copied(one, references, "data cluster");
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
