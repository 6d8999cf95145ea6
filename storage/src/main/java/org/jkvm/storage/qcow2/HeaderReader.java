package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/** Reads and checks a header (qcow2.txt, "Header" and "Header extensions"). The image may be hostile. */
final class HeaderReader {
    private static final int SECTOR = 512;
    private static final int FEATURE_NAME_ENTRY = 48;
    private static final int MAX_EXTENSIONS = 1000;

    private final ImageFile file;
    private final MemorySegment start;
    private int version;
    private int clusterBits;
    private int headerLength;

    private HeaderReader(ImageFile file, MemorySegment start) {
        this.file = file;
        this.start = start;
    }

    /**
     * Reads the header of {@code file}.
     *
     * @throws IOException with one line that says what is wrong with it
     */
    static Header read(ImageFile file) throws IOException {
        MemorySegment sector = Buffers.allocate(SECTOR);
        file.read(0, sector);
        int bits = (int) Math.clamp(Field.CLUSTER_BITS.get(sector), Header.MIN_CLUSTER_BITS, Header.MAX_CLUSTER_BITS);
        MemorySegment start = Buffers.allocate(1L << bits);
        file.read(0, start);
        return new HeaderReader(file, start).read();
    }

    private Header read() throws IOException {
        identify();
        List<Header.Extension> extensions = extensions();
        checkIncompatible(extensions);
        Header header = new Header(version, clusterBits, size(), l1Size(), table(Field.L1_TABLE_OFFSET, "L1 table"),
                table(Field.REFCOUNT_TABLE_OFFSET, "refcount table"), refcountTableClusters(), snapshotCount(),
                table(Field.SNAPSHOTS_OFFSET, "snapshot table"), v3(Field.INCOMPATIBLE_FEATURES, 0),
                v3(Field.COMPATIBLE_FEATURES, 0), v3(Field.AUTOCLEAR_FEATURES, 0), refcountOrder(), headerLength,
                compressionType(), (int) value(Field.CRYPT_METHOD), backingName(), extensions);
        checkTables(header);
        checkExtensions(header);
        return header;
    }

    private long value(Field field) {
        return field.get(start);
    }

    private long v3(Field field, long otherwise) {
        return version >= 3 && headerLength >= field.end() ? value(field) : otherwise;
    }

    private static void require(boolean condition, String message) throws IOException {
        if (!condition) {
            throw new IOException(message);
        }
    }

    private void identify() throws IOException {
        require(value(Field.MAGIC) == Header.MAGIC, "not a qcow2 image: its first bytes are not QFI\\xfb");
        version = (int) value(Field.VERSION);
        require(version == 2 || version == 3, "qcow2 version " + value(Field.VERSION) + " is not supported, 2 and 3 are");
        long bits = value(Field.CLUSTER_BITS);
        require(bits >= Header.MIN_CLUSTER_BITS && bits <= Header.MAX_CLUSTER_BITS, "corrupt qcow2 header: cluster_bits is "
                + bits + ", 9 to 21 are allowed");
        clusterBits = (int) bits;
        long length = version == 2 ? Header.LENGTH_V2 : value(Field.HEADER_LENGTH);
        require(version == 2 || length >= Header.LENGTH_V3 && length <= 1L << clusterBits && length % 8 == 0,
                "corrupt qcow2 header: header_length is " + length + ", a multiple of 8 from 104 to the cluster size "
                + (1L << clusterBits) + " is allowed");
        headerLength = (int) length;
        long crypt = value(Field.CRYPT_METHOD);
        require(crypt == Features.CRYPT_NONE || crypt == Features.CRYPT_LUKS, "qcow2 encryption by crypt_method " + crypt
                + " is not supported, LUKS (2) is");
    }

