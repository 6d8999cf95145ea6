package org.jkvm.storage.parallels;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.blocks.BlockLayer;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;

/** Parallels expandable images (QEMU, docs/interop/parallels.txt, "Catalog file"). All numbers are little-endian. */
public final class ParallelsFormat implements ImageFormat {
    static final int MAGIC_LENGTH = 16;
    static final String OLD = "WithoutFreeSpace";
    static final String EXTENDED = "WithouFreSpacExt";
    static final int VERSION = 16;
    static final int HEADS = 20;
    static final int CYLINDERS = 24;
    static final int TRACKS = 28;
    static final int BAT_ENTRIES = 32;
    static final int NB_SECTORS = 36;
    static final int IN_USE = 44;
    static final int DATA_OFFSET = 48;
    static final int EXT_OFF = 56;
    static final int BAT = 64;
    /** "Yont" and "v2.1". */
    static final int IN_USE_MAGIC = 0x746f6e59;
    static final int CLOSED_MAGIC = 0x312e3276;

    private static final int SECTOR = 512;
    private static final int HEAD_COUNT = 16;
    private static final int SECTORS_A_TRACK = 63;
    private static final int MAX_CLUSTER = 256 << 20;
    private static final int DEFAULT_CLUSTER = 1 << 20;

    @Override
    public String name() {
        return "parallels";
    }

    @Override
    public Layer open(Source source) throws IOException {
        ImageFile file = source.file();
        ByteBuffer header = Bytes.read(file, 0, BAT, ByteOrder.LITTLE_ENDIAN);
        String magic = new String(header.array(), 0, MAGIC_LENGTH, StandardCharsets.ISO_8859_1);
        require(magic.equals(OLD) || magic.equals(EXTENDED), "not a Parallels image: no magic is at its start");
        require(header.getInt(VERSION) == 2, "Parallels image version " + header.getInt(VERSION)
                + " is not supported, 2 is");
        long cluster = Integer.toUnsignedLong(header.getInt(TRACKS)) * SECTOR;
        require(cluster > 0 && cluster <= MAX_CLUSTER, "corrupt Parallels header: clusters of " + cluster + " bytes");
        long entries = Integer.toUnsignedLong(header.getInt(BAT_ENTRIES));
        long sectors = magic.equals(EXTENDED) ? header.getLong(NB_SECTORS)
                : Integer.toUnsignedLong(header.getInt(NB_SECTORS));
        require(sectors >= 0 && sectors <= entries * (cluster / SECTOR), "corrupt Parallels header: a disk of " + sectors
                + " sectors in " + entries + " clusters of " + cluster + " bytes");
        require(BAT + entries * Integer.BYTES <= file.size(), "truncated Parallels image: its table ends beyond the file");
        BlockLayer.Shape shape = new BlockLayer.Shape(source.path(), name(), sectors * SECTOR, (int) cluster, true, null);
        return new BlockLayer(shape, file, new ParallelsMap(file, header, magic.equals(EXTENDED) ? cluster : SECTOR,
                (int) cluster), null, source.options());
    }

    @Override
    public boolean creatable() {
        return true;
    }

    @Override
    public Map<String, String> creationOptions() {
        return Map.of("cluster_size", "a power of two from 64k to 256M; 1M unless given");
    }

    @Override
    public void create(NewImage image, CreateOptions options) throws IOException {
        int cluster = options.moreSize("cluster_size", DEFAULT_CLUSTER);
        if (!Bits.isPowerOfTwo(cluster) || cluster < 1 << 16 || cluster > MAX_CLUSTER) {
            throw new UserException("cluster_size=" + cluster + ": a power of two from 64k to 256M is allowed");
        }
        long entries = Math.ceilDiv(options.size(), cluster);
        if (entries > Integer.MAX_VALUE / Integer.BYTES) {
            throw new UserException("size " + options.size() + " is too large for cluster_size=" + cluster);
        }
        long data = Bits.alignUp(BAT + entries * Integer.BYTES, cluster);
        ByteBuffer h = ByteBuffer.allocate(BAT).order(ByteOrder.LITTLE_ENDIAN);
        h.put(0, EXTENDED.getBytes(StandardCharsets.US_ASCII));
        h.putInt(VERSION, 2);
        h.putInt(HEADS, HEAD_COUNT);
        h.putInt(CYLINDERS, (int) Math.min(Integer.MAX_VALUE, options.size() / SECTOR / HEAD_COUNT / SECTORS_A_TRACK));
        h.putInt(TRACKS, cluster / SECTOR);
        h.putInt(BAT_ENTRIES, (int) entries);
        h.putLong(NB_SECTORS, options.size() / SECTOR);
        h.putInt(IN_USE, CLOSED_MAGIC);
        h.putInt(DATA_OFFSET, (int) (data / SECTOR));
        Bytes.write(image.file(), 0, h);
        image.file().setSize(data);
    }
}
