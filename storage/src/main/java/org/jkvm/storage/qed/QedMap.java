package org.jkvm.storage.qed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jkvm.base.Bits;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
import org.jkvm.storage.blocks.SharedTables;
import org.jkvm.storage.blocks.Taken;
import org.jkvm.storage.layer.ImageFile;

/** Two levels of tables (qed_spec.txt, "Tables"): an entry is an offset in the file, 0 where there is nothing. */
final class QedMap implements BlockMap {
    /** In an L2 table: reads as zeroes. */
    private static final long ZERO = 1;

    private final ImageFile file;
    private final Pages pages;
    private final int cluster;
    private final long tableBytes;
    private final long perTable;
    private final long l1;
    private final boolean needsCheck;
    private final boolean autoclear;
    private final Taken taken;

    /** The fields of {@code h}, a header, that it looks at have been checked. */
    QedMap(ImageFile file, ByteBuffer h) {
        this.file = file;
        this.pages = new Pages(file, ByteOrder.LITTLE_ENDIAN);
        this.cluster = h.getInt(QedFormat.CLUSTER_SIZE);
        this.tableBytes = (long) cluster * h.getInt(QedFormat.TABLE_SIZE);
        this.perTable = tableBytes / Long.BYTES;
        this.l1 = h.getLong(QedFormat.L1_TABLE_OFFSET);
        this.needsCheck = (h.getLong(QedFormat.FEATURES) & QedFormat.NEED_CHECK) != 0;
        this.autoclear = h.getLong(QedFormat.AUTOCLEAR) != 0;
        this.taken = new Taken("QED", 0, Integer.toUnsignedLong(h.getInt(QedFormat.HEADER_SIZE)) * cluster, l1,
                l1 + tableBytes);
    }

    boolean covers(long size) {
        return Math.ceilDiv(Math.ceilDiv(size, cluster), perTable) <= perTable;
    }

    boolean l1InFile() {
        return inFile(l1, tableBytes);
    }

    private boolean inFile(long offset, long length) {
        return offset > 0 && offset % cluster == 0 && offset <= file.size() - length;
    }

    private long l1Entry(long index) {
        return l1 + index / perTable * Long.BYTES;
    }

    private long l2Entry(long table, long index) {
        return table + index % perTable * Long.BYTES;
    }

    @Override
    public Place find(long index) throws IOException {
        long table = pages.getLong(l1Entry(index));
        if (table == 0) {
            return Place.NONE;
        }
        if (!inFile(table, tableBytes)) {
            throw new IOException("corrupt QED image: an L2 table at 0x" + Long.toHexString(table)
                    + " lies outside the file");
        }
        long entry = pages.getLong(l2Entry(table, index));
        if (entry == 0 || entry == ZERO) {
            return entry == 0 ? Place.NONE : Place.ZERO;
        }
        if (entry < 0 || entry % cluster != 0) {
            throw new IOException("corrupt QED image: a cluster at 0x" + Long.toHexString(entry)
                    + ", which is no cluster boundary");
        }
        taken.refuse(entry, cluster);
        return Place.data(entry);
    }

    @Override
    public long missing(long index) throws IOException {
        long found = 0;
        while (index + found < perTable * perTable && pages.getLong(l1Entry(index + found)) == 0) {
            found += perTable - (index + found) % perTable;
        }
        return found;
    }

    @Override
    public void refuseSharedTables(long blocks) throws IOException {
        SharedTables.refuse("QED", blocks, perTable, tableBytes, index -> pages.getLong(l1Entry(index)));
    }

    @Override
    public long reserve(long index) throws IOException {
        return extend(cluster);
    }

    private long extend(long bytes) throws IOException {
        long offset = Bits.alignUp(file.size(), cluster);
        file.setSize(offset + bytes);
        return offset;
    }

    @Override
    public void link(long index, long offset) throws IOException {
        set(index, offset);
    }

    @Override
    public boolean linkZero(long index) throws IOException {
        set(index, ZERO);
        return true;
    }

    private void set(long index, long entry) throws IOException {
        long table = pages.getLong(l1Entry(index));
        if (table == 0) {
            table = extend(tableBytes);
            pages.putLong(l1Entry(index), table);
        }
        pages.putLong(l2Entry(table, index), entry);
    }

    /** Where an image was not closed, tables may point behind the file's end, where new clusters would be theirs too. */
    @Override
    public void firstWrite() throws IOException {
        if (needsCheck) {
            throw new IOException("the QED image was not closed properly and needs a check, which changes it (qemu-img check"
                    + " -r all); it can be read and converted");
        }
        if (autoclear) {
            // Whoever knows what these bits are about must see that it is stale (qed_spec.txt, "Header").
            pages.putLong(QedFormat.AUTOCLEAR, 0);
            pages.write();
            file.flush();
        }
    }

    @Override
    public boolean dirty() {
        return pages.dirty();
    }

    @Override
    public void write() throws IOException {
        pages.write();
    }
}
