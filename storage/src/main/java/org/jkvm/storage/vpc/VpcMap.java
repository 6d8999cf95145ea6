package org.jkvm.storage.vpc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jkvm.base.Bits;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/**
 * The block allocation table: for each block its first sector in the file, where a bitmap of its sectors lies before its
 * data. Of a disk without parent the bitmap says nothing: all its bits are set. The footer moves to the end behind each
 * new block; until it is there its copy at the file's start counts.
 */
final class VpcMap implements BlockMap {
    private static final int SECTOR = 512;

    private final ImageFile file;
    private final Footer footer;
    private final Pages pages;
    private final long table;
    private final int bitmap;
    private final int block;
    private long end;
    private boolean footerMoved;

    VpcMap(ImageFile file, Footer footer, long table, long entries, int block) throws IOException {
        this.file = file;
        this.footer = footer;
        this.pages = new Pages(file, ByteOrder.BIG_ENDIAN);
        this.table = table;
        this.block = block;
        this.bitmap = (int) Bits.alignUp(Math.max(1, block / SECTOR / Byte.SIZE), SECTOR);
        this.end = end(entries);
    }

    /** Where the next block goes: behind the last one, over the footer; a crash may have left a footer further on. */
    private long end(long entries) throws IOException {
        long last = Bits.alignUp(table + entries * Integer.BYTES, SECTOR);
        return Math.max(last, Bits.alignDown(file.size() - Footer.LENGTH, SECTOR));
    }

    @Override
    public Place find(long index) throws IOException {
        long sector = pages.getInt(table + index * Integer.BYTES);
        return sector == VpcFormat.FREE ? Place.NONE : Place.data(sector * SECTOR + bitmap);
    }

    @Override
    public long reserve(long index) throws IOException {
        long at = end;
        if (at / SECTOR >= VpcFormat.FREE) {
            throw new IOException("the image has no more numbers for blocks");
        }
        byte[] ones = new byte[bitmap + Footer.LENGTH];
        Arrays.fill(ones, 0, bitmap, (byte) 0xff);
        file.setSize(at + bitmap + block + Footer.LENGTH);
        // The zeroes behind the bits are over what the footer was.
        Bytes.write(file, at, ByteBuffer.wrap(ones));
        end = at + bitmap + block;
        footerMoved = true;
        return at + bitmap;
    }

    @Override
    public void link(long index, long offset) throws IOException {
        pages.putInt(table + index * Integer.BYTES, (offset - bitmap) / SECTOR);
    }

    @Override
    public boolean dirty() {
        return pages.dirty() || footerMoved;
    }

    @Override
    public void write() throws IOException {
        footer.write(file, end);
        footerMoved = false;
        pages.write();
    }
}