    private void checkIncompatible(List<Header.Extension> extensions) throws IOException {
        long bits = v3(Field.INCOMPATIBLE_FEATURES, 0);
        require((bits & Features.INCOMPATIBLE_EXTENDED_L2) == 0 || clusterBits >= Header.MIN_EXTENDED_CLUSTER_BITS,
                "corrupt qcow2 header: extended L2 entries need clusters of 16 KiB or more");
        long unknown = bits & ~(Features.INCOMPATIBLE_DIRTY | Features.INCOMPATIBLE_CORRUPT | Features.INCOMPATIBLE_DATA_FILE
                | Features.INCOMPATIBLE_COMPRESSION | Features.INCOMPATIBLE_EXTENDED_L2);
        require(unknown == 0, "qcow2 image needs features that are not supported: " + names(unknown, extensions));
    }

    private static String names(long bits, List<Header.Extension> extensions) {
        List<String> names = new ArrayList<>();
        for (int bit = 0; bit < Long.SIZE; bit++) {
            if (Bits.isSet(bits, bit)) {
                names.add(name(bit, extensions));
            }
        }
        return String.join(", ", names);
    }

    /** The feature's name by the image's own feature name table, made fit for a terminal. */
    private static String name(int bit, List<Header.Extension> extensions) {
        for (Header.Extension extension : extensions) {
            byte[] table = extension.data();
            for (int at = 0; extension.type() == Features.EXTENSION_FEATURE_NAMES
                    && at + FEATURE_NAME_ENTRY <= table.length; at += FEATURE_NAME_ENTRY) {
                if (table[at] == 0 && table[at + 1] == bit) {
                    return printable(table, at + 2, FEATURE_NAME_ENTRY - 2) + " (incompatible bit " + bit + ")";
                }
            }
        }
        return "unknown incompatible bit " + bit;
    }

    private static String printable(byte[] bytes, int from, int length) {
        return new String(bytes, from, length, StandardCharsets.US_ASCII).replaceAll("[^ -~]", "").strip();
    }

    private long size() throws IOException {
        long size = value(Field.SIZE);
        require(size >= 0 && size <= Long.MAX_VALUE - (1L << clusterBits), "corrupt qcow2 header: size "
                + Long.toUnsignedString(size) + " is too large");
        return Bits.alignDown(size, SECTOR);
    }

    private int l1Size() throws IOException {
        long entries = value(Field.L1_SIZE);
        require(entries <= Header.MAX_L1_BYTES / Long.BYTES, "corrupt qcow2 header: L1 table of " + entries
                + " entries, at most " + Header.MAX_L1_BYTES / Long.BYTES + " are supported");
        boolean extended = (v3(Field.INCOMPATIBLE_FEATURES, 0) & Features.INCOMPATIBLE_EXTENDED_L2) != 0;
        long needed = Header.l1EntriesFor(value(Field.SIZE), clusterBits, extended);
        require(entries >= needed, "corrupt qcow2 header: L1 table of " + entries + " entries, the disk's size needs "
                + needed);
        return (int) entries;
    }

    private int refcountTableClusters() throws IOException {
        long clusters = value(Field.REFCOUNT_TABLE_CLUSTERS);
        long most = Math.max(1, Header.MAX_REFCOUNT_TABLE_BYTES >> clusterBits);
        require(clusters >= 1 && clusters <= most, "corrupt qcow2 header: refcount table of " + clusters
                + " clusters, 1 to " + most + " are supported");
        return (int) clusters;
    }

    private int snapshotCount() throws IOException {
        long count = value(Field.NB_SNAPSHOTS);
        require(count <= Header.MAX_SNAPSHOTS, "corrupt qcow2 header: " + count + " snapshots, at most "
                + Header.MAX_SNAPSHOTS + " are supported");
        return (int) count;
    }

    private int refcountOrder() throws IOException {
        long order = v3(Field.REFCOUNT_ORDER, Header.REFCOUNT_ORDER_V2);
        require(order <= Header.MAX_REFCOUNT_ORDER, "corrupt qcow2 header: refcount_order is " + order
                + ", 0 to 6 are allowed");
        return (int) order;
    }

