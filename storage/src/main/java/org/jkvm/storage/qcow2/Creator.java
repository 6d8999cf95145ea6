package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/**
 * Writes the smallest image that is one: header, refcount table, one refcount block, a disk of no bytes. The code that
 * grows images in use makes it as large as wanted.
 */
public final class Creator {
    private static final int HEADER_LENGTH = 112;
    private static final int FEATURE_NAME = 46;
    /** Clusters in use: header, refcount table, refcount block, in this order. */
    private static final int CLUSTERS = 3;

    private final CreateOptions options;
    private final MemorySegment head;
    private int at;

    private Creator(CreateOptions options) {
        this.options = options;
        this.head = Buffers.allocate(options.clusterSize());
        this.at = options.version() == 3 ? HEADER_LENGTH : Header.LENGTH_V2;
    }

    /**
     * Writes an image of a disk of no bytes into {@code file}, which is empty.
     *
     * @throws UserException where the options don't go together; nothing was written then
     */
    public static void create(ImageFile file, CreateOptions options) throws IOException {
        check(options);
        new Creator(options).write(file);
    }

    /** What {@link CreateOptions#more} may have. */
    public static Map<String, String> options() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("data_file", "the name of a file in the image's folder that has the disk's contents");
        options.put("data_file_raw", "on, that file is a raw image of the disk at all times, or off (the default)");
        options.put("encrypt.format", "luks");
        for (String name : List.of("cipher-alg", "cipher-mode", "hash-alg", "iter-time", "ivgen-alg", "key-secret")) {
            options.put("encrypt." + name, "as for format luks");
        }
        options.put("extended_l2", "on, clusters are divided into 32 subclusters, or off (the default)");
        return options;
    }

    private static void checkMore(CreateOptions o) {
        String dataFile = o.more().get("data_file");
        require(o.version() == 3 || o.more().isEmpty() || o.more().keySet().stream().allMatch(k -> k.startsWith("encrypt.")),
                "data_file and extended_l2 need compat=1.1");
        require(dataFile == null || !dataFile.isEmpty() && dataFile.indexOf('/') < 0 && !dataFile.equals(".."),
                "data_file=" + dataFile + ": the name of a file in the image's folder is allowed");
        require(dataFile != null || !o.flag("data_file_raw"), "data_file_raw=on needs data_file");
        require(!o.flag("data_file_raw") || o.backingFile() == null,
                "data_file_raw=on and a backing file do not go together");
        require(!o.flag("extended_l2") || o.clusterSize() >= 1 << Header.MIN_EXTENDED_CLUSTER_BITS,
                "extended_l2=on needs cluster_size=16k or more");
        require(o.secret() == null || o.choice("encrypt.format", "none", "luks").equals("luks"),
                "a passphrase needs encrypt.format=luks");
        require(o.secret() == null || dataFile == null, "encryption and data_file do not go together");
        require(o.secret() != null || o.choice("encrypt.format", "none", "luks").equals("none"),
                "encrypt.format=luks needs a passphrase: --object secret,id=ID,... and encrypt.key-secret=ID");
    }

    /** Refuses options that don't go together. */
    public static void check(CreateOptions o) {
        checkMore(o);
        require(Bits.isPowerOfTwo(o.clusterSize()) && o.clusterSize() >= 1 << Header.MIN_CLUSTER_BITS
                && o.clusterSize() <= 1 << Header.MAX_CLUSTER_BITS,
                "cluster_size=" + o.clusterSize() + ": a power of two from 512 to 2M is allowed");
        require(Bits.isPowerOfTwo(o.refcountBits()) && o.refcountBits() > 0 && o.refcountBits() <= Long.SIZE,
                "refcount_bits=" + o.refcountBits() + ": a power of two from 1 to 64 is allowed");
        require(o.version() == 3 || o.refcountBits() == 16, "refcount_bits other than 16 need compat=1.1");
        require(o.version() == 3 || !o.lazyRefcounts(), "lazy_refcounts=on needs compat=1.1");
        require(o.version() == 3 || !o.zstd(), "compression_type=zstd needs compat=1.1");
        require(o.backingFile() == null || o.backingFile().getBytes(StandardCharsets.UTF_8).length
                <= Header.MAX_BACKING_NAME, "the backing file's name is longer than " + Header.MAX_BACKING_NAME + " bytes");
        long entries = Header.l1EntriesFor(o.size(), Integer.numberOfTrailingZeros(o.clusterSize()),
                o.flag("extended_l2"));
        require(entries <= Header.MAX_L1_BYTES / Long.BYTES, "size " + o.size() + " is too large for cluster_size="
                + o.clusterSize());
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new UserException(message);
        }
    }

    private void write(ImageFile file) throws IOException {
        fixedFields();
        if (options.backingFormat() != null) {
            extension(Features.EXTENSION_BACKING_FORMAT, options.backingFormat().getBytes(StandardCharsets.UTF_8));
        }
        if (options.more().containsKey("data_file")) {
            extension(Features.EXTENSION_DATA_FILE, options.more().get("data_file").getBytes(StandardCharsets.UTF_8));
        }
        if (options.version() == 3 && room() >= featureNames().length + 16) {
            extension(Features.EXTENSION_FEATURE_NAMES, featureNames());
        }
        backingName();
        int clusterSize = options.clusterSize();
        MemorySegment table = Buffers.allocate(clusterSize);
        Be.putLong(table, 0, 2L * clusterSize);
        long[] block = new long[clusterSize / Long.BYTES];
        RefcountWidth width = new RefcountWidth(Integer.numberOfTrailingZeros(options.refcountBits()));
        for (int i = 0; i < CLUSTERS; i++) {
            block[width.wordOf(i)] = width.with(block[width.wordOf(i)], i, 1);
        }
        PointerTable.write(file, 2L * clusterSize, block);
        file.write(clusterSize, table);
        file.write(0, head);
        file.flush();
    }

    private void fixedFields() {
        Field.MAGIC.put(head, Header.MAGIC);
        Field.VERSION.put(head, options.version());
        Field.CLUSTER_BITS.put(head, Integer.numberOfTrailingZeros(options.clusterSize()));
        Field.REFCOUNT_TABLE_OFFSET.put(head, options.clusterSize());
        Field.REFCOUNT_TABLE_CLUSTERS.put(head, 1);
        if (options.version() == 3) {
            Field.INCOMPATIBLE_FEATURES.put(head, (options.zstd() ? Features.INCOMPATIBLE_COMPRESSION : 0)
                    | (options.more().containsKey("data_file") ? Features.INCOMPATIBLE_DATA_FILE : 0)
                    | (options.flag("extended_l2") ? Features.INCOMPATIBLE_EXTENDED_L2 : 0));
            Field.AUTOCLEAR_FEATURES.put(head, options.flag("data_file_raw") ? Features.AUTOCLEAR_DATA_FILE_RAW : 0);
            Field.COMPATIBLE_FEATURES.put(head, options.lazyRefcounts() ? Features.COMPATIBLE_LAZY_REFCOUNTS : 0);
            Field.REFCOUNT_ORDER.put(head, Integer.numberOfTrailingZeros(options.refcountBits()));
            Field.HEADER_LENGTH.put(head, HEADER_LENGTH);
            Field.COMPRESSION_TYPE.put(head, options.zstd() ? Features.COMPRESSION_ZSTD : Features.COMPRESSION_ZLIB);
        }
    }

    private byte[] backingBytes() {
        return options.backingFile() == null ? new byte[0] : options.backingFile().getBytes(StandardCharsets.UTF_8);
    }

    /** Bytes left in the first cluster for extensions. */
    private int room() {
        return options.clusterSize() - at - backingBytes().length;
    }

    private void extension(int type, byte[] data) {
        require(room() >= data.length + 16, "the backing file's name does not fit into a cluster of "
                + options.clusterSize() + " bytes: choose a larger cluster_size");
        Be.putInt(head, at, type);
        Be.putInt(head, at + 4, data.length);
        head.asSlice(at + 8, data.length).copyFrom(MemorySegment.ofArray(data));
        at += 8 + (int) Bits.alignUp(data.length, 8);
    }

    private static byte[] featureNames() {
        String[][] names = {
            {"0", "0", "dirty bit"},
            {"0", "1", "corrupt bit"},
            {"0", "2", "external data file"},
            {"0", "3", "compression type"},
            {"0", "4", "extended L2 entries"},
            {"1", "0", "lazy refcounts"},
            {"2", "0", "bitmaps"},
            {"2", "1", "raw external data"},
        };
        byte[] table = new byte[names.length * (2 + FEATURE_NAME)];
        for (int i = 0; i < names.length; i++) {
            int entry = i * (2 + FEATURE_NAME);
            table[entry] = Byte.parseByte(names[i][0]);
            table[entry + 1] = Byte.parseByte(names[i][1]);
            byte[] name = names[i][2].getBytes(StandardCharsets.US_ASCII);
            System.arraycopy(name, 0, table, entry + 2, name.length);
        }
        return table;
    }

    /** After the end-of-extensions mark, which is eight zero bytes. */
    private void backingName() {
        byte[] name = backingBytes();
        if (name.length > 0) {
            require(room() >= 8, "the backing file's name does not fit into a cluster of " + options.clusterSize()
                    + " bytes: choose a larger cluster_size");
            Field.BACKING_FILE_OFFSET.put(head, at + 8);
            Field.BACKING_FILE_SIZE.put(head, name.length);
            head.asSlice(at + 8, name.length).copyFrom(MemorySegment.ofArray(name));
        }
    }
}
