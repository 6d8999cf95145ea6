package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.layer.ImageFile;

/**
 * Makes the reference counts of an image right that was not closed properly while they were kept lazily (the dirty bit,
 * qcow2.txt, bytes 72 to 79). The bit is cleared last: a crash in between only means another repair.
 */
final class Repair {
    private final ImageFile file;
    private final Header header;
    private final List<String> corruptions = new ArrayList<>();

    private Repair(ImageFile file, Header header) {
        this.file = file;
        this.header = header;
    }

    /**
     * Repairs the image.
     *
     * @throws IOException where more is wrong than counts: then nothing was changed but counts
     */
    static void run(ImageFile file, Header header) throws IOException {
        new Repair(file, header).run();
    }

    private void run() throws IOException {
        ReferenceCounts references = new ReferenceWalk(file, header, corruptions::add).walk();
        refuse(corruptions.size());
        HeaderFields fields = new HeaderFields(file);
        Refcounts refcounts = new Refcounts(file, header, fields, new LongSet());
        long end = Math.max(references.end(), Bits.alignUp(file.size(), header.clusterSize()) >>> header.clusterBits());
        raise(refcounts, references, end);
        lower(refcounts, references, end);
        refcounts.write();
        file.flush();
        finish(fields);
    }

    /** Counts that are too low: two owners of one cluster threaten. */
    private void raise(Refcounts refcounts, ReferenceCounts references, long end) throws IOException {
        references.forEach(cluster -> {
            if (refcounts.get(cluster) < references.get(cluster)) {
                refcounts.repair(cluster, references.get(cluster), end);
            }
        });
    }

    /** Counts that are too high: leaks. Clusters from {@code end} on are refcount blocks that {@link #raise} made. */
    private void lower(Refcounts refcounts, ReferenceCounts references, long end) throws IOException {
        int perBlock = refcounts.width().perBlock(header.clusterSize());
        for (int block = 0; block < refcounts.table().size(); block++) {
            long first = (long) block * perBlock;
            for (long c = first; refcounts.table().get(block) != 0 && c < Math.min(first + perBlock, end); c++) {
                if (refcounts.get(c) != references.get(c)) {
                    refcounts.repair(c, references.get(c), end);
                }
            }
        }
    }

    private void finish(HeaderFields fields) throws IOException {
        CheckResult result = new Checker(file, HeaderReader.read(file)).check();
        if (result.corruptions() > 0) {
            corruptions.addAll(result.messages());
        }
        refuse(result.corruptions());
        fields.write(Field.INCOMPATIBLE_FEATURES,
                fields.get(Field.INCOMPATIBLE_FEATURES) & ~Features.INCOMPATIBLE_DIRTY);
        file.flush();
    }

    private void refuse(long count) throws IOException {
        if (count > 0) {
            throw new IOException("the image was not closed properly and has " + count + " errors (first: "
                    + corruptions.getFirst() + "); open it read-only and copy it, or run qemu-img check -r all");
        }
    }
}
