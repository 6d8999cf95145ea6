package org.jkvm.storage.vdi;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.blocks.BlockLayer;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;

/**
 * VDI 1.1, dynamic and static, without snapshots (VirtualBox, "VDICore.h": VDIPREHEADER, VDIHEADER1PLUS). All numbers
 * are little-endian.
 */
public final class VdiFormat implements ImageFormat {
    static final int SIGNATURE = 0xbeda107f;
    static final int VERSION = 0x00010001;
    static final int BLOCK = 1 << 20;
    static final long FREE = 0xffffffffL;

    // VDIPREHEADER
    static final int SIGNATURE_AT = 0x40;
    static final int VERSION_AT = 0x44;
    // VDIHEADER1PLUS
    static final int HEADER_SIZE = 0x48;
    static final int TYPE = 0x4c;
    static final int OFF_BLOCKS = 0x154;
    static final int OFF_DATA = 0x158;
    static final int SECTOR_SIZE = 0x168;
    static final int DISK_SIZE = 0x170;
    static final int BLOCK_SIZE = 0x178;
    static final int BLOCK_EXTRA = 0x17c;
    static final int BLOCKS = 0x180;
    static final int BLOCKS_ALLOCATED = 0x184;
    static final int UUID_CREATE = 0x188;
    static final int UUID_MODIFY = 0x198;
    static final int UUID_PARENT = 0x1b8;

    private static final int LENGTH = 512;
    private static final int HEADER_LENGTH = 400;
    private static final int SECTOR = 512;
    private static final int DYNAMIC = 1;
    private static final int STATIC = 2;
    /** As many as a table of 512 MiB has: 128 TiB. */
    private static final long MAX_BLOCKS = 1L << 27;

    @Override
    public String name() {
        return "vdi";
    }

    @Override
    public Layer open(Source source) throws IOException {
        ImageFile file = source.file();
        ByteBuffer header = Bytes.read(file, 0, LENGTH, ByteOrder.LITTLE_ENDIAN);
        require(header.getInt(SIGNATURE_AT) == SIGNATURE, "not a VDI image: its signature is not 0xbeda107f");
        require(header.getInt(VERSION_AT) == VERSION, "VDI version 0x" + Integer.toHexString(header.getInt(VERSION_AT))
                + " is not supported, 1.1 is");
        int type = header.getInt(TYPE);
        require(type == DYNAMIC || type == STATIC, "VDI image type " + type
                + " is not supported; dynamic (1) and static (2) are");
        require(header.getLong(UUID_PARENT) == 0 && header.getLong(UUID_PARENT + 8) == 0,
                "VDI images that stand on a parent are not supported");
        require(header.getInt(SECTOR_SIZE) == SECTOR && header.getInt(BLOCK_SIZE) == BLOCK
                && header.getInt(BLOCK_EXTRA) == 0,
                "corrupt VDI header: sectors of 512 bytes and blocks of 1 MiB are allowed");
        checkSizes(header, file);
        BlockLayer.Shape shape = new BlockLayer.Shape(source.path(), name(), header.getLong(DISK_SIZE), BLOCK, true, null);
        return new BlockLayer(shape, file, new VdiMap(file, header), null, source.options());
    }

    private static void checkSizes(ByteBuffer header, ImageFile file) throws IOException {
        long size = header.getLong(DISK_SIZE);
        long blocks = Integer.toUnsignedLong(header.getInt(BLOCKS));
        long table = Integer.toUnsignedLong(header.getInt(OFF_BLOCKS));
        long data = Integer.toUnsignedLong(header.getInt(OFF_DATA));
        require(size >= 0 && size % SECTOR == 0 && blocks <= MAX_BLOCKS && size <= blocks * BLOCK,
                "corrupt VDI header: a disk of " + size + " bytes in " + blocks + " blocks of 1 MiB");
        long allocated = Integer.toUnsignedLong(header.getInt(BLOCKS_ALLOCATED));
        require(allocated <= blocks, "corrupt VDI header: " + allocated + " blocks of " + blocks + " are allocated");
        require(table >= LENGTH && table % SECTOR == 0 && data % SECTOR == 0 && table + blocks * Integer.BYTES <= data,
                "corrupt VDI header: the block map at " + table + " and the data at " + data
                + " overlap or are not in sectors");
        require(table + blocks * Integer.BYTES <= file.size(), "truncated VDI image: its block map ends beyond the file");
    }

    @Override
    public boolean creatable() {
        return true;
    }

    @Override
    public Map<String, String> creationOptions() {
        return Map.of("static", "on, all blocks are allocated at once, or off (the default)");
    }

    @Override
    public void create(NewImage image, CreateOptions options) throws IOException {
        long blocks = Math.ceilDiv(options.size(), BLOCK);
        if (blocks > MAX_BLOCKS) {
            throw new UserException("size " + options.size() + " is too large for format vdi");
        }
        boolean whole = options.flag("static") || options.preallocation() == CreateOptions.Preallocation.METADATA;
        ByteBuffer header = header(options.size(), (int) blocks, whole);
        Bytes.write(image.file(), 0, header);
        long data = Integer.toUnsignedLong(header.getInt(OFF_DATA));
        Pages table = new Pages(image.file(), ByteOrder.LITTLE_ENDIAN);
        for (long i = 0; i < blocks; i++) {
            table.putInt(LENGTH + i * Integer.BYTES, whole ? i : FREE);
            if (i % LENGTH == LENGTH - 1) {
                table.write();
            }
        }
        table.write();
        image.file().setSize(whole ? data + blocks * BLOCK : data);
    }

    private static ByteBuffer header(long size, int blocks, boolean whole) {
        ByteBuffer h = ByteBuffer.allocate(LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        h.put(0, "<<< jkvm virtual disk image >>>\n".getBytes(StandardCharsets.US_ASCII));
        h.putInt(SIGNATURE_AT, SIGNATURE);
        h.putInt(VERSION_AT, VERSION);
        h.putInt(HEADER_SIZE, HEADER_LENGTH);
        h.putInt(TYPE, whole ? STATIC : DYNAMIC);
        h.putInt(OFF_BLOCKS, LENGTH);
        h.putInt(OFF_DATA, (int) Bits.alignUp(LENGTH + (long) blocks * Integer.BYTES, 4096));
        h.putInt(SECTOR_SIZE, SECTOR);
        h.putLong(DISK_SIZE, size);
        h.putInt(BLOCK_SIZE, BLOCK);
        h.putInt(BLOCKS, blocks);
        h.putInt(BLOCKS_ALLOCATED, whole ? blocks : 0);
        putUuid(h, UUID_CREATE);
        putUuid(h, UUID_MODIFY);
        return h;
    }

    private static void putUuid(ByteBuffer header, int at) {
        UUID uuid = UUID.randomUUID();
        header.putLong(at, uuid.getMostSignificantBits());
        header.putLong(at + Long.BYTES, uuid.getLeastSignificantBits());
    }
}
