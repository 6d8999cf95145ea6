package org.jkvm.storage.vhdx;

import java.io.IOException;
import java.nio.ByteOrder;
import org.jkvm.base.Bits;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
import org.jkvm.storage.blocks.Taken;
import org.jkvm.storage.layer.ImageFile;

/**
 * The block allocation table (MS-VHDX 2.5). Its entries of eight bytes never cross a sector, so that they are changed in
 * place, each as a whole, and need no log.
 */
final class VhdxMap implements BlockMap {
    static final int FULLY_PRESENT = 6;
    private static final int PARTIALLY_PRESENT = 7;
    private static final int STATE = 7;
    private static final int MEBIBYTE = 1 << 20;

    private final ImageFile file;
    private final Headers headers;
    private final VhdxMetadata metadata;
    private final Pages pages;
    private final long bat;
    private final long chunkRatio;
    private final Taken taken;

    VhdxMap(ImageFile file, Headers headers, VhdxMetadata metadata, Regions regions) {
        this.file = file;
        this.headers = headers;
        this.metadata = metadata;
        this.pages = new Pages(file, ByteOrder.LITTLE_ENDIAN);
        this.bat = regions.bat().offset();
        this.chunkRatio = metadata.chunkRatio();
        this.taken = new Taken("VHDX", 0, MEBIBYTE, bat, regions.bat().end(), regions.metadata().offset(),
                regions.metadata().end(), headers.logOffset(), headers.logOffset() + headers.logLength());
    }

    private long entry(long index) {
        return bat + (index + index / chunkRatio) * Long.BYTES;
    }

    @Override
    public Place find(long index) throws IOException {
        long entry = pages.getLong(entry(index));
        int state = (int) entry & STATE;
        if (state == PARTIALLY_PRESENT) {
            throw new IOException("corrupt VHDX image: a block has a part in a parent that there is not");
        }
        if (state != FULLY_PRESENT) {
            return Place.ZERO;
        }
        long offset = entry & -MEBIBYTE;
        if (offset < 0) {
            throw new IOException("corrupt VHDX image: a block at 0x" + Long.toHexString(offset));
        }
        taken.refuse(offset, metadata.blockSize());
        return Place.data(offset);
    }

    @Override
    public long reserve(long index) throws IOException {
        long offset = Bits.alignUp(file.size(), MEBIBYTE);
        file.setSize(offset + metadata.blockSize());
        return offset;
    }

    @Override
    public void link(long index, long offset) throws IOException {
        pages.putLong(entry(index), offset | FULLY_PRESENT);
    }

    @Override
    public void firstWrite() throws IOException {
        headers.newGuids();
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
