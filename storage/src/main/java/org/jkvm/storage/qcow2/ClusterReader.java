package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.Supplier;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.Layer;

/** Reads the disk's contents, whatever its clusters are. The caller holds a lock on the clusters. */
final class ClusterReader {
    /** The cluster that was unpacked last: reads smaller than a cluster come in rows. */
    private record Unpacked(long entry, byte[] data) {
    }

    private final ImageFile file;
    private final ImageFile data;
    private final Header header;
    private final Metadata metadata;
    private final Supplier<Optional<Layer>> backing;
    private volatile Unpacked last = new Unpacked(0, new byte[0]);

    /** {@code data} is where clusters are that are not packed. */
    ClusterReader(ImageFile file, ImageFile data, Header header, Metadata metadata, Supplier<Optional<Layer>> backing) {
        this.file = file;
        this.data = data;
        this.header = header;
        this.metadata = metadata;
        this.backing = backing;
    }

    void read(long offset, MemorySegment target) throws IOException {
        read(offset, Pieces.of(target));
    }

    void read(long offset, Pieces target) throws IOException {
        long done = 0;
        while (done < target.byteSize()) {
            Extent extent = extent(offset + done, target.byteSize() - done);
            read(extent, offset + done, target.slice(done, extent.length()));
            done += extent.length();
        }
    }

    Extent extent(long offset, long length) throws IOException {
        return metadata.look((mapping, refcounts) -> mapping.extent(offset, length));
    }

    private void read(Extent extent, long offset, Pieces target) throws IOException {
        long inCluster = offset & header.clusterSize() - 1;
        switch (extent.kind()) {
            case NORMAL -> data.read(extent.host() + inCluster, target);
            case ZERO, ZERO_ALLOCATED -> target.fill((byte) 0);
            case UNALLOCATED -> readBacking(offset, target);
            case COMPRESSED -> target.copyFrom(MemorySegment.ofArray(unpack(extent.entry())).asSlice(inCluster));
        }
    }

    private void readBacking(long offset, Pieces target) throws IOException {
        Layer below = backing.get().orElse(null);
        long there = below == null ? 0 : Math.clamp(below.size() - offset, 0, target.byteSize());
        if (there > 0) {
            below.read(offset, target.slice(0, there));
        }
        target.slice(there).fill((byte) 0);
    }

    /** A packed cluster is to be linked: what was known under its entry is of one that is gone. */
    void forgetUnpacked() {
        last = new Unpacked(0, new byte[0]);
    }

    private byte[] unpack(long entry) throws IOException {
        Unpacked known = last;
        if (known.entry() == entry) {
            return known.data();
        }
        Compressed place = Compressed.of(entry, header.clusterBits());
        if (place.offset() >= file.size()) {
            throw new CorruptException("compressed cluster at 0x" + Long.toHexString(place.offset())
                    + ", beyond the file's end");
        }
        byte[] packed = new byte[place.length()];
        file.read(place.offset(), MemorySegment.ofArray(packed));
        byte[] data = Compressed.unpack(packed, header.clusterSize(), header.compressionType());
        last = new Unpacked(entry, data);
        return data;
    }
}
