package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.Pieces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every disk does, whatever its format. Subclasses make an empty disk. */
abstract class BlockDeviceContract {
    static final int SIZE = 5 << 20;

    @TempDir
    Path folder;

    /** Makes a disk of {@link #SIZE} bytes that reads as zeroes; returns its path. */
    abstract Path create() throws IOException;

    /** How it is opened. */
    abstract OpenOptions options();

    /** Whether disks of this kind can become larger and smaller. */
    boolean resizes() {
        return true;
    }

    /** Whether the image knows what was never written. */
    boolean sparse() {
        return true;
    }

    /** Whether clusters can be packed one by one. */
    boolean packs() {
        return false;
    }

    Image open(Path path) {
        return Images.open(path, options());
    }

    @Test
    void readsZeroesAtFirst() throws IOException {
        try (Image disk = open(create())) {
            assertThat(disk.size()).isEqualTo(SIZE);
            assertZero(Disks.read(disk, 0, SIZE));
        }
    }

    private static void assertZero(byte[] data) {
        assertThat(Arrays.mismatch(data, new byte[data.length])).isEqualTo(-1);
    }

    @Test
    void readsWhatWasWrittenAndKeepsIt() throws IOException {
        Path path = create();
        byte[] data = Disks.random(1, 200 * 512);
        try (Image disk = open(path)) {
            Disks.write(disk, 99 * 512, data);
            assertThat(Disks.read(disk, 99 * 512, data.length)).isEqualTo(data);
        }
        try (Image disk = open(path)) {
            assertThat(Disks.read(disk, 99 * 512, data.length)).isEqualTo(data);
            assertZero(Disks.read(disk, 0, 99 * 512));
        }
    }

    @Test
    void takesHeapMemoryToo() throws IOException {
        byte[] data = Disks.random(2, 4096);
        byte[] target = new byte[4096];
        try (Image disk = open(create())) {
            Disks.await(disk.write(512, MemorySegment.ofArray(data)));
            Disks.await(disk.read(512, MemorySegment.ofArray(target)));
        }
        assertThat(target).isEqualTo(data);
    }

    /** More pieces than the host takes at once, and none of them whole sectors. */
    @Test
    void takesPiecesOfAnyLength() throws IOException {
        byte[] data = Disks.random(21, 3000 * 512);
        try (Image disk = open(create()); Arena arena = Arena.ofShared()) {
            MemorySegment from = arena.allocateFrom(ValueLayout.JAVA_BYTE, data);
            MemorySegment to = arena.allocate(data.length);
            Disks.await(disk.write(7 * 512, pieces(from, 500)));
            assertThat(Disks.read(disk, 7 * 512, data.length)).isEqualTo(data);
            Disks.await(disk.read(7 * 512, pieces(to, 700)));
            assertThat(to.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data);
        }
    }

    private static Pieces pieces(MemorySegment memory, int length) {
        List<MemorySegment> pieces = new ArrayList<>();
        for (long at = 0; at < memory.byteSize(); at += length) {
            pieces.add(memory.asSlice(at, Math.min(length, memory.byteSize() - at)));
        }
        return Pieces.of(pieces);
    }

    @Test
    void discardKeepsNeighbours() throws IOException {
        byte[] data = Disks.random(3, 1 << 20);
        try (Image disk = open(create())) {
            Disks.write(disk, 0, data);
            Disks.await(disk.discard(4096, 512 * 1024));
            assertThat(Disks.read(disk, 0, 4096)).isEqualTo(Arrays.copyOf(data, 4096));
            int after = 4096 + 512 * 1024;
            assertThat(Disks.read(disk, after, data.length - after))
                    .isEqualTo(Arrays.copyOfRange(data, after, data.length));
        }
    }

    @Test
    void writeZeroesReadsAsZeroes() throws IOException {
        Path path = create();
        byte[] data = Disks.random(4, 1 << 20);
        for (boolean mayUnmap : List.of(false, true)) {
            try (Image disk = open(path)) {
                Disks.write(disk, 0, data);
                Disks.await(disk.writeZeroes(512 * 3, 512 * 1000, mayUnmap));
                byte[] expected = data.clone();
                Arrays.fill(expected, 512 * 3, 512 * 1003, (byte) 0);
                assertThat(Disks.read(disk, 0, data.length)).isEqualTo(expected);
            }
        }
    }

    @Test
    void refusesWhatIsOutsideOrNotInSectors() throws IOException {
        try (Image disk = open(create()); Arena arena = Arena.ofShared()) {
            MemorySegment sector = arena.allocate(512);
            assertFails(disk.read(SIZE, sector), "beyond its end");
            assertFails(disk.write(SIZE - 256, sector), "units of 512");
            assertFails(disk.write(-512, sector), "beyond its end");
            assertFails(disk.read(0, arena.allocate(100)), "units of 512");
            assertFails(disk.discard(Long.MAX_VALUE - 511, 1024), "beyond its end");
            assertFails(disk.writeZeroes(512, Long.MAX_VALUE - 511, true), "beyond its end");
            assertFails(disk.discard(0, -512), "beyond its end");
        }
    }

