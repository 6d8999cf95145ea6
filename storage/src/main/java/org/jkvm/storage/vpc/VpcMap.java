package org.jkvm.storage.vpc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import org.jkvm.base.Bits;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
import org.jkvm.storage.blocks.Taken;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/**
 * The block allocation table: for each block its first sector in the file, where a bitmap of its sectors lies before its
 * data. Of a disk without parent the bitmap says which sectors were ever written: those that were not are zeroes, and before
 * a block is written all its bits are set. The footer moves to the end behind each new block; until it is there its copy at
 * the file's start counts.
 */
final class VpcMap implements BlockMap {
    private static final int SECTOR = 512;

    private final ImageFile file;
    private final Footer footer;
    private final Pages pages;
    private final long table;
    private final int bitmap;
    private final int block;
    private final long blocks;
    private final Taken taken;
    /** Blocks whose bits are known to be set. */
    private final BitSet complete = new BitSet();
    /** Where the next block goes; negative until the first one is wanted. */
    private long end = -1;
    private boolean footerMoved;

    VpcMap(ImageFile file, Footer footer, long table, long blocks, int block) {
        this.file = file;
        this.footer = footer;
        this.pages = new Pages(file, ByteOrder.BIG_ENDIAN);
        this.table = table;
        this.block = block;
        this.bitmap = (int) Bits.alignUp(Math.max(1, block / SECTOR / Byte.SIZE), SECTOR);
        this.blocks = blocks;
        this.taken = new Taken("VHD", 0, Footer.LENGTH, footer.dataOffset(), footer.dataOffset() + VpcFormat.HEADER_LENGTH,
                table, tableEnd());
    }

    private long tableEnd() {
        return Bits.alignUp(table + blocks * Integer.BYTES, SECTOR);
    }

    /**
     * Where the next block goes: behind the last one, over the footer; a crash may have left a footer further on. Of a file that
     * was cut off the last block may end behind the file.
     */
    private long end() throws IOException {
        long last = Math.max(tableEnd(), Bits.alignDown(file.size() - Footer.LENGTH, SECTOR));
        for (long i = 0; i < blocks; i++) {
            long sector = pages.getInt(table + i * Integer.BYTES);
            last = sector == VpcFormat.FREE ? last : Math.max(last, sector * SECTOR + bitmap + block);
        }
        return last;
    }

    @Override
    public Place find(long index) throws IOException {
        long sector = pages.getInt(table + index * Integer.BYTES);
        if (sector == VpcFormat.FREE) {
            return Place.NONE;
        }
        taken.refuse(sector * SECTOR, bitmap + block);
        return Place.data(sector * SECTOR + bitmap);
    }

    @Override
    public void beforeWrite(long index) throws IOException {
        if (!complete.get((int) index)) {
            long at = pages.getInt(table + index * Integer.BYTES) * SECTOR;
            byte[] ones = ones();
            if (!Arrays.equals(Bytes.read(file, at, bitmap, ByteOrder.BIG_ENDIAN).array(), ones)) {
                Bytes.write(file, at, ByteBuffer.wrap(ones));
            }
            complete.set((int) index);
        }
    }

    private byte[] ones() {
        byte[] ones = new byte[bitmap];
        Arrays.fill(ones, (byte) 0xff);
        return ones;
    }

    @Override
    public long reserve(long index) throws IOException {
        long at = end < 0 ? end() : end;
        if (at / SECTOR >= VpcFormat.FREE) {
            throw new IOException("the image has no more numbers for blocks");
        }
        file.setSize(at + bitmap + block + Footer.LENGTH);
        // The zeroes behind the bits are over what the footer was.
        Bytes.write(file, at, ByteBuffer.wrap(Arrays.copyOf(ones(), bitmap + Footer.LENGTH)));
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
