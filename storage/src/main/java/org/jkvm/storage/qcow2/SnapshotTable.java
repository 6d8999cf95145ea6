package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.storage.ImageInfo;
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
    /** In the extra data: the VM state's size in 64 bits, and the instruction count. */
    private static final int EXTRA_VM_STATE_SIZE = 0;
    private static final int EXTRA_ICOUNT = 16;
    private static final int MAX_EXTRA = 1024;
    private static final long MAX_BYTES = 64 << 20;

    /** One snapshot: its L1 table, where its entry ends in the file, and what it says. */
    record Snapshot(long l1Offset, int l1Size, long entryEnd, ImageInfo.Snapshot info) {
    }

    private SnapshotTable() {
    }

    /**
     * Reads the table.
     *
     * @throws IOException where it is damaged
     */
    static List<Snapshot> read(ImageFile file, Header header) throws IOException {
        List<Snapshot> snapshots = new ArrayList<>();
        long at = header.snapshotsOffset();
        for (int i = 0; i < header.snapshotCount(); i++) {
            Snapshot snapshot = entry(file, header, at);
            at = snapshot.entryEnd();
            require(at - header.snapshotsOffset() <= MAX_BYTES, "the snapshot table is too long");
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
        return new Snapshot(l1Offset, (int) l1Size, Bits.alignUp(at + FIXED + extra + idSize + nameSize, 8),
                info(fixed, rest, (int) extra, text(rest, extra, idSize), text(rest, extra + idSize, nameSize)));
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
