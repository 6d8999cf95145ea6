package org.jkvm.storage.qcow2;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Snapshots;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/** The table of internal snapshots (qcow2.txt, "Snapshots"). */
final class SnapshotTable {
    private static final int FIXED = 40;
    private static final int L1_TABLE_OFFSET = 0;
    private static final int L1_SIZE = 8;
    private static final int ID_STR_SIZE = 12;
    private static final int NAME_SIZE = 14;
    private static final int DATE_SEC = 16;
    private static final int DATE_NSEC = 20;
    private static final int VM_CLOCK_NSEC = 24;
    private static final int VM_STATE_SIZE = 32;
    private static final int EXTRA_DATA_SIZE = 36;
    /** In the extra data: the VM state's size in 64 bits, the disk's size, and the instruction count. */
    private static final int EXTRA_VM_STATE_SIZE = 0;
    private static final int EXTRA_DISK_SIZE = 8;
    private static final int EXTRA_ICOUNT = 16;
    private static final int MAX_EXTRA = 1024;
    private static final int MAX_BYTES = 64 << 20;
    private static final int NEW_EXTRA = 24;
    private static final int MAX_NAME = 255;

    /**
     * One snapshot: its L1 table, where its entry ends in the file, the disk's size or -1 where it is not said, what it
     * says, and its entry as it is in the file.
     */
    record Snapshot(long l1Offset, int l1Size, long entryEnd, long diskSize, ImageInfo.Snapshot info, byte[] entry) {
    }

    private SnapshotTable() {
    }

    /**
     * Reads the table.
     *
     * @throws IOException where it is damaged
     */
    static List<Snapshot> read(ImageFile file, Header header) throws IOException {
        return read(file, header, header.snapshotsOffset(), header.snapshotCount());
    }

    /** Reads the table of {@code count} snapshots at {@code offset}. */
    static List<Snapshot> read(ImageFile file, Header header, long offset, long count) throws IOException {
        List<Snapshot> snapshots = new ArrayList<>();
        long at = offset;
        for (long i = 0; i < count; i++) {
            Snapshot snapshot = entry(file, header, at);
            at = snapshot.entryEnd();
            require(at - offset <= MAX_BYTES, "the snapshot table is too long");
            snapshots.add(snapshot);
        }
        return snapshots;
    }

    private static Snapshot entry(ImageFile file, Header header, long at) throws IOException {
        require(at <= file.size() - FIXED, "the snapshot table ends beyond the file");
        MemorySegment fixed = Buffers.allocate(FIXED);
        file.read(at, fixed);
        long extra = Be.getUnsignedInt(fixed, EXTRA_DATA_SIZE);
        require(extra <= MAX_EXTRA, "a snapshot has " + extra + " bytes of extra data, at most " + MAX_EXTRA
                + " are supported");
        int idSize = Be.getShort(fixed, ID_STR_SIZE);
        int nameSize = Be.getShort(fixed, NAME_SIZE);
        MemorySegment rest = Buffers.allocate(extra + idSize + nameSize);
        file.read(at + FIXED, rest);
        long l1Offset = Be.getLong(fixed, L1_TABLE_OFFSET);
        long l1Size = Be.getUnsignedInt(fixed, L1_SIZE);
        checkL1(file, header, l1Offset, l1Size);
        long diskSize = extra >= EXTRA_DISK_SIZE + 8 ? Be.getLong(rest, EXTRA_DISK_SIZE) : -1;
        return new Snapshot(l1Offset, (int) l1Size, Bits.alignUp(at + FIXED + extra + idSize + nameSize, 8), diskSize,
                info(fixed, rest, (int) extra, text(rest, extra, idSize), text(rest, extra + idSize, nameSize)),
                joined(fixed, rest));
    }

    private static byte[] joined(MemorySegment fixed, MemorySegment rest) {
        MemorySegment all = MemorySegment.ofArray(new byte[(int) (fixed.byteSize() + rest.byteSize())]);
        all.asSlice(0, fixed.byteSize()).copyFrom(fixed);
        all.asSlice(fixed.byteSize()).copyFrom(rest);
        return (byte[]) all.heapBase().orElseThrow();
    }

