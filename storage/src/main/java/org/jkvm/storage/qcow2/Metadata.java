package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.layer.ImageFile;

/**
 * The metadata of an open image, one lock around it, and the order in which it reaches the disk:
 *
 * <pre>
 * data, refcounts going up -> [refcount table -> header] -> L2 tables -> [L1 table -> header] -> refcounts going down
 * </pre>
 *
 * Each arrow is a write barrier. Whenever the power goes, what a table points to is there and is counted; at worst
 * something is counted that nothing points to.
 */
final class Metadata {
    /** When so many runs of clusters wait to be freed, that is done first. */
    private static final int MAX_WAITING = 1 << 14;

    private final ReentrantLock lock = new ReentrantLock();
    private final ImageFile file;
    /** Where guest data is. */
    private final ImageFile data;
    private final boolean unmap;
    private final HeaderFields header;
    private final Places places = new Places();
    private final Refcounts refcounts;
    private final Mapping mapping;
    private final int clusterBits;
    private final boolean markable;
    private volatile IOException broken;

    Metadata(ImageFile file, ImageFile data, Header h, OpenOptions options) throws IOException {
        this.file = file;
        this.data = data;
        this.unmap = options.unmap();
        this.clusterBits = h.clusterBits();
        this.markable = h.version() >= 3;
        this.header = new HeaderFields(file);
        this.refcounts = new Refcounts(file, h, header, places);
        this.mapping = new Mapping(file, h, header, refcounts, places);
        if (!options.readOnly()) {
            registerSnapshots(h);
        }
        if (h.encrypted()) {
            ByteBuffer place = ByteBuffer.wrap(h.encryption());
            register(place.getLong(0), Math.min(place.getLong(Long.BYTES), file.size()));
        }
    }

    private void registerSnapshots(Header h) throws IOException {
        long start = h.snapshotsOffset();
        for (SnapshotTable.Snapshot snapshot : SnapshotTable.read(file, h)) {
            register(start, snapshot.entryEnd() - start);
            register(snapshot.l1Offset(), (long) snapshot.l1Size() * Long.BYTES);
            start = snapshot.entryEnd();
        }
    }

    /** Keeps guest data away from a range of the file: metadata that is not found from the tables lies there. */
    void protect(long offset, long length) throws IOException {
        look((m, r) -> {
            register(offset, length);
            return null;
        });
    }

    /** Gives back a range of whole clusters of metadata, which nothing refers to once what is changed now is stable. */
    void free(long offset, long length) throws IOException {
        if (length > 0) {
            change((m, r) -> {
                r.freeLater(offset >>> clusterBits, (length - 1 >>> clusterBits) + 1, false);
                return null;
            });
        }
    }

    private void register(long offset, long length) {
        if (length > 0) {
            places.add(offset >>> clusterBits, (offset + length - 1 >>> clusterBits) + 1);
        }
    }

    /** Something done to the metadata. */
    interface Action<T> {
        T run(Mapping mapping, Refcounts refcounts) throws IOException;
    }

    /** Looks something up. */
    <T> T look(Action<T> action) throws IOException {
        lock.lock();
        try {
            trim();
            return action.run(mapping, refcounts);
        } finally {
            lock.unlock();
        }
    }

    /** Changes something. After the first contradiction found in the image every change is refused. */
    <T> T change(Action<T> action) throws IOException {
        lock.lock();
        try {
            refuseIfBroken();
            trim();
            return action.run(mapping, refcounts);
        } catch (CorruptException e) {
            markCorrupt(e);
            throw e;
        } finally {
            lock.unlock();
        }
    }

    /** Brings the metadata to the disk, in order; the last writes may still need a barrier. */
    void flush() throws IOException {
        change((m, r) -> {
            write();
            return null;
        });
    }

    /** Changes a header field at once, between two barriers. */
    void setHeader(Field field, long value) throws IOException {
        changeHeader(h -> h.write(field, value));
    }

    /** A change of the header. */
    interface HeaderChange {
        void make(HeaderFields header) throws IOException;
    }

    /** Changes the header at once, between two barriers. */
    void changeHeader(HeaderChange change) throws IOException {
        change((m, r) -> {
            write();
            file.flush();
            change.make(header);
            file.flush();
            return null;
        });
    }

    /** Sets or clears the dirty bit: while it is set, whoever opens the image for writing repairs it. Version 3 only. */
    void markDirty(boolean dirty) throws IOException {
        if (markable) {
            changeHeader(h -> {
                long others = h.get(Field.INCOMPATIBLE_FEATURES) & ~Features.INCOMPATIBLE_DIRTY;
                h.write(Field.INCOMPATIBLE_FEATURES, others | (dirty ? Features.INCOMPATIBLE_DIRTY : 0));
            });
        }
    }

    long header(Field field) throws IOException {
        return look((m, r) -> header.get(field));
    }

    /** Refuses a write of guest data to a place where metadata lies: only a corrupt image asks for it. */
    void guard(long host, long length) throws IOException {
        change((m, r) -> {
            for (long c = host >>> clusterBits; c <= host + length - 1 >>> clusterBits; c++) {
                if (places.contains(c)) {
                    throw new CorruptException("guest data at 0x" + Long.toHexString(c << clusterBits)
                            + ", where metadata lies");
                }
            }
            return null;
        });
    }

    boolean broken() {
        return broken != null;
    }

    private void refuseIfBroken() throws IOException {
        if (broken != null) {
            throw new IOException("image is not written to any more: " + broken.getMessage());
        }
    }

    private void trim() throws IOException {
        if (mapping.over() || refcounts.over() || refcounts.waiting() > MAX_WAITING) {
            if (broken == null) {
                write();
            }
            mapping.trim();
            refcounts.trim();
        }
    }

    private void write() throws IOException {
        refcounts.write();
        if (mapping.dirty()) {
            data.flush();
            if (data != file) {
                file.flush();
            }
            mapping.write();
        }
        if (refcounts.waiting() > 0) {
            file.flush();
            refcounts.applyFrees(unmap);
            refcounts.write();
        }
    }

    private void markCorrupt(CorruptException found) {
        if (broken == null && markable) {
            try {
                header.write(Field.INCOMPATIBLE_FEATURES,
                        header.get(Field.INCOMPATIBLE_FEATURES) | Features.INCOMPATIBLE_CORRUPT);
                file.flush();
            } catch (IOException e) {
                found.addSuppressed(e);
            }
        }
        broken = found;
    }
}
