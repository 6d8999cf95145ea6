package org.jkvm.storage.parallels;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
import org.jkvm.storage.blocks.Taken;
import org.jkvm.storage.layer.ImageFile;

/** The BAT: for each cluster of the disk its place in the file, in sectors or in clusters; 0 where it has none. */
final class ParallelsMap implements BlockMap {
    private static final int SECTOR = 512;

    private final ImageFile file;
    private final Pages pages;
    private final long unit;
    private final int cluster;
    private final long data;
    private final boolean extension;
    private final Taken taken;

    /** {@code unit} is what the table's entries count: bytes. */
    ParallelsMap(ImageFile file, ByteBuffer header, long unit, int cluster) {
        this.file = file;
        this.pages = new Pages(file, ByteOrder.LITTLE_ENDIAN);
        this.unit = unit;
        this.cluster = cluster;
        long tableEnd = ParallelsFormat.BAT
                + Integer.toUnsignedLong(header.getInt(ParallelsFormat.BAT_ENTRIES)) * Integer.BYTES;
        this.extension = unit > SECTOR && header.getLong(ParallelsFormat.EXT_OFF) != 0;
        this.taken = new Taken("Parallels", 0, tableEnd);
        this.data = Math.max(tableEnd, Integer.toUnsignedLong(header.getInt(ParallelsFormat.DATA_OFFSET)) * SECTOR);
    }

    private long entry(long index) {
        return ParallelsFormat.BAT + index * Integer.BYTES;
    }

    @Override
    public Place find(long index) throws IOException {
        long number = pages.getInt(entry(index));
        if (number == 0) {
            return Place.NONE;
        }
        taken.refuse(number * unit, cluster);
        return Place.data(number * unit);
    }

    /** Clusters start where the data starts, or clusters further on: entries count from the file's start. */
    @Override
    public long reserve(long index) throws IOException {
        long first = Math.ceilDiv(data, unit) * unit;
        long offset = first + Math.ceilDiv(Math.max(0, file.size() - first), cluster) * cluster;
        if (offset / unit > 0xffffffffL) {
            throw new IOException("the image has no more numbers for clusters");
        }
        file.setSize(offset + cluster);
        return offset;
    }

    @Override
    public void link(long index, long offset) throws IOException {
        pages.putInt(entry(index), offset / unit);
    }

    @Override
    public boolean dirty() {
        return pages.dirty();
    }

    @Override
    public void write() throws IOException {
        pages.write();
    }

    /** Other programs look here whether an image was closed. */
    @Override
    public void firstWrite() throws IOException {
        if (extension) {
            throw new IOException("the Parallels image has a format extension, as for dirty bitmaps, which a change would"
                    + " make stale; convert it");
        }
        mark(ParallelsFormat.IN_USE_MAGIC);
    }

    @Override
    public void closing() throws IOException {
        mark(ParallelsFormat.CLOSED_MAGIC);
    }

    private void mark(int magic) throws IOException {
        pages.putInt(ParallelsFormat.IN_USE, Integer.toUnsignedLong(magic));
        file.flush();
        pages.write();
        file.flush();
    }
}