    /**
     * The entry of a new snapshot.
     *
     * @throws IOException where the label does not fit into one
     */
    static byte[] entry(String id, Snapshots.Label label, long l1Offset, int l1Size, long diskSize) throws IOException {
        byte[] idBytes = id.getBytes(StandardCharsets.UTF_8);
        byte[] name = label.name().getBytes(StandardCharsets.UTF_8);
        if (name.length == 0 || name.length > MAX_NAME) {
            throw new IOException("a snapshot's name has 1 to " + MAX_NAME + " bytes, not " + name.length);
        }
        MemorySegment entry = MemorySegment.ofArray(new byte[FIXED + NEW_EXTRA + idBytes.length + name.length]);
        Be.putLong(entry, L1_TABLE_OFFSET, l1Offset);
        Be.putInt(entry, L1_SIZE, l1Size);
        Be.putShort(entry, ID_STR_SIZE, idBytes.length);
        Be.putShort(entry, NAME_SIZE, name.length);
        Be.putInt(entry, DATE_SEC, (int) label.epochSeconds());
        Be.putInt(entry, DATE_NSEC, label.nanos());
        Be.putLong(entry, VM_CLOCK_NSEC, label.vmClockNanos());
        Be.putInt(entry, EXTRA_DATA_SIZE, NEW_EXTRA);
        Be.putLong(entry, FIXED + EXTRA_DISK_SIZE, diskSize);
        Be.putLong(entry, FIXED + EXTRA_ICOUNT, -1);
        entry.asSlice(FIXED + NEW_EXTRA, idBytes.length).copyFrom(MemorySegment.ofArray(idBytes));
        entry.asSlice(FIXED + NEW_EXTRA + idBytes.length).copyFrom(MemorySegment.ofArray(name));
        return (byte[]) entry.heapBase().orElseThrow();
    }

    /** A table of these entries, each at a multiple of eight bytes. */
    static byte[] table(List<byte[]> entries) throws IOException {
        ByteArrayOutputStream table = new ByteArrayOutputStream();
        for (byte[] entry : entries) {
            table.write(entry);
            table.write(new byte[-entry.length & 7]);
        }
        if (table.size() > MAX_BYTES || entries.size() > Header.MAX_SNAPSHOTS) {
            throw new IOException("the image has no room for one more snapshot");
        }
        return table.toByteArray();
    }

    private static void checkL1(ImageFile file, Header header, long offset, long entries) throws IOException {
        require(entries <= Header.MAX_L1_BYTES / Long.BYTES && offset >= 0
                && (offset & header.clusterSize() - 1) == 0 && offset <= file.size(),
                "a snapshot's L1 table at 0x" + Long.toHexString(offset) + ", " + entries + " entries, is out of range");
    }

    private static ImageInfo.Snapshot info(MemorySegment fixed, MemorySegment rest, int extra, String id, String name) {
        long state = extra >= EXTRA_VM_STATE_SIZE + 8 ? Be.getLong(rest, EXTRA_VM_STATE_SIZE)
                : Be.getUnsignedInt(fixed, VM_STATE_SIZE);
        long icount = extra >= EXTRA_ICOUNT + 8 ? Be.getLong(rest, EXTRA_ICOUNT) : -1;
        return new ImageInfo.Snapshot(id, name, state, Be.getUnsignedInt(fixed, DATE_SEC),
                Be.getUnsignedInt(fixed, DATE_NSEC), Be.getLong(fixed, VM_CLOCK_NSEC), icount);
    }

    private static String text(MemorySegment rest, long offset, int length) {
        byte[] bytes = rest.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
        return new String(bytes, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "?");
    }

    private static void require(boolean condition, String message) throws IOException {
        if (!condition) {
            throw new CorruptException(message);
        }
    }
}
