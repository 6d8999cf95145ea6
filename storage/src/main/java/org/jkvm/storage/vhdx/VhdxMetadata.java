package org.jkvm.storage.vhdx;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jkvm.base.Bits;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/** What the metadata region says about the disk (MS-VHDX 2.6). */
record VhdxMetadata(long size, int blockSize, int sectorSize) {
    private static final long SIGNATURE = 0x617461646174656dL;
    private static final int TABLE = 64 << 10;
    private static final int ENTRY_COUNT = 10;
    private static final int FIRST_ENTRY = 32;
    private static final int ENTRY = 32;
    private static final int MAX_ENTRIES = 2047;
    private static final int OFFSET = 16;
    private static final int LENGTH = 20;
    private static final int FLAGS = 24;
    private static final int IS_USER = 1;
    private static final int IS_VIRTUAL_DISK = 2;
    private static final int IS_REQUIRED = 4;
    private static final int HAS_PARENT = 2;
    private static final int MIN_BLOCK = 1 << 20;
    private static final int MAX_BLOCK = 256 << 20;
    static final long MAX_SIZE = 64L << 40;
    private static final Set<UUID> KNOWN = Set.of(Guids.FILE_PARAMETERS, Guids.VIRTUAL_DISK_SIZE, Guids.PAGE_83_DATA,
            Guids.LOGICAL_SECTOR_SIZE, Guids.PHYSICAL_SECTOR_SIZE);

    static VhdxMetadata read(ImageFile file, Regions.Region region) throws IOException {
        ByteBuffer table = Bytes.read(file, region.offset(), TABLE, ByteOrder.LITTLE_ENDIAN);
        int count = Short.toUnsignedInt(table.getShort(ENTRY_COUNT));
        require(table.getLong(0) == SIGNATURE && count <= MAX_ENTRIES, "corrupt VHDX image: its metadata table is none");
        Map<UUID, ByteBuffer> items = new HashMap<>();
        for (int i = 0; i < count; i++) {
            int at = FIRST_ENTRY + i * ENTRY;
            UUID id = Guids.get(table, at);
            boolean known = KNOWN.contains(id) && (table.getInt(at + FLAGS) & IS_USER) == 0;
            require(known || (table.getInt(at + FLAGS) & IS_REQUIRED) == 0, "VHDX image needs metadata " + id
                    + ", which is not supported");
            if (known) {
                items.put(id, item(file, region, table, at));
            }
        }
        return of(items);
    }

    private static ByteBuffer item(ImageFile file, Regions.Region region, ByteBuffer table, int at) throws IOException {
        long offset = Integer.toUnsignedLong(table.getInt(at + OFFSET));
        int length = table.getInt(at + LENGTH);
        require(offset >= TABLE && length >= Integer.BYTES && length <= 1 << 20 && offset + length <= region.length(),
                "corrupt VHDX metadata: an item lies outside the region");
        return Bytes.read(file, region.offset() + offset, Math.max(length, Long.BYTES), ByteOrder.LITTLE_ENDIAN);
    }

    private static VhdxMetadata of(Map<UUID, ByteBuffer> items) throws IOException {
        require(items.keySet().containsAll(Set.of(Guids.FILE_PARAMETERS, Guids.VIRTUAL_DISK_SIZE,
                Guids.LOGICAL_SECTOR_SIZE)),
                "corrupt VHDX metadata: the disk's size, block size or sector size is missing");
        ByteBuffer parameters = items.get(Guids.FILE_PARAMETERS);
        require((parameters.getInt(4) & HAS_PARENT) == 0,
                "differencing VHDX images, which stand on a parent, are not supported");
        int block = parameters.getInt(0);
        require(Bits.isPowerOfTwo(block) && block >= MIN_BLOCK && block <= MAX_BLOCK, "corrupt VHDX metadata: blocks of "
                + block + " bytes");
        int sector = items.get(Guids.LOGICAL_SECTOR_SIZE).getInt(0);
        require(sector == 512 || sector == 4096, "corrupt VHDX metadata: sectors of " + sector + " bytes");
        long size = items.get(Guids.VIRTUAL_DISK_SIZE).getLong(0);
        require(size >= 0 && size <= MAX_SIZE && size % sector == 0, "corrupt VHDX metadata: a disk of " + size + " bytes");
        return new VhdxMetadata(size, block, sector);
    }

    /** Payload blocks that one sector bitmap block is for: its entry comes after theirs. */
    long chunkRatio() {
        return (1L << 23) * sectorSize / blockSize;
    }

    /** Entries of the block allocation table. */
    long batEntries() {
        long blocks = Math.ceilDiv(size, blockSize);
        return blocks == 0 ? 0 : blocks + (blocks - 1) / chunkRatio();
    }

    void write(ImageFile file, long offset) throws IOException {
        ByteBuffer b = ByteBuffer.allocate(TABLE + ENTRY * 4).order(ByteOrder.LITTLE_ENDIAN);
        b.putLong(0, SIGNATURE);
        put(b, 0, Guids.FILE_PARAMETERS, 8, IS_REQUIRED).putInt(blockSize);
        put(b, 1, Guids.VIRTUAL_DISK_SIZE, 8, IS_REQUIRED | IS_VIRTUAL_DISK).putLong(size);
        put(b, 2, Guids.PAGE_83_DATA, 16, IS_REQUIRED | IS_VIRTUAL_DISK);
        UUID page83 = UUID.randomUUID();
        Guids.put(b, b.position(), page83);
        put(b, 3, Guids.LOGICAL_SECTOR_SIZE, 4, IS_REQUIRED | IS_VIRTUAL_DISK).putInt(sectorSize);
        put(b, 4, Guids.PHYSICAL_SECTOR_SIZE, 4, IS_REQUIRED | IS_VIRTUAL_DISK).putInt(4096);
        Bytes.write(file, offset, b);
    }

    /** Enters item {@code number} and stands at its place. */
    private static ByteBuffer put(ByteBuffer b, int number, UUID id, int length, int flags) {
        int at = FIRST_ENTRY + number * ENTRY;
        Guids.put(b, at, id);
        int offset = TABLE + number * 16;
        b.putInt(at + OFFSET, offset);
        b.putInt(at + LENGTH, length);
        b.putInt(at + FLAGS, flags);
        b.putShort(ENTRY_COUNT, (short) (number + 1));
        return b.position(offset);
    }
}