    private int compressionType() throws IOException {
        int type = (int) v3(Field.COMPRESSION_TYPE, Features.COMPRESSION_ZLIB);
        boolean flagged = (v3(Field.INCOMPATIBLE_FEATURES, 0) & Features.INCOMPATIBLE_COMPRESSION) != 0;
        require(type == Features.COMPRESSION_ZLIB || type == Features.COMPRESSION_ZSTD,
                "qcow2 compression type " + type + " is not supported, zlib (0) and zstd (1) are");
        require(flagged == (type != Features.COMPRESSION_ZLIB), "corrupt qcow2 header: compression type " + type
                + " contradicts the compression feature bit");
        return type;
    }

    private long table(Field field, String what) throws IOException {
        long offset = value(field);
        require(offset >= 0 && (offset & (1L << clusterBits) - 1) == 0, "corrupt qcow2 header: the " + what
                + "'s offset 0x" + Long.toHexString(offset) + " is not at a cluster boundary");
        return offset;
    }

    private void checkTables(Header h) throws IOException {
        inFile(h.l1Offset(), (long) h.l1Size() * Long.BYTES, "L1 table");
        inFile(h.refcountTableOffset(), (long) h.refcountTableClusters() << clusterBits, "refcount table");
        inFile(h.snapshotsOffset(), h.snapshotCount() == 0 ? 0 : 1, "snapshot table");
    }

    private static void checkExtensions(Header h) throws IOException {
        require(!h.hasDataFile() || !h.dataFileName().isEmpty()
                && h.dataFileName().chars().noneMatch(Character::isISOControl),
                "corrupt qcow2 header: the external data file's name is missing or has control characters");
        require(!h.encrypted() || h.encryption().length == 16, "corrupt qcow2 header: the image is encrypted and has no"
                + " encryption header");
        require(!h.hasDataFile() || h.backingName() == null || !h.rawDataFile(),
                "corrupt qcow2 header: a raw external data file"
                + " and a backing file");
        require(!h.hasDataFile() || !h.encrypted(), "encrypted qcow2 images with an external data file are not supported");
    }

    private void inFile(long offset, long length, String what) throws IOException {
        require(length == 0 || offset > 0 && offset <= file.size() - length, "corrupt or truncated qcow2 image: the "
                + what + " at 0x" + Long.toHexString(offset) + ", " + length + " bytes, lies outside the file of "
                + file.size() + " bytes");
    }

    private String backingName() throws IOException {
        long offset = value(Field.BACKING_FILE_OFFSET);
        long length = value(Field.BACKING_FILE_SIZE);
        if (offset == 0) {
            return null;
        }
        require(length <= Header.MAX_BACKING_NAME, "corrupt qcow2 header: the backing file's name has " + length
                + " bytes, at most " + Header.MAX_BACKING_NAME + " are allowed");
        require(offset > 0 && offset <= (1L << clusterBits) - length, "corrupt qcow2 header: the backing file's name lies"
                + " outside the first cluster");
        String name = new String(bytes(offset, (int) length), StandardCharsets.UTF_8);
        require(!name.isEmpty() && name.chars().noneMatch(Character::isISOControl), "corrupt qcow2 header: the"
                + " backing file's name has control characters or is empty");
        return name;
    }

    private byte[] bytes(long offset, int length) {
        return start.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private List<Header.Extension> extensions() throws IOException {
        List<Header.Extension> found = new ArrayList<>();
        long backing = value(Field.BACKING_FILE_OFFSET);
        long end = backing > 0 && backing < 1L << clusterBits ? backing : 1L << clusterBits;
        long at = headerLength;
        while (at + 8 <= end && Be.getInt(start, at) != Features.EXTENSION_END) {
            long length = Be.getUnsignedInt(start, at + 4);
            require(length <= end - at - 8 && found.size() < MAX_EXTENSIONS, "corrupt qcow2 header: extension 0x"
                    + Integer.toHexString(Be.getInt(start, at)) + " is longer than its place");
            found.add(new Header.Extension(Be.getInt(start, at), bytes(at + 8, (int) length)));
            at += 8 + Bits.alignUp(length, 8);
        }
        return found;
    }
}
