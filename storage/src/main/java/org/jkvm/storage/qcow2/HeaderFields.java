package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/**
 * Changes single fields of a header in the file and leaves the rest as it is, extensions of every kind included. The
 * fields lie in the first sector, so that a change of neighbours is seen by a reader after a crash whole or not at all.
 */
final class HeaderFields {
    private final ImageFile file;
    private final MemorySegment copy = Buffers.allocate(512);

    HeaderFields(ImageFile file) throws IOException {
        this.file = file;
        file.read(0, copy);
    }

    long get(Field field) {
        return field.get(copy);
    }

    void write(Field field, long value) throws IOException {
        field.put(copy, value);
        write(field, field);
    }

    void writeL1(int entries, long offset) throws IOException {
        Field.L1_SIZE.put(copy, entries);
        Field.L1_TABLE_OFFSET.put(copy, offset);
        write(Field.L1_SIZE, Field.L1_TABLE_OFFSET);
    }

    void writeRefcountTable(long offset, int clusters) throws IOException {
        Field.REFCOUNT_TABLE_OFFSET.put(copy, offset);
        Field.REFCOUNT_TABLE_CLUSTERS.put(copy, clusters);
        write(Field.REFCOUNT_TABLE_OFFSET, Field.REFCOUNT_TABLE_CLUSTERS);
    }

    void writeSnapshots(int count, long offset) throws IOException {
        Field.NB_SNAPSHOTS.put(copy, count);
        Field.SNAPSHOTS_OFFSET.put(copy, offset);
        write(Field.NB_SNAPSHOTS, Field.SNAPSHOTS_OFFSET);
    }

    /** The disk's size and its L1 table at once. */
    void writeDisk(long size, int entries, long offset) throws IOException {
        Field.SIZE.put(copy, size);
        Field.L1_SIZE.put(copy, entries);
        Field.L1_TABLE_OFFSET.put(copy, offset);
        write(Field.SIZE, Field.L1_TABLE_OFFSET);
    }

    /** Replaces the file's first cluster. */
    void writeCluster(MemorySegment cluster) throws IOException {
        file.write(0, cluster);
        file.read(0, copy);
    }

    /** The first {@code length} bytes of the file, as they are now. */
    MemorySegment start(int length) throws IOException {
        MemorySegment start = Buffers.allocate(length);
        file.read(0, start);
        return start;
    }

    private void write(Field first, Field last) throws IOException {
        file.write(first.offset(), copy.asSlice(first.offset(), last.end() - first.offset()));
    }
}
