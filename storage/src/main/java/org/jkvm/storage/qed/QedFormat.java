package org.jkvm.storage.qed;

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
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.blocks.BlockLayer;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;
import org.jkvm.storage.qcow2.BackingName;

/** QED (QEMU, docs/interop/qed_spec.txt). All numbers are little-endian. */
public final class QedFormat implements ImageFormat {
    static final int MAGIC = 0x00444551;
    static final int CLUSTER_SIZE = 4;
    static final int TABLE_SIZE = 8;
    static final int HEADER_SIZE = 12;
    static final int FEATURES = 16;
    static final int AUTOCLEAR = 32;
    static final int L1_TABLE_OFFSET = 40;
    static final int IMAGE_SIZE = 48;
    static final int BACKING_OFFSET = 56;
    static final int BACKING_SIZE = 60;
    static final int LENGTH = 64;

    private static final long HAS_BACKING = 1;
    static final long NEED_CHECK = 2;
    private static final long BACKING_IS_RAW = 4;
    private static final int MAX_NAME = 1023;
    private static final int DEFAULT_CLUSTER = 1 << 16;
    private static final int DEFAULT_TABLE = 4;

    @Override
    public String name() {
        return "qed";
    }

    @Override
    public Layer open(Source source) throws IOException {
        ImageFile file = source.file();
        ByteBuffer h = Bytes.read(file, 0, LENGTH, ByteOrder.LITTLE_ENDIAN);
        require(h.getInt(0) == MAGIC, "not a QED image: its first bytes are not QED");
        long unknown = h.getLong(FEATURES) & ~(HAS_BACKING | NEED_CHECK | BACKING_IS_RAW);
        require(unknown == 0, "QED image needs features that are not supported: 0x" + Long.toHexString(unknown));
        int cluster = h.getInt(CLUSTER_SIZE);
        require(Bits.isPowerOfTwo(cluster) && cluster >= 1 << 12 && cluster <= 1 << 26,
                "corrupt QED header: cluster_size is " + cluster + ", a power of two from 4k to 64M is allowed");
        int table = h.getInt(TABLE_SIZE);
        require(Bits.isPowerOfTwo(table) && table >= 1 && table <= 16,
                "corrupt QED header: table_size is " + table + ", 1, 2, 4, 8 or 16 is allowed");
        QedMap map = new QedMap(file, h);
        long size = h.getLong(IMAGE_SIZE);
        require(size >= 0 && size % 512 == 0 && map.covers(size), "corrupt QED header: image_size " + size
                + " is too large");
        require(map.l1InFile(), "corrupt or truncated QED image: the L1 table lies outside the file");
        ImageInfo.Backing named = backing(source, h);
        Layer backing = named == null ? null : source.neighbours().backing(named);
        return new BlockLayer(new BlockLayer.Shape(source.path(), name(), size, cluster, true, named), file, map, backing,
                source.options());
    }

    private static ImageInfo.Backing backing(Source source, ByteBuffer h) throws IOException {
        if ((h.getLong(FEATURES) & HAS_BACKING) == 0) {
            return null;
        }
        long offset = Integer.toUnsignedLong(h.getInt(BACKING_OFFSET));
        int length = h.getInt(BACKING_SIZE);
        require(length > 0 && length <= MAX_NAME && offset + length <= Integer.toUnsignedLong(h.getInt(HEADER_SIZE))
                * h.getInt(CLUSTER_SIZE), "corrupt QED header: the backing file's name lies outside the header");
        ByteBuffer bytes = Bytes.read(source.file(), offset, length, ByteOrder.LITTLE_ENDIAN);
        String name = new String(bytes.array(), StandardCharsets.UTF_8);
        require(name.chars().noneMatch(Character::isISOControl), "corrupt QED header: the backing file's name has control"
                + " characters");
        return new ImageInfo.Backing(name, BackingName.resolve(source.path(), name),
                (h.getLong(FEATURES) & BACKING_IS_RAW) == 0 ? null : "raw");
    }

    @Override
    public boolean creatable() {
        return true;
    }

    @Override
    public Map<String, String> creationOptions() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("backing_file", "the backing file");
        options.put("backing_fmt", "its format");
        options.put("cluster_size", "a power of two from 4k to 64M; 64k unless given");
        options.put("table_size", "clusters of an L1 or L2 table: 1, 2, 4 (the default), 8 or 16");
        return options;
    }

    @Override
    public void create(NewImage image, CreateOptions options) throws IOException {
        int cluster = options.moreSize("cluster_size", DEFAULT_CLUSTER);
        int table = options.moreSize("table_size", DEFAULT_TABLE);
        if (!Bits.isPowerOfTwo(cluster) || cluster < 1 << 12 || cluster > 1 << 26 || !Bits.isPowerOfTwo(table)
                || table > 16) {
            throw new UserException("cluster_size=" + cluster + ",table_size=" + table
                    + ": a power of two from 4k to 64M, and 1,"
                    + " 2, 4, 8 or 16, are allowed");
        }
        byte[] name = options.backingFile() == null ? new byte[0] : options.backingFile().getBytes(StandardCharsets.UTF_8);
        if (name.length > MAX_NAME) {
            throw new UserException("the backing file's name is longer than " + MAX_NAME + " bytes");
        }
        ByteBuffer h = ByteBuffer.allocate(LENGTH + name.length).order(ByteOrder.LITTLE_ENDIAN);
        h.putInt(0, MAGIC);
        h.putInt(CLUSTER_SIZE, cluster);
        h.putInt(TABLE_SIZE, table);
        h.putInt(HEADER_SIZE, 1);
        h.putLong(FEATURES, name.length == 0 ? 0 : HAS_BACKING | ("raw".equals(options.backingFormat()) ? BACKING_IS_RAW
                : 0));
        h.putLong(L1_TABLE_OFFSET, cluster);
        h.putLong(IMAGE_SIZE, options.size());
        h.putInt(BACKING_OFFSET, name.length == 0 ? 0 : LENGTH);
        h.putInt(BACKING_SIZE, name.length);
        h.put(LENGTH, name);
        if (!new QedMap(image.file(), h).covers(options.size())) {
            throw new UserException("size " + options.size() + " is too large for cluster_size=" + cluster);
        }
        image.file().setSize(cluster + (long) cluster * table);
        Bytes.write(image.file(), 0, h);
    }
}
