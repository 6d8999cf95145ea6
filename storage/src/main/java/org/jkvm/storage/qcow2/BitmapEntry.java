package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/**
 * A bitmap's entry in the bitmap directory (qcow2.txt, "Bitmap directory").
 *
 * @param at where it is in the file
 * @param granularityBits log2 of the bytes that a bit stands for, 9 to 31
 * @param extra extra data that must be kept, opaque
 */
record BitmapEntry(long at, long tableOffset, int tableSize, int flags, int granularityBits, String name, byte[] extra) {
    static final int FIXED = 24;
    static final int TABLE_OFFSET = 0;
    static final int TABLE_SIZE = 8;
    static final int FLAGS = 12;
    private static final int TYPE = 16;
    private static final int GRANULARITY_BITS = 17;
    private static final int NAME_SIZE = 18;
    private static final int EXTRA_DATA_SIZE = 20;

    /** Not saved properly: what is in it says nothing. */
    static final int IN_USE = 1;
    /** Records all changes. */
    static final int AUTO = 2;
    /** Who does not know the extra data may use the bitmap all the same. */
    private static final int EXTRA_DATA_COMPATIBLE = 4;

    private static final int TYPE_DIRTY_TRACKING = 1;
    private static final int MAX_NAME = 1023;
    /** Bounds of the format's other implementation, and ours. */
    private static final int MAX_ENTRIES = 65535;
    private static final int MAX_DIRECTORY = 64 << 20;
    /** A thousand bitmaps of a large disk have no more in their tables. */
    private static final int MAX_TABLE_ENTRIES = 1 << 26;
    private static final int EXTENSION = 24;

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    BitmapEntry withTable(long offset, int size) {
        return new BitmapEntry(at, offset, size, flags, granularityBits, name, extra);
    }

    BitmapEntry withFlags(int now) {
        return new BitmapEntry(at, tableOffset, tableSize, now, granularityBits, name, extra);
    }

    /** Bytes that it takes, a multiple of eight. */
    int length() {
        return length(name, extra.length);
    }

    /** Bytes that an entry with {@code extra} bytes of extra data takes. */
    static int length(String name, int extra) {
        return (int) Bits.alignUp(FIXED + extra + name.getBytes(StandardCharsets.UTF_8).length, 8);
    }

    /** The entry as it is in the file. */
    byte[] bytes() {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        MemorySegment entry = MemorySegment.ofArray(new byte[length()]);
        Be.putLong(entry, TABLE_OFFSET, tableOffset);
        Be.putInt(entry, TABLE_SIZE, tableSize);
        Be.putInt(entry, FLAGS, flags);
        Be.putByte(entry, TYPE, TYPE_DIRTY_TRACKING);
        Be.putByte(entry, GRANULARITY_BITS, granularityBits);
        Be.putShort(entry, NAME_SIZE, text.length);
        Be.putInt(entry, EXTRA_DATA_SIZE, extra.length);
        entry.asSlice(FIXED, extra.length).copyFrom(MemorySegment.ofArray(extra));
        entry.asSlice(FIXED + extra.length, text.length).copyFrom(MemorySegment.ofArray(text));
        return (byte[]) entry.heapBase().orElseThrow();
    }

    /** Where the directory is. */
    record Directory(long offset, long size, long count) {
        /** The directory of valid bitmaps; null where there is none. */
        static Directory of(Header header) throws IOException {
            byte[] data = header.extension(Features.EXTENSION_BITMAPS);
            if (data == null || (header.autoclear() & Features.AUTOCLEAR_BITMAPS) == 0) {
                return null;
            }
            MemorySegment extension = MemorySegment.ofArray(data);
            require(data.length == EXTENSION, "the bitmaps extension has " + data.length + " bytes");
            Directory found = new Directory(Be.getLong(extension, 16), Be.getLong(extension, 8),
                    Be.getUnsignedInt(extension, 0));
            require(found.count > 0 && found.count <= MAX_ENTRIES && found.size > 0 && found.size <= MAX_DIRECTORY
                    && found.offset > 0 && (found.offset & header.clusterSize() - 1) == 0,
                    "the bitmap directory at 0x" + Long.toHexString(found.offset) + " is out of range");
            return found;
        }

