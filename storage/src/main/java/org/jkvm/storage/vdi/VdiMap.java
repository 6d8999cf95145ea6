package org.jkvm.storage.vdi;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
import org.jkvm.storage.layer.ImageFile;

/** The block map: for each block of the disk the number of a block of the file (VDIIMAGEBLOCKPOINTER). */
final class VdiMap implements BlockMap {
    /** Never written: reads as what the parent has, or zeroes. Never again: zeroes. */
    private static final long FIRST_SPECIAL = 0xfffffffeL;

    private final ImageFile file;
    private final Pages pages;
    private final long table;
    private final long data;
    private long next;

    VdiMap(ImageFile file, ByteBuffer header) {
        this.file = file;
        this.pages = new Pages(file, ByteOrder.LITTLE_ENDIAN);
        this.table = Integer.toUnsignedLong(header.getInt(VdiFormat.OFF_BLOCKS));
        this.data = Integer.toUnsignedLong(header.getInt(VdiFormat.OFF_DATA));
        // A block that a crash left behind is not used again: what is in it is not zeroes.
        this.next = Math.max(Integer.toUnsignedLong(header.getInt(VdiFormat.BLOCKS_ALLOCATED)),
                Math.ceilDiv(Math.max(0, file.size() - data), VdiFormat.BLOCK));
    }

    @Override
    public Place find(long index) throws IOException {
        long number = pages.getInt(table + index * Integer.BYTES);
        return number >= FIRST_SPECIAL ? Place.NONE : Place.data(data + number * VdiFormat.BLOCK);
    }

    @Override
    public long reserve(long index) throws IOException {
        if (next >= FIRST_SPECIAL) {
            throw new IOException("the image has no more numbers for blocks");
        }
        long offset = data + next * VdiFormat.BLOCK;
        file.setSize(offset + VdiFormat.BLOCK);
        next++;
        return offset;
    }

    @Override
    public void link(long index, long offset) throws IOException {
        pages.putInt(table + index * Integer.BYTES, (offset - data) / VdiFormat.BLOCK);
        pages.putInt(VdiFormat.BLOCKS_ALLOCATED, pages.getInt(VdiFormat.BLOCKS_ALLOCATED) + 1);
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
