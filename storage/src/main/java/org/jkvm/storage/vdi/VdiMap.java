package org.jkvm.storage.vdi;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/** The block map: for each block of the disk the number of a block of the file (VDIIMAGEBLOCKPOINTER). */
final class VdiMap implements BlockMap {
    /** Never written: reads as what the parent has, or zeroes. Never again: zeroes. */
    private static final long FIRST_SPECIAL = 0xfffffffeL;

    private final ImageFile file;
    private final Pages pages;
    private final long table;
    private final long data;
    private final long blocks;
    /** The number of the next block of the file; negative until the first one is wanted. */
    private long next = -1;

    VdiMap(ImageFile file, ByteBuffer header) {
        this.file = file;
        this.pages = new Pages(file, ByteOrder.LITTLE_ENDIAN);
        this.table = Integer.toUnsignedLong(header.getInt(VdiFormat.OFF_BLOCKS));
        this.data = Integer.toUnsignedLong(header.getInt(VdiFormat.OFF_DATA));
        this.blocks = Integer.toUnsignedLong(header.getInt(VdiFormat.BLOCKS));
    }

    @Override
    public Place find(long index) throws IOException {
        long number = pages.getInt(table + index * Integer.BYTES);
        return number >= FIRST_SPECIAL ? Place.NONE : Place.data(data + number * VdiFormat.BLOCK);
    }

    @Override
    public long reserve(long index) throws IOException {
        next = next < 0 ? firstFree() : next;
        if (next >= FIRST_SPECIAL) {
            throw new IOException("the image has no more numbers for blocks");
        }
        long offset = data + next * VdiFormat.BLOCK;
        if (offset < file.size()) {
            Buffers.writeZeroes(file, offset, Math.min(VdiFormat.BLOCK, file.size() - offset));
        }
        file.setSize(Math.max(file.size(), offset + VdiFormat.BLOCK));
        next++;
        return offset;
    }

    /**
     * The first number that no block has, nor a lower one. A crash may have left blocks behind that the map does not know,
     * which are used again, or blocks that the map knows and the header's count does not.
     */
    private long firstFree() throws IOException {
        long free = pages.getInt(VdiFormat.BLOCKS_ALLOCATED);
        if (data + free * VdiFormat.BLOCK == file.size()) {
            return free;
        }
        for (long i = 0; i < blocks; i++) {
            long number = pages.getInt(table + i * Integer.BYTES);
            free = number < FIRST_SPECIAL ? Math.max(free, number + 1) : free;
        }
        return free;
    }

    /** The count in the header is where other programs put their next block. */
    @Override
    public void link(long index, long offset) throws IOException {
        long number = (offset - data) / VdiFormat.BLOCK;
        pages.putInt(VdiFormat.BLOCKS_ALLOCATED, Math.max(pages.getInt(VdiFormat.BLOCKS_ALLOCATED), number + 1));
        pages.putInt(table + index * Integer.BYTES, number);
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