    static void assertFails(CompletableFuture<Void> request, String message) {
        assertThatThrownBy(() -> Disks.await(request)).isInstanceOf(IOException.class).hasMessageContaining(message)
                .message().doesNotContain("\n");
    }

    @Test
    void readOnlyRefusesWrites() throws IOException {
        try (Image disk = Images.open(create(), options().withReadOnly(true))) {
            assertThat(disk.readOnly()).isTrue();
            assertFails(disk.write(0, MemorySegment.ofArray(new byte[512])), "read-only");
            assertFails(disk.discard(0, 512), "read-only");
            assertFails(disk.writeZeroes(0, 512, true), "read-only");
            Disks.await(disk.flush());
        }
    }

    @Test
    void failsAfterClose() throws IOException {
        Image disk = open(create());
        disk.close();
        assertFails(disk.read(0, MemorySegment.ofArray(new byte[512])), "closed");
    }

    @Test
    void excludesASecondWriter() throws IOException {
        Path path = create();
        try (Image writer = open(path)) {
            assertThatThrownBy(() -> open(path)).isInstanceOf(UserException.class).hasMessageContaining("in use");
            assertThatThrownBy(() -> Images.open(path, options().withReadOnly(true))).hasMessageContaining("in use");
            try (Image shared = Images.open(path, options().withForceShare(true))) {
                assertThat(shared.size()).isEqualTo(writer.size());
            }
        }
        try (Image again = open(path)) {
            assertThat(again.readOnly()).isFalse();
        }
    }

    @Test
    void letsReadersShare() throws IOException {
        Path path = create();
        OpenOptions readOnly = options().withReadOnly(true);
        try (Image one = Images.open(path, readOnly); Image two = Images.open(path, readOnly)) {
            assertThat(Disks.read(one, 0, 512)).isEqualTo(Disks.read(two, 0, 512));
            assertThatThrownBy(() -> open(path)).hasMessageContaining("in use");
        }
    }

    @Test
    void growsAndReadsZeroesThere() throws IOException {
        assumeTrue(resizes(), "the format keeps its disks' sizes");
        Path path = create();
        byte[] data = Disks.random(5, 512);
        try (Image disk = open(path)) {
            Disks.write(disk, SIZE - 512, data);
            disk.grow(SIZE * 3L);
            assertThat(disk.size()).isEqualTo(SIZE * 3L);
            assertZero(Disks.read(disk, SIZE, SIZE));
            Disks.write(disk, SIZE * 3L - 512, data);
        }
        try (Image disk = open(path)) {
            assertThat(Disks.read(disk, SIZE * 3L - 512, 512)).isEqualTo(data);
            assertThat(Disks.read(disk, SIZE - 512, 512)).isEqualTo(data);
        }
    }

    @Test
    void servesManyRequestsAtOnce() throws IOException {
        byte[] expected = new byte[SIZE];
        Random random = new Random(6);
        int piece = 3 * 512;
        try (Image disk = open(create()); Arena arena = Arena.ofShared()) {
            List<CompletableFuture<Void>> requests = new ArrayList<>();
            for (int at = 0; at + piece <= SIZE; at += piece) {
                byte[] data = new byte[piece];
                random.nextBytes(data);
                System.arraycopy(data, 0, expected, at, piece);
                requests.add(disk.write(at, arena.allocate(piece).copyFrom(MemorySegment.ofArray(data))));
            }
            requests.add(disk.flush());
            for (CompletableFuture<Void> request : requests) {
                Disks.await(request);
            }
            assertThat(Disks.read(disk, 0, SIZE)).isEqualTo(expected);
            disk.check().ifPresent(result -> assertThat(result.messages()).isEmpty());
        }
    }

    /** All stretches of the disk, which must cover it without gap or overlap. */
    private static List<BlockStatus> statuses(Image disk) throws IOException {
        List<BlockStatus> all = new ArrayList<>();
        for (long at = 0; at < disk.size(); at += all.getLast().length()) {
            all.add(disk.status(at, disk.size() - at));
            assertThat(all.getLast().start()).isEqualTo(at);
            assertThat(all.getLast().length()).isBetween(1L, disk.size() - at);
        }
        return all;
    }

    /** What a status says is so: zeroes are zeroes, and data is in the file at the place named. */
    private static void assertTrue(Image disk, BlockStatus s) throws IOException {
        byte[] there = Disks.read(disk, s.start(), (int) s.length());
        if (s.zero()) {
            assertZero(there);
        } else if (s.hasOffset()) {
            try (RandomAccessFile file = new RandomAccessFile(s.file().toFile(), "r")) {
                byte[] stored = new byte[(int) Math.clamp(file.length() - s.offset(), 0, s.length())];
                file.seek(s.offset());
                file.readFully(stored);
                assertThat(Arrays.mismatch(Arrays.copyOf(stored, there.length), there)).isEqualTo(-1);
            }
        }
    }

