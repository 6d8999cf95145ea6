package org.jkvm.storage.vmdk;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jkvm.base.Bits;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.blocks.Taken;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/**
 * The header of a hosted sparse extent (VMware, Virtual Disk Format 5.0, "Hosted Sparse Extents"). All lengths and places
 * are in sectors of 512 bytes, all numbers little-endian.
 *
 * @param footer whether it came from the file's end: the file was written as a stream
 */
record SparseHeader(int flags, long capacity, long grainSize, long descriptorOffset, long descriptorSize, long gtEntries,
        long rgdOffset, long gdOffset, boolean footer) {
    static final int MAGIC = 0x564d444b;
    static final int SECTOR = 512;
    static final int GT_ENTRIES = 512;
    static final long GRAIN = 128;
    static final int HAS_REDUNDANT = 1 << 1;
    static final int ZEROED_GRAINS = 1 << 2;
    static final int COMPRESSED = 1 << 16;
    static final int MARKERS = 1 << 17;

    private static final int NEW_LINES = 1;
    private static final String LINE_ENDS = "\n \r\n";
    private static final int LINE_ENDS_AT = 73;
    private static final int COMPRESS_ALGORITHM = 77;
    private static final int DEFLATE = 1;
    private static final long AT_END = -1;
    private static final long MAX_SECTORS = 1L << 42;
    private static final long MAX_GRAIN = 1L << 17;
    private static final long MAX_TABLE = 1L << 20;
    /** Four times as many as the largest disk of the specification has, of the usual size. */
    private static final long MAX_GRAINS = 1L << 32;

    static SparseHeader read(ImageFile file) throws IOException {
        ByteBuffer b = Bytes.read(file, 0, SECTOR, ByteOrder.LITTLE_ENDIAN);
        SparseHeader header = parse(b, false);
        if (header.gdOffset() == AT_END) {
            // Footer marker, footer, end-of-stream marker: a sector each.
            require(file.size() >= 4 * SECTOR, "truncated VMDK image: it has no footer");
            header = parse(Bytes.read(file, Bits.alignDown(file.size() - 2 * SECTOR, SECTOR), SECTOR,
                    ByteOrder.LITTLE_ENDIAN),
                    true);
        }
        header.check(file);
        return header;
    }

    private static SparseHeader parse(ByteBuffer b, boolean footer) throws IOException {
        require(b.getInt(0) == MAGIC, footer ? "corrupt VMDK image: its footer is none" : "not a VMDK sparse extent");
        int version = b.getInt(4);
        require(version >= 1 && version <= 3, "VMDK version " + version + " is not supported; 1 to 3 are");
        int flags = b.getInt(8);
        require((flags & COMPRESSED) == 0 || b.getShort(COMPRESS_ALGORITHM) == DEFLATE && (flags & MARKERS) != 0,
                "corrupt VMDK header: compressed grains need deflate and markers");
        return new SparseHeader(flags, b.getLong(12), b.getLong(20), b.getLong(28), b.getLong(36),
                Integer.toUnsignedLong(b.getInt(44)), b.getLong(48), b.getLong(56), footer);
    }

    private void check(ImageFile file) throws IOException {
        require(capacity >= 0 && capacity <= MAX_SECTORS, "corrupt VMDK header: a disk of " + capacity + " sectors");
        require(Bits.isPowerOfTwo(grainSize) && grainSize >= 1 && grainSize <= MAX_GRAIN, "corrupt VMDK header: grains of "
                + grainSize + " sectors");
        require(capacity / grainSize <= MAX_GRAINS, "corrupt VMDK header: a disk of " + capacity / grainSize + " grains");
        require(gtEntries > 0 && gtEntries <= MAX_TABLE, "corrupt VMDK header: grain tables of " + gtEntries + " entries");
        inFile(file, gdOffset, "grain directory");
        if ((flags & HAS_REDUNDANT) != 0) {
            inFile(file, rgdOffset, "redundant grain directory");
        }
        require(descriptorOffset >= 0 && descriptorSize >= 0 && descriptorSize <= 1 << 11
                && descriptorOffset <= MAX_SECTORS, "corrupt VMDK header: a descriptor of " + descriptorSize + " sectors");
    }

    private void inFile(ImageFile file, long sector, String what) throws IOException {
        long bytes = directoryEntries() * Integer.BYTES;
        require(capacity == 0 || sector > 0 && sector <= MAX_SECTORS && sector * SECTOR <= file.size() - bytes,
                "corrupt or truncated VMDK image: the " + what + " lies outside the file");
    }

    long grains() {
        return Math.ceilDiv(capacity, grainSize);
    }

    long directoryEntries() {
        return Math.ceilDiv(capacity, grainSize * gtEntries);
    }

    /** Where no grain lies. Grain tables may lie anywhere. */
    Taken taken() {
        long directory = directoryEntries() * Integer.BYTES;
        long rgd = has(HAS_REDUNDANT) ? rgdOffset * SECTOR : 0;
        return new Taken("VMDK", 0, SECTOR, descriptorOffset * SECTOR, (descriptorOffset + descriptorSize) * SECTOR,
                gdOffset * SECTOR, gdOffset * SECTOR + directory, rgd, rgd == 0 ? 0 : rgd + directory);
    }

    /** The first {@code sectors} of the extent, as {@code info} shows them. */
    FormatInfo.Vmdk.Extent info(Path file, long sectors, String type) {
        return new FormatInfo.Vmdk.Extent(has(COMPRESSED), sectors * SECTOR, file, grainSize * SECTOR, type);
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** The header of a new extent, its tables laid out one after another behind {@code descriptorSectors}. */
    static SparseHeader of(long capacity, int descriptorSectors, boolean compressed) {
        long tables = Math.ceilDiv(capacity, GRAIN * GT_ENTRIES);
        long directory = Math.ceilDiv(tables * Integer.BYTES, SECTOR);
        long each = directory + tables * GT_ENTRIES * Integer.BYTES / SECTOR;
        long rgd = 1L + descriptorSectors;
        int flags = NEW_LINES | HAS_REDUNDANT | (compressed ? COMPRESSED | MARKERS : 0);
        return new SparseHeader(flags, capacity, GRAIN, descriptorSectors == 0 ? 0 : 1, descriptorSectors, GT_ENTRIES, rgd,
                rgd + each, false);
    }

    /** Where the grains of a new extent start. */
    long overHead() {
        return Bits.alignUp(gdOffset + (gdOffset - rgdOffset), grainSize);
    }

    ByteBuffer bytes() {
        ByteBuffer b = ByteBuffer.allocate(SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, MAGIC);
        b.putInt(4, has(COMPRESSED) ? 3 : 1);
        b.putInt(8, flags);
        b.putLong(12, capacity);
        b.putLong(20, grainSize);
        b.putLong(28, descriptorOffset);
        b.putLong(36, descriptorSize);
        b.putInt(44, (int) gtEntries);
        b.putLong(48, rgdOffset);
        b.putLong(56, gdOffset);
        b.putLong(64, overHead());
        b.put(LINE_ENDS_AT, LINE_ENDS.getBytes(StandardCharsets.US_ASCII));
        b.putShort(COMPRESS_ALGORITHM, (short) (has(COMPRESSED) ? DEFLATE : 0));
        return b;
    }
}
