package org.jkvm.storage.qed;

import java.io.IOException;
import java.nio.ByteOrder;
import org.jkvm.base.Bits;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
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

    QedMap(ImageFile file, int cluster, long tableBytes, long l1) {
        this.file = file;
        this.pages = new Pages(file, ByteOrder.LITTLE_ENDIAN);
        this.cluster = cluster;
        this.tableBytes = tableBytes;
        this.perTable = tableBytes / Long.BYTES;
        this.l1 = l1;
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
        return Place.data(entry);
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

    @Override
    public boolean dirty() {
        return pages.dirty();
    }

    @Override
    public void write() throws IOException {
        pages.write();
    }
}