    @Test
    void saysWhereItsContentsAre() throws IOException {
        assumeTrue(sparse(), "the format does not know what was written");
        try (Image disk = open(create())) {
            assertThat(statuses(disk)).noneMatch(BlockStatus::data);
            Disks.write(disk, 1 << 20, Disks.random(7, 300 * 512));
            Disks.write(disk, SIZE - 512, Disks.random(8, 512));
            Disks.await(disk.writeZeroes(1 << 20, 512 * 16, false));
            Disks.await(disk.flush());
            List<BlockStatus> statuses = statuses(disk);
            for (BlockStatus s : statuses) {
                assertTrue(disk, s);
            }
            assertThat(statuses).anyMatch(s -> s.data() && s.start() + s.length() == SIZE && s.depth() == 0 && s.present());
            assertThat(statuses).anyMatch(s -> s.zero() && s.start() < 4 << 20);
            assertThat(disk.status((1 << 20) + 512 * 100, 512).length()).isEqualTo(512);
            assertThatThrownBy(() -> disk.status(SIZE, 512)).hasMessageContaining("beyond its end");
            assertThatThrownBy(() -> disk.status(0, 0)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void packsClusters() throws IOException {
        assumeTrue(packs(), "the format has no packed clusters beside others");
        Path path = create();
        byte[] random = Disks.random(9, SIZE);
        try (Image disk = open(path)) {
            int cluster = Math.toIntExact(Math.max(512, disk.info().clusterSize()));
            byte[] text = new byte[cluster];
            for (int i = 0; i < cluster; i++) {
                text[i] = (byte) (i / 7 % 11);
            }
            List<Integer> packed = new ArrayList<>();
            for (int at = 0; at + cluster <= SIZE && packed.size() < 40; at += cluster) {
                if (Disks.get(disk.writeCompressed(at, MemorySegment.ofArray(text)))) {
                    packed.add(at);
                }
            }
            assertThat(packed).isNotEmpty();
            assertThat(Disks.get(disk.writeCompressed(0, MemorySegment.ofArray(Arrays.copyOf(random, cluster))))).isFalse();
            for (int at : packed) {
                assertThat(Arrays.mismatch(Disks.read(disk, at, cluster), text)).as("at " + at).isEqualTo(-1);
                assertThat(disk.status(at, cluster).kind()).isEqualTo(BlockStatus.Kind.COMPRESSED);
            }
            // Half of them in place of others, and the first one plain again.
            Disks.write(disk, 0, Arrays.copyOf(random, cluster));
            text[3] ^= 1;
            for (int at : packed.subList(packed.size() / 2, packed.size())) {
                assertThat(Disks.get(disk.writeCompressed(at, MemorySegment.ofArray(text)))).isTrue();
                Disks.await(disk.flush());
                assertThat(Arrays.mismatch(Disks.read(disk, at, cluster), text)).as("again at " + at).isEqualTo(-1);
            }
            assertThat(Arrays.mismatch(Disks.read(disk, 0, cluster), Arrays.copyOf(random, cluster))).isEqualTo(-1);
        }
        try (Image disk = open(path)) {
            disk.check().ifPresent(result -> assertThat(result.messages()).isEmpty());
        }
    }

    @Test
    void shrinksAndForgetsWhatWasBeyond() throws IOException {
        assumeTrue(resizes(), "the format keeps its disks' sizes");
        Path path = create();
        byte[] data = Disks.random(10, SIZE);
        int smaller = (3 << 20) + 512 * 3;
        try (Image disk = open(path)) {
            Disks.write(disk, 0, data);
            disk.shrink(smaller);
            assertThat(disk.size()).isEqualTo(smaller);
            assertThat(Arrays.mismatch(Disks.read(disk, 0, smaller), Arrays.copyOf(data, smaller))).isEqualTo(-1);
            assertFails(disk.read(smaller, MemorySegment.ofArray(new byte[512])), "beyond its end");
            assertThatThrownBy(() -> disk.shrink(smaller + 512)).hasMessageContaining("no more than");
        }
        try (Image disk = open(path)) {
            assertThat(disk.size()).isEqualTo(smaller);
            disk.check().ifPresent(result -> assertThat(result.messages()).isEmpty());
            disk.grow(SIZE);
            assertZero(Disks.read(disk, smaller, SIZE - smaller));
            assertThat(Arrays.mismatch(Disks.read(disk, 0, smaller), Arrays.copyOf(data, smaller))).isEqualTo(-1);
        }
    }
}
