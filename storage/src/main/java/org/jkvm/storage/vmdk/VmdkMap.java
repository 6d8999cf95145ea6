package org.jkvm.storage.vmdk;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.zip.DataFormatException;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.Inflater;
import org.jkvm.base.Bits;
import org.jkvm.storage.blocks.BlockMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.blocks.Place;
import org.jkvm.storage.blocks.SharedTables;
import org.jkvm.storage.blocks.Taken;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/** Grain directory and grain tables, and a second set of both where the header says so ("Grain Directories"). */
final class VmdkMap implements BlockMap {
    private static final int SECTOR = SparseHeader.SECTOR;
    /** In a grain table, where the header allows it: reads as zeroes. */
    private static final long ZEROED = 1;
    /** Before a packed grain: its first sector in the disk, and the packed length. */
    private static final int MARKER = 12;

    private final ImageFile file;
    private final SparseHeader header;
    private final Pages pages;
    private final Descriptor descriptor;
    private final int grain;
    private final Taken taken;

    /** {@code descriptor} is in the same file, or null. */
    VmdkMap(ImageFile file, SparseHeader header, Descriptor descriptor) {
        this.file = file;
        this.header = header;
        this.descriptor = descriptor;
        this.pages = new Pages(file, ByteOrder.LITTLE_ENDIAN);
        this.grain = (int) header.grainSize() * SECTOR;
        this.taken = header.taken();
    }

    private long directoryEntry(long directory, long index) {
        return directory * SECTOR + index / header.gtEntries() * Integer.BYTES;
    }

    private long tableEntry(long table, long index) {
        return table * SECTOR + index % header.gtEntries() * Integer.BYTES;
    }

    @Override
    public Place find(long index) throws IOException {
        long table = pages.getInt(directoryEntry(header.gdOffset(), index));
        if (table == 0) {
            return Place.NONE;
        }
        if (table * SECTOR > file.size() - header.gtEntries() * Integer.BYTES) {
            throw new IOException("corrupt or truncated VMDK image: a grain table at 0x" + Long.toHexString(table * SECTOR)
                    + " lies outside the file");
        }
        long entry = pages.getInt(tableEntry(table, index));
        if (entry == 0) {
            return Place.NONE;
        }
        if (entry == ZEROED && header.has(SparseHeader.ZEROED_GRAINS)) {
            return Place.ZERO;
        }
        boolean packed = header.has(SparseHeader.COMPRESSED);
        taken.refuse(entry * SECTOR, packed ? MARKER : grain);
        return packed ? new Place(Place.Kind.PACKED, entry * SECTOR) : Place.data(entry * SECTOR);
    }

    @Override
    public long missing(long index) throws IOException {
        long found = 0;
        while (index + found < header.grains() && pages.getInt(directoryEntry(header.gdOffset(), index + found)) == 0) {
            found += header.gtEntries() - (index + found) % header.gtEntries();
        }
        return found;
    }

    @Override
    public void refuseSharedTables(long blocks) throws IOException {
        SharedTables.refuse("VMDK", blocks, header.gtEntries(), header.gtEntries() * Integer.BYTES,
                index -> pages.getInt(directoryEntry(header.gdOffset(), index)) * SECTOR);
    }

    @Override
    public long reserve(long index) throws IOException {
        return extend(grain, grain);
    }

    private long extend(long bytes, int alignment) throws IOException {
        long offset = Bits.alignUp(file.size(), alignment);
        if (offset / SECTOR > 0xffffffffL) {
            throw new IOException("the extent has no more numbers for grains");
        }
        file.setSize(offset + bytes);
        return offset;
    }

    @Override
    public void link(long index, long offset) throws IOException {
        set(header.gdOffset(), index, offset / SECTOR);
        if (header.has(SparseHeader.HAS_REDUNDANT)) {
            set(header.rgdOffset(), index, offset / SECTOR);
        }
    }

    private void set(long directory, long index, long entry) throws IOException {
        long table = pages.getInt(directoryEntry(directory, index));
        if (table == 0) {
            table = extend(Bits.alignUp(header.gtEntries() * Integer.BYTES, SECTOR), SECTOR) / SECTOR;
            pages.putInt(directoryEntry(directory, index), table);
        }
        pages.putInt(tableEntry(table, index), entry);
    }

    @Override
    public boolean linkZero(long index) throws IOException {
        if (!header.has(SparseHeader.ZEROED_GRAINS)) {
            return false;
        }
        link(index, ZEROED * SECTOR);
        return true;
    }

    @Override
    public Optional<String> contentId() {
        return Optional.ofNullable(descriptor).map(Descriptor::contentId);
    }

    @Override
    public void firstWrite() throws IOException {
        if (header.footer()) {
            throw new IOException("a VMDK image that was written as a stream cannot be changed; convert it");
        }
        if (descriptor != null) {
            descriptor.changeCid(file);
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

    @Override
    public boolean packsAll() {
        return header.has(SparseHeader.COMPRESSED);
    }

    @Override
    public byte[] unpack(Place place, int blockSize) throws IOException {
        ByteBuffer marker = Bytes.read(file, place.offset(), MARKER, ByteOrder.LITTLE_ENDIAN);
        int length = marker.getInt(Long.BYTES);
        if (length <= 0 || length > 2 * blockSize + SECTOR || place.offset() > file.size() - length) {
            throw new IOException("corrupt VMDK image: a compressed grain of " + length + " bytes");
        }
        ByteBuffer packed = Bytes.read(file, place.offset() + MARKER, length, ByteOrder.LITTLE_ENDIAN);
        byte[] block = new byte[blockSize];
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(packed);
            int done = 0;
            for (int n = 1; n > 0 && done < blockSize; done += n) {
                n = inflater.inflate(block, done, blockSize - done);
            }
            // The disk's last grain may be shorter; what ends within is no grain.
            if (done < blockSize && !inflater.finished()) {
                throw new DataFormatException("it is cut off");
            }
            return block;
        } catch (DataFormatException e) {
            throw new IOException("corrupt VMDK image: a compressed grain cannot be unpacked: " + e.getMessage(), e);
        } finally {
            inflater.end();
        }
    }

    @Override
    public void append(long index, byte[] block) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(packed)) {
            deflater.write(block);
        }
        ByteBuffer grains = ByteBuffer.allocate((int) Bits.alignUp(MARKER + packed.size(), SECTOR))
                .order(ByteOrder.LITTLE_ENDIAN);
        grains.putLong(index * header.grainSize()).putInt(packed.size()).put(packed.toByteArray());
        long offset = extend(grains.capacity(), SECTOR);
        Bytes.write(file, offset, grains);
        link(index, offset);
    }
}
