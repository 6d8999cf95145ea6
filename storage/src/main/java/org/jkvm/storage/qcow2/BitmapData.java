package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.BitSet;
import org.jkvm.base.Bits;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/** The bits of a bitmap in the file: its table, and the clusters that this points to (qcow2.txt, "Bitmap table"). */
final class BitmapData {
    /** In an entry without offset: all bits of the cluster are set. */
    private static final long ALL_ONES = 1;
    /** 16 TiB at the usual 64 KiB a bit. */
    private static final long MAX_BITS = 1L << 28;

    private final ImageFile file;
    private final Header header;
    private final Metadata metadata;

    BitmapData(ImageFile file, Header header, Metadata metadata) {
        this.file = file;
        this.header = header;
        this.metadata = metadata;
    }

    /**
     * How many bits a disk of {@code size} bytes has.
     *
     * @throws IOException where they are too many
     */
    static int bits(long size, int granularityBits) throws IOException {
        long bits = size + (1L << granularityBits) - 1 >>> granularityBits;
        if (bits > MAX_BITS) {
            throw new IOException("a bitmap of 2^" + granularityBits + " bytes a bit is too fine for a disk of " + size
                    + " bytes");
        }
        return (int) bits;
    }

    private int clusters(int bits) {
        return (int) (Bits.alignUp((bits + 7L) / 8, header.clusterSize()) >>> header.clusterBits());
    }

    private int bitsInCluster() {
        return (int) Math.min(MAX_BITS, 8L * header.clusterSize());
    }

    /**
     * Reads the {@code bits} bits of a bitmap.
     *
     * @throws CorruptException where its table cannot be
     */
    BitSet read(BitmapEntry entry, int bits) throws IOException {
        if (entry.tableSize() != clusters(bits)) {
            throw new CorruptException("the table of bitmap '" + entry.name() + "' has " + entry.tableSize()
                    + " entries, the disk's size needs " + clusters(bits));
        }
        BitSet set = new BitSet();
        long[] table = table(entry);
        for (int i = 0; i < table.length; i++) {
            int from = i * bitsInCluster();
            long offset = table[i] & Extent.OFFSET;
            if (offset != 0) {
                set.or(cluster(offset, from));
            } else if ((table[i] & ALL_ONES) != 0) {
                set.set(from, Math.min(bits, from + bitsInCluster()));
            }
        }
        set.clear(bits, Math.max(bits, set.length()));
        return set;
    }

    private long[] table(BitmapEntry entry) throws IOException {
        long offset = entry.tableOffset();
        if (entry.tableSize() > 0 && (offset <= 0 || (offset & header.clusterSize() - 1) != 0
                || offset > file.size() - (long) entry.tableSize() * Long.BYTES)) {
            throw new CorruptException("the table of bitmap '" + entry.name() + "' lies outside the file");
        }
        return PointerTable.read(file, offset, entry.tableSize());
    }

    private BitSet cluster(long offset, int from) throws IOException {
        if (offset >= file.size() || (offset & header.clusterSize() - 1) != 0) {
            throw new CorruptException("a bitmap's cluster at 0x" + Long.toHexString(offset)
                    + ", which is no cluster of the file");
        }
        MemorySegment bytes = Buffers.allocate(header.clusterSize());
        file.read(offset, bytes);
        BitSet here = BitSet.valueOf(bytes.toArray(ValueLayout.JAVA_BYTE));
        BitSet moved = new BitSet();
        here.stream().forEach(bit -> moved.set(from + bit));
        return moved;
    }

    /** Writes bits to new clusters; returns the entry with their table. The old ones are still in use. */
    BitmapEntry write(BitmapEntry entry, BitSet set, int bits) throws IOException {
        long[] table = new long[clusters(bits)];
        for (int i = 0; i < table.length; i++) {
            int from = i * bitsInCluster();
            table[i] = cluster(set.get(from, Math.min(bits, from + bitsInCluster())), Math.min(bits - from, bitsInCluster()));
        }
        if (table.length == 0) {
            return entry.withTable(0, 0);
        }
        long clusters = Bits.alignUp((long) table.length * Long.BYTES, header.clusterSize()) >>> header.clusterBits();
        long offset = metadata.change((mapping, refcounts) -> refcounts.allocateMetadata(clusters));
        PointerTable.write(file, offset, table);
        return entry.withTable(offset, table.length);
    }

    /** Stores a cluster's bits; returns the table's entry. */
    private long cluster(BitSet set, int bits) throws IOException {
        if (set.isEmpty() || set.cardinality() == bits) {
            return set.isEmpty() ? 0 : ALL_ONES;
        }
        long offset = metadata.change((mapping, refcounts) -> refcounts.allocateMetadata(1));
        byte[] bytes = Arrays.copyOf(set.toByteArray(), header.clusterSize());
        file.write(offset, MemorySegment.ofArray(bytes));
        return offset;
    }

    /** Gives back a bitmap's clusters and table, which nothing in the file refers to any more. */
    void free(BitmapEntry entry) throws IOException {
        long[] table = table(entry);
        metadata.change((mapping, refcounts) -> {
            for (long e : table) {
                if ((e & Extent.OFFSET) != 0) {
                    refcounts.freeLater((e & Extent.OFFSET) >>> header.clusterBits(), 1, false);
                }
            }
            return null;
        });
        metadata.free(entry.tableOffset(), (long) entry.tableSize() * Long.BYTES);
    }

    /** Keeps guest data away from a bitmap's clusters and table. */
    void protect(BitmapEntry entry) throws IOException {
        metadata.protect(entry.tableOffset(), (long) entry.tableSize() * Long.BYTES);
        for (long e : table(entry)) {
            if ((e & Extent.OFFSET) != 0) {
                metadata.protect(e & Extent.OFFSET, 1);
            }
        }
    }
}
