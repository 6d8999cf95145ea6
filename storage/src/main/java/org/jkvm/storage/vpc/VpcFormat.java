package org.jkvm.storage.vpc;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.blocks.BlockLayer;
import org.jkvm.storage.blocks.FlatMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;

/** VHD, fixed and dynamic (Microsoft, Virtual Hard Disk Image Format Specification, 1.0). Numbers are big-endian. */
public final class VpcFormat implements ImageFormat {
    /** "Dynamic Disk Header Format". */
    static final int HEADER_LENGTH = 1024;
    static final int TABLE_OFFSET = 16;
    static final int HEADER_VERSION = 24;
    static final int MAX_TABLE_ENTRIES = 28;
    static final int BLOCK_SIZE = 32;
    static final int HEADER_CHECKSUM = 36;
    static final long FREE = 0xffffffffL;

    private static final String COOKIE = "cxsparse";
    private static final int SECTOR = 512;
    private static final int DEFAULT_BLOCK = 2 << 20;
    private static final int MAX_BLOCK = 256 << 20;
    /** 2040 GiB: "the maximum size of a virtual hard disk". */
    private static final long MAX_SIZE = 2040L << 30;
    private static final long MAX_BLOCKS = 1L << 30;

    @Override
    public String name() {
        return "vpc";
    }

    @Override
    public Layer open(Source source) throws IOException {
        ImageFile file = source.file();
        Footer footer = Footer.read(file);
        long size = footer.size();
        require(size >= 0 && size % SECTOR == 0, "corrupt VHD footer: a disk of " + size + " bytes");
        return switch (footer.type()) {
            case Footer.FIXED -> fixed(source, size);
            case Footer.DYNAMIC -> dynamic(source, size, footer);
            default -> throw new IOException("VHD disk type " + footer.type()
                    + " is not supported; fixed (2) and dynamic (3)"
                    + " are");
        };
    }

    private Layer fixed(Source source, long size) throws IOException {
        require(size <= source.file().size() - Footer.LENGTH, "truncated VHD image: a disk of " + size
                + " bytes in a file of "
                + source.file().size());
        BlockLayer.Shape shape = new BlockLayer.Shape(source.path(), name(), size, DEFAULT_BLOCK, false, null);
        return new BlockLayer(shape, source.file(), new FlatMap(0, DEFAULT_BLOCK), null, source.options());
    }

    private Layer dynamic(Source source, long size, Footer footer) throws IOException {
        ImageFile file = source.file();
        long at = footer.dataOffset();
        require(at > 0 && at % SECTOR == 0 && at <= file.size() - HEADER_LENGTH,
                "corrupt VHD footer: the dynamic disk header lies outside the file");
        ByteBuffer h = Bytes.read(file, at, HEADER_LENGTH, ByteOrder.BIG_ENDIAN);
        require(new String(h.array(), 0, COOKIE.length(), StandardCharsets.ISO_8859_1).equals(COOKIE)
                && h.getInt(HEADER_CHECKSUM) == Footer.checksum(h, HEADER_CHECKSUM),
                "corrupt VHD image: the dynamic disk header's cookie or checksum is wrong");
        int block = h.getInt(BLOCK_SIZE);
        require(Bits.isPowerOfTwo(block) && block >= SECTOR && block <= MAX_BLOCK, "corrupt VHD header: blocks of " + block
                + " bytes");
        long table = h.getLong(TABLE_OFFSET);
        long entries = Integer.toUnsignedLong(h.getInt(MAX_TABLE_ENTRIES));
        require(size <= MAX_SIZE && size <= entries * block && size / block <= MAX_BLOCKS && table > 0
                && table % SECTOR == 0
                && table <= file.size() - entries * Integer.BYTES, "corrupt VHD header: a table of " + entries
                + " entries for a disk of " + size + " bytes, or outside the file");
        BlockLayer.Shape shape = new BlockLayer.Shape(source.path(), name(), size, block, true, null);
        VpcMap map = new VpcMap(file, footer, table, Math.ceilDiv(size, block), block);
        return new BlockLayer(shape, file, map, null, source.options());
    }

    @Override
    public boolean creatable() {
        return true;
    }

    @Override
    public Map<String, String> creationOptions() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("subformat", "dynamic (the default) or fixed");
        options.put("force_size", "on (the default): the size is kept, and not rounded to cylinders");
        return options;
    }

    @Override
    public void create(NewImage image, CreateOptions options) throws IOException {
        if (options.size() > MAX_SIZE) {
            throw new UserException("size " + options.size() + " is too large for format vpc: at most 2040 GiB are allowed");
        }
        if (!options.moreFlag("force_size", true)) {
            throw new UserException("force_size=off is not supported: sizes are kept");
        }
        boolean dynamic = options.choice("subformat", "dynamic", "fixed").equals("dynamic");
        Footer footer = Footer.of(options.size(), dynamic);
        if (dynamic) {
            createDynamic(image.file(), footer, options.size());
        } else {
            image.file().setSize(options.size());
            footer.write(image.file(), options.size());
        }
    }

    private static void createDynamic(ImageFile file, Footer footer, long size) throws IOException {
        long table = Footer.LENGTH + HEADER_LENGTH;
        int entries = (int) Math.ceilDiv(size, DEFAULT_BLOCK);
        ByteBuffer h = ByteBuffer.allocate(HEADER_LENGTH);
        h.put(0, COOKIE.getBytes(StandardCharsets.US_ASCII));
        h.putLong(COOKIE.length(), -1);
        h.putLong(TABLE_OFFSET, table);
        h.putInt(HEADER_VERSION, 0x00010000);
        h.putInt(MAX_TABLE_ENTRIES, entries);
        h.putInt(BLOCK_SIZE, DEFAULT_BLOCK);
        h.putInt(HEADER_CHECKSUM, Footer.checksum(h, HEADER_CHECKSUM));
        footer.write(file, 0);
        Bytes.write(file, Footer.LENGTH, h);
        long end = table + Bits.alignUp((long) entries * Integer.BYTES, SECTOR);
        Pages pages = new Pages(file, ByteOrder.BIG_ENDIAN);
        for (long at = table; at < end; at += Integer.BYTES) {
            pages.putInt(at, FREE);
        }
        pages.write();
        footer.write(file, end);
    }
}