        /** The header extension's contents. */
        byte[] extension() {
            MemorySegment extension = MemorySegment.ofArray(new byte[EXTENSION]);
            Be.putInt(extension, 0, (int) count);
            Be.putLong(extension, 8, size);
            Be.putLong(extension, 16, offset);
            return (byte[]) extension.heapBase().orElseThrow();
        }
    }

    /**
     * All entries of a directory.
     *
     * @throws CorruptException where it is damaged
     */
    static List<BitmapEntry> read(ImageFile file, Directory directory) throws IOException {
        List<BitmapEntry> entries = new ArrayList<>();
        require(directory.offset() <= file.size() - directory.size(), "the bitmap directory ends beyond the file");
        MemorySegment bytes = Buffers.allocate(directory.size());
        file.read(directory.offset(), bytes);
        long at = 0;
        for (long i = 0; i < directory.count(); i++) {
            BitmapEntry entry = entry(bytes.asSlice(Math.min(at, bytes.byteSize())), directory.offset() + at);
            entries.add(entry);
            at += entry.length();
        }
        checkTables(entries);
        return entries;
    }

    /** That tables are bitmaps' own bounds what all bitmaps together can make work of. */
    private static void checkTables(List<BitmapEntry> entries) throws IOException {
        long total = 0;
        long end = 0;
        for (BitmapEntry entry : entries.stream().filter(e -> e.tableSize > 0)
                .sorted(Comparator.comparingLong(BitmapEntry::tableOffset)).toList()) {
            require(entry.tableOffset >= end, "two bitmaps have the table at 0x" + Long.toHexString(entry.tableOffset));
            end = entry.tableOffset + (long) entry.tableSize * Long.BYTES;
            total += entry.tableSize;
        }
        require(total <= MAX_TABLE_ENTRIES, "the bitmaps' tables have " + total + " entries, at most " + MAX_TABLE_ENTRIES
                + " are supported");
    }

    private static BitmapEntry entry(MemorySegment rest, long at) throws IOException {
        require(rest.byteSize() >= FIXED, "the bitmap directory is too short");
        int nameSize = Be.getShort(rest, NAME_SIZE);
        long extraSize = Be.getUnsignedInt(rest, EXTRA_DATA_SIZE);
        require(nameSize > 0 && nameSize <= MAX_NAME && extraSize <= rest.byteSize() - FIXED - nameSize,
                "a bitmap's entry is longer than the directory");
        int bits = Be.getByte(rest, GRANULARITY_BITS);
        int flags = Be.getInt(rest, FLAGS);
        require(Be.getByte(rest, TYPE) == TYPE_DIRTY_TRACKING && 1L << bits >= Bitmaps.MIN_GRANULARITY
                && bits < Long.SIZE && 1L << bits <= Bitmaps.MAX_GRANULARITY,
                "a bitmap of type " + Be.getByte(rest, TYPE) + " with 2^" + bits + " bytes a bit");
        require((flags & ~(IN_USE | AUTO | EXTRA_DATA_COMPATIBLE)) == 0
                && (extraSize == 0 || (flags & EXTRA_DATA_COMPATIBLE) != 0), "a bitmap has features that are not known");
        byte[] extra = rest.asSlice(FIXED, extraSize).toArray(ValueLayout.JAVA_BYTE);
        String name = new String(rest.asSlice(FIXED + extraSize, nameSize).toArray(ValueLayout.JAVA_BYTE),
                StandardCharsets.UTF_8);
        long size = Be.getUnsignedInt(rest, TABLE_SIZE);
        require(size <= Header.MAX_L1_BYTES / Long.BYTES, "a bitmap's table has " + size + " entries");
        require(name.getBytes(StandardCharsets.UTF_8).length == nameSize && name.chars().noneMatch(Character::isISOControl),
                "a bitmap's name is no text");
        return new BitmapEntry(at, Be.getLong(rest, TABLE_OFFSET), (int) size, flags, bits, name, extra);
    }

    /** Refuses a name that cannot be in a directory. */
    static void checkName(String name) throws IOException {
        int length = name.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > MAX_NAME || name.chars().anyMatch(Character::isISOControl)) {
            throw new IOException("a bitmap's name has 1 to " + MAX_NAME + " bytes and no control characters");
        }
    }

    private static void require(boolean condition, String message) throws CorruptException {
        if (!condition) {
            throw new CorruptException(message);
        }
    }
}
