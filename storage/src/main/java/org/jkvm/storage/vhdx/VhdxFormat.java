package org.jkvm.storage.vhdx;

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
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.blocks.BlockLayer;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;

/** VHDX, fixed and dynamic (Microsoft, MS-VHDX: Virtual Hard Disk v2 File Format). All numbers are little-endian. */
public final class VhdxFormat implements ImageFormat {
    private static final String SIGNATURE = "vhdxfile";
    private static final int IDENTIFIER_LENGTH = 520;
    private static final int MEBIBYTE = 1 << 20;
    private static final long LOG_OFFSET = MEBIBYTE;
    private static final int LOG_LENGTH = MEBIBYTE;
    private static final long METADATA_OFFSET = 2L * MEBIBYTE;
    private static final long BAT_OFFSET = 3L * MEBIBYTE;

    @Override
    public String name() {
        return "vhdx";
    }

    @Override
    public Layer open(Source source) throws IOException {
        ByteBuffer start = Bytes.read(source.file(), 0, SIGNATURE.length(), ByteOrder.LITTLE_ENDIAN);
        require(new String(start.array(), StandardCharsets.ISO_8859_1).equals(SIGNATURE),
                "not a VHDX image: its first bytes are not vhdxfile");
        Headers headers = Headers.read(source.file());
        ImageFile file = replayed(source.file(), headers, source.options());
        Regions regions = Regions.read(file);
        VhdxMetadata metadata = VhdxMetadata.read(file, regions.metadata());
        require(metadata.batEntries() * Long.BYTES <= regions.bat().length(), "corrupt VHDX image: a disk of "
                + metadata.size() + " bytes is too large for its block allocation table");
        BlockLayer.Shape shape = new BlockLayer.Shape(source.path(), name(), metadata.size(), metadata.blockSize(), true,
                null);
        return new BlockLayer(shape, file, new VhdxMap(file, headers, metadata, regions), null,
                source.options());
    }

    /** The file with what its log says. */
    private static ImageFile replayed(ImageFile file, Headers headers, OpenOptions options) throws IOException {
        if (!headers.hasLog()) {
            return file;
        }
        Log log = new Log(file, headers);
        if (options.readOnly()) {
            PatchedFile patched = new PatchedFile(file);
            log.replay(patched);
            return patched;
        }
        log.replay(new Replay(file));
        file.flush();
        headers.forgetLog();
        return file;
    }

    @Override
    public boolean creatable() {
        return true;
    }

    @Override
    public Map<String, String> creationOptions() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("subformat", "dynamic (the default) or fixed");
        options.put("block_size", "a power of two from 1M to 256M; by the disk's size unless given");
        return options;
    }

    /** Small blocks for small disks, so that they stay small, and tables that stay small for large ones. */
    private static int blockSize(long size) {
        return size > 32L << 40 ? 64 * MEBIBYTE : size > 100L << 30 ? 32 * MEBIBYTE : size > 1L << 30 ? 16 * MEBIBYTE
                : 8 * MEBIBYTE;
    }

    @Override
    public void create(NewImage image, CreateOptions options) throws IOException {
        int block = options.moreSize("block_size", 0) == 0 ? blockSize(options.size()) : options.moreSize("block_size", 0);
        if (!Bits.isPowerOfTwo(block) || block < MEBIBYTE || block > 256 * MEBIBYTE) {
            throw new UserException("block_size=" + block + ": a power of two from 1M to 256M is allowed");
        }
        if (options.size() > VhdxMetadata.MAX_SIZE) {
            throw new UserException("size " + options.size() + " is too large for format vhdx: at most 64 TiB are allowed");
        }
        boolean fixed = options.choice("subformat", "dynamic", "fixed").equals("fixed");
        write(image.file(), new VhdxMetadata(options.size(), block, 512), fixed);
    }

    private static void write(ImageFile file, VhdxMetadata metadata, boolean fixed) throws IOException {
        long batLength = Bits.alignUp(Math.max(1, metadata.batEntries() * Long.BYTES), MEBIBYTE);
        long data = BAT_OFFSET + batLength;
        long blocks = Math.ceilDiv(metadata.size(), metadata.blockSize());
        file.setSize(fixed ? data + blocks * metadata.blockSize() : data);
        ByteBuffer identifier = ByteBuffer.allocate(IDENTIFIER_LENGTH);
        identifier.put(0, SIGNATURE.getBytes(StandardCharsets.US_ASCII));
        identifier.put(SIGNATURE.length(), "jkvm".getBytes(StandardCharsets.UTF_16LE));
        Bytes.write(file, 0, identifier);
        Regions regions = new Regions(new Regions.Region(BAT_OFFSET, batLength),
                new Regions.Region(METADATA_OFFSET, MEBIBYTE));
        regions.write(file);
        metadata.write(file, METADATA_OFFSET);
        Headers.create(file, LOG_OFFSET, LOG_LENGTH);
        if (fixed) {
            VhdxMap map = new VhdxMap(file, Headers.read(file), metadata, regions);
            for (long i = 0; i < blocks; i++) {
                map.link(i, data + i * metadata.blockSize());
            }
            map.write();
        }
    }
}
