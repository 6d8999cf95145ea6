package org.jkvm.storage.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.RepairResult;
import org.jkvm.storage.Snapshots;
import org.jkvm.storage.qcow2.Creator;
import org.jkvm.storage.qcow2.Qcow2Layer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Images that are small and say that they have much: what is read of the file stays near what is in it. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BoundedWorkTest {
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int CLUSTER = 1 << 16;
    private static final long L1 = 16 * CLUSTER;
    private static final long L2 = 64 * CLUSTER;
    private static final long DATA = 65 * CLUSTER;
    private static final long END = 66 * CLUSTER;
    private static final int MANY = 1 << 18;

    private final Counting file = new Counting();

    /** Counts what is read of it. */
    private static final class Counting extends MemoryFile {
        private long read;

        @Override
        public synchronized void read(long offset, MemorySegment target) throws IOException {
            read += target.byteSize();
            super.read(offset, target);
        }
    }

    @BeforeEach
    void create() throws IOException {
        create(CLUSTER, 16);
    }

    private void create(int cluster, int refcountBits) throws IOException {
        Creator.create(file, new CreateOptions("qcow2", 1 << 20, CreateOptions.Preallocation.OFF, cluster, 3, refcountBits,
                false, false, null, null).withMore(Map.of()));
    }

    private Qcow2Layer open(boolean readOnly) throws IOException {
        return Qcow2Layer.open(Path.of("hostile"), file, OpenOptions.defaults().withReadOnly(readOnly), _ -> null);
    }

    private CheckResult check() throws IOException {
        try (Qcow2Layer layer = open(true)) {
            return layer.check().orElseThrow();
        }
    }

    private void put(long at, long... values) throws IOException {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Long.BYTES]);
        for (int i = 0; i < values.length; i++) {
            bytes.setAtIndex(LONG, i, values[i]);
        }
        file.write(at, bytes);
    }

    private long get(long at) throws IOException {
        MemorySegment bytes = MemorySegment.ofArray(new byte[Long.BYTES]);
        file.read(at, bytes);
        return bytes.get(LONG, 0);
    }

    private void activeL1(long entries, long offset) throws IOException {
        put(36, entries << 32 | offset >>> 32, offset << 32 | get(48) >>> 32);
    }

    /** The active L1 table becomes {@code entries} times the same entry. */
    private void sharedL2(int entries) throws IOException {
        activeL1(entries, L1);
        long[] l1 = new long[entries];
        Arrays.fill(l1, L2);
        put(L1, l1);
        put(L2, DATA);
        file.setSize(END);
    }

    @Test
    void snapshotsThatShareAnL1TableAreCheckedOnce() throws IOException {
        int snapshots = 20_000;
        long table = END;
        put(60, (long) snapshots << 32 | table >>> 32, table << 32);
        for (int i = 0; i < snapshots; i++) {
            // They overlap; id "1", name "n".
            put(table + i * 48L, L1 + i % 4 * CLUSTER, (long) MANY << 32 | 1 << 16 | 1);
            put(table + i * 48L + 40, 0x316e000000000000L);
        }
        put(L1 + 4 * CLUSTER, L2);
        put(L2, DATA);
        file.setSize(table + snapshots * 48L);
        CheckResult result = check();
        assertThat(result.messages()).contains("ERROR cluster " + L1 / CLUSTER + " refcount=0 reference=" + snapshots / 4,
                "ERROR cluster " + DATA / CLUSTER + " refcount=0 reference=" + snapshots);
        assertThat(file.read).isLessThan(100 << 20);
    }

    @Test
    void anL2TableThatIsEverywhereIsCheckedOnce() throws IOException {
        sharedL2(MANY);
        assertThat(check().messages()).contains("ERROR cluster " + DATA / CLUSTER + " refcount=0 reference=" + MANY);
        assertThat(file.read).isLessThan(100 << 20);
    }

    @Test
    void anL2TableThatIsEverywhereIsRepairedOnce() throws IOException {
        sharedL2(1 << 12);
        RepairResult result = Qcow2Layer.repair(file, true);
        assertThat(result.left().messages()).isEmpty();
        assertThat(file.read).isLessThan(100 << 20);
    }

    @Test
    void noSnapshotIsMadeOfAnL2TableThatIsEverywhere() throws IOException {
        sharedL2(1 << 12);
        Qcow2Layer.repair(file, true);
        file.read = 0;
        try (Qcow2Layer layer = open(false)) {
            Snapshots snapshots = layer.snapshots().orElseThrow();
            assertThatThrownBy(() -> snapshots.create(new Snapshots.Label("s", 1, 1, 0)))
                    .hasMessage("two entries of an L1 table refer to the L2 table at 0x" + Long.toHexString(L2)
                            + ": the image is corrupt");
        }
        assertThat(check().messages()).isEmpty();
        assertThat(file.read).isLessThan(10 << 20);
    }

    @Test
    void aRefcountBlockCountsForOnePlaceOnly() throws IOException {
        create(CLUSTER, 1);
        long table = get(48);
        long[] blocks = new long[CLUSTER / Long.BYTES];
        Arrays.fill(blocks, get(table));
        put(table, blocks);
        CheckResult result = check();
        assertThat(result.corruptions()).isEqualTo(blocks.length);
        assertThat(result.messages()).contains("ERROR refcount block 1 at 0x" + Long.toHexString(blocks[0])
                + " is another block too");
        assertThat(Qcow2Layer.repair(file, true).left().messages()).isEmpty();
    }

    /** One L2 table whose entries lie in a hundred parts of the file, each counted by a block of its own, by turns. */
    @Test
    void refcountBlocksAreReadInOrder() throws IOException {
        create(1 << 21, 64);
        int cluster = 1 << 21;
        long table = get(48);
        int parts = 100;
        long span = (long) (cluster / Long.BYTES) * cluster;
        long[] blocks = new long[parts];
        for (int i = 1; i < parts; i++) {
            blocks[i] = (100L + i) * cluster;
            put(blocks[i], 1, 1);
        }
        blocks[0] = get(table);
        put(table, blocks);
        activeL1(1, 40L * cluster);
        put(40L * cluster, 50L * cluster);
        for (int i = 0; i < cluster / Long.BYTES; i++) {
            put(50L * cluster + i * Long.BYTES, i % parts * span | 1L << 63);
        }
        file.setSize(parts * span);
        check();
        assertThat(file.read).isLessThan(600L << 20);
    }

    /** The largest there may be, half of it used: opening takes it in once, not once for each entry, which took minutes. */
    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aLargeRefcountTableIsTakenInOnce() throws IOException {
        int entries = (8 << 20) / Long.BYTES;
        long first = get(get(48));
        put(L2 + entries / 2L * Long.BYTES, 1L << 40);
        put(L2, first);
        put(48, L2, (long) (entries / (CLUSTER / Long.BYTES)) << 32);
        file.setSize(L2 + (long) entries * Long.BYTES);
        file.read = 0;
        open(true).close();
        assertThat(file.read).isBetween(8L << 20, 10L << 20);
    }

    @Test
    void bitmapsDoNotShareATable() throws IOException {
        try (Qcow2Layer layer = open(false)) {
            layer.grow(1 << 20);
            layer.bitmaps().orElseThrow().add("one", 512);
            layer.bitmaps().orElseThrow().add("two", 512);
            layer.write(0, MemorySegment.ofArray(new byte[512]));
        }
        long directory = 0;
        for (long at = 0; at < file.size() && directory == 0; at += CLUSTER) {
            directory = get(at + 16) == 0x0109000300000000L ? at : 0;
        }
        put(directory + 32, get(directory));
        assertThat(check().messages())
                .contains("ERROR corrupt qcow2 image: two bitmaps have the table at 0x"
                        + Long.toHexString(get(directory)));
    }
}
