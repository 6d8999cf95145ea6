package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Snapshots inside an image: made, applied and removed here and by QEMU's tool, against arrays. */
class SnapshotTest {
    private static final int SIZE = 1 << 20;

    @TempDir
    Path folder;

    private Path image(int clusterSize, int version, int refcountBits) {
        Path path = folder.resolve("d.qcow2");
        Images.create(path, new CreateOptions("qcow2", SIZE, CreateOptions.Preallocation.OFF, clusterSize, version,
                refcountBits, false, false, null, null));
        return path;
    }

    private static Image open(Path path) {
        return Images.open(path, OpenOptions.defaults());
    }

    private static Snapshots.Label label(String name) {
        return new Snapshots.Label(name, 1_700_000_000L, 123, 0);
    }

    private static void assertSound(Image disk) throws IOException {
        assertThat(disk.check().orElseThrow().messages()).isEmpty();
    }

    @Test
    void keepsContentsAndSize() throws IOException {
        byte[] before = Disks.random(1, SIZE);
        try (Image disk = open(image(4096, 3, 16))) {
            Snapshots snapshots = disk.snapshots().orElseThrow();
            Disks.write(disk, 0, before);
            assertThat(snapshots.create(label("früher"))).isEqualTo(
                    new ImageInfo.Snapshot("1", "früher", 0, 1_700_000_000L, 123, 0, -1));
            Disks.write(disk, 512, Disks.random(2, SIZE / 2));
            disk.grow(2 * SIZE);
            Disks.write(disk, SIZE, before);
            assertSound(disk);
            snapshots.apply("früher");
            assertThat(disk.size()).isEqualTo(SIZE);
            assertThat(Disks.read(disk, 0, SIZE)).isEqualTo(before);
            assertSound(disk);
            snapshots.delete("1");
            assertThat(snapshots.list()).isEmpty();
            assertThat(Disks.read(disk, 0, SIZE)).isEqualTo(before);
            assertSound(disk);
            assertThat(disk.info().dirty()).isFalse();
        }
    }

    @Test
    void refusesWhatCannotBe() throws IOException {
        Path path = image(4096, 3, 1);
        try (Image disk = open(path)) {
            Disks.write(disk, 0, Disks.random(1, SIZE));
            Snapshots snapshots = disk.snapshots().orElseThrow();
            assertThatThrownBy(() -> snapshots.create(label("a"))).hasMessageContaining("1 bits");
            assertThatThrownBy(() -> snapshots.create(label(""))).hasMessageContaining("1 to 255");
            assertThatThrownBy(() -> snapshots.apply("none")).hasMessageContaining("no snapshot 'none'");
            assertSound(disk);
            assertThat(disk.info().dirty()).isFalse();
        }
        try (Image disk = Images.open(path, OpenOptions.defaults().withReadOnly(true))) {
            assertThatThrownBy(() -> disk.snapshots().orElseThrow().create(label("a"))).hasMessageContaining("read-only");
        }
    }

    @Test
    void qemuUsesSnapshotsMadeHere() throws IOException {
        Disks.requireQemuImg();
        Path path = image(65536, 3, 16);
        byte[] before = Disks.random(1, SIZE);
        try (Image disk = open(path)) {
            Disks.write(disk, 0, before);
            disk.snapshots().orElseThrow().create(label("one"));
            disk.snapshots().orElseThrow().create(label("two"));
            Disks.write(disk, 0, Disks.random(2, SIZE));
        }
        assertThat(Disks.qemuImg(folder, "snapshot", "-l", "d.qcow2").output()).contains("one").contains("two");
        qemu("check", "d.qcow2");
        qemu("snapshot", "-a", "two", "d.qcow2");
        qemu("snapshot", "-d", "one", "d.qcow2");
        try (Image disk = open(path)) {
            assertThat(Disks.read(disk, 0, SIZE)).isEqualTo(before);
            assertThat(disk.snapshots().orElseThrow().list()).extracting(ImageInfo.Snapshot::name).containsExactly("two");
            disk.snapshots().orElseThrow().delete("two");
        }
        qemu("check", "d.qcow2");
    }

    private void qemu(String... arguments) {
        Disks.Outcome outcome = Disks.qemuImg(folder, arguments);
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }

    @Test
    void anotherBackingFile() throws IOException {
        byte[] data = Disks.random(1, SIZE);
        Files.write(folder.resolve("base.raw"), data);
        Path path = image(512, 3, 16);
        try (Image disk = open(path)) {
            disk.nameBacking("base.raw", "raw");
            assertThatThrownBy(() -> disk.nameBacking("x".repeat(500), "raw")).hasMessageContaining("does not fit");
        }
        try (Image disk = open(path)) {
            assertThat(disk.info().backing().orElseThrow().format()).isEqualTo("raw");
            assertThat(Disks.read(disk, 0, SIZE)).isEqualTo(data);
            disk.nameBacking(null, null);
            assertThat(disk.info().backing()).isEmpty();
        }
        try (Image disk = open(path)) {
            assertThat(Disks.read(disk, 0, SIZE)).isEqualTo(new byte[SIZE]);
            assertSound(disk);
        }
    }

    static LongStream seeds() {
        Long given = Long.getLong("jkvm.seed");
        return given != null ? LongStream.of(given) : new Random().longs(6);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void randomSequences(long seed) throws IOException {
        Random random = new Random(seed);
        int version = random.nextInt(3) == 0 ? 2 : 3;
        boolean extended = version == 3 && random.nextBoolean();
        Path path = folder.resolve("d.qcow2");
        Images.create(path, new CreateOptions("qcow2", SIZE, CreateOptions.Preallocation.OFF,
                extended ? 1 << 14 + random.nextInt(3) : 512 << random.nextInt(8), version,
                version == 2 ? 16 : 4 << random.nextInt(5), false, false, null, null)
                .withMore(extended ? Map.of("extended_l2", "on") : Map.of()));
        byte[] now = new byte[SIZE];
        Map<String, byte[]> kept = new LinkedHashMap<>();
        try (Image disk = open(path)) {
            for (int step = 0; step < 80; step++) {
                now = step(disk, random, now, kept);
                assertThat(Arrays.mismatch(Disks.read(disk, 0, now.length), now)).as("seed %d step %d", seed, step)
                        .isEqualTo(-1);
            }
            assertThat(disk.check().orElseThrow().messages()).as("seed %d", seed).isEmpty();
            for (Map.Entry<String, byte[]> snapshot : kept.entrySet()) {
                disk.snapshots().orElseThrow().apply(snapshot.getKey());
                assertThat(Arrays.mismatch(Disks.read(disk, 0, snapshot.getValue().length), snapshot.getValue()))
                        .as("seed %d snapshot %s", seed, snapshot.getKey()).isEqualTo(-1);
            }
            assertThat(disk.check().orElseThrow().messages()).as("seed %d", seed).isEmpty();
        }
        Disks.Outcome check = Disks.qemuImg(folder, "check", "d.qcow2");
        assertThat(check.status()).as("seed " + seed + check.output()).isLessThanOrEqualTo(0);
    }

    /** One random change; returns what the disk holds after it. */
    private static byte[] step(Image disk, Random random, byte[] now, Map<String, byte[]> kept) throws IOException {
        Snapshots snapshots = disk.snapshots().orElseThrow();
        String some = kept.isEmpty() ? null
                : kept.keySet().stream().skip(random.nextInt(kept.size())).findFirst().orElseThrow();
        int offset = random.nextInt(now.length / 512) * 512;
        int length = Math.min(512 * (1 + random.nextInt(200)), now.length - offset);
        switch (random.nextInt(8)) {
            case 0 -> {
                if (kept.size() < 5) {
                    kept.put(snapshots.create(label("s" + random.nextInt())).name(), now.clone());
                }
            }
            case 1 -> {
                if (some != null) {
                    snapshots.apply(some);
                    return kept.get(some).clone();
                }
            }
            case 2 -> {
                if (some != null) {
                    snapshots.delete(some);
                    kept.remove(some);
                }
            }
            case 3 -> {
                int size = now.length + 512 * random.nextInt(100);
                disk.grow(size);
                return Arrays.copyOf(now, size);
            }
            case 4 -> {
                Disks.await(disk.writeZeroes(offset, length, random.nextBoolean()));
                Arrays.fill(now, offset, offset + length, (byte) 0);
            }
            default -> {
                byte[] data = Disks.random(random.nextLong(), length);
                Disks.write(disk, offset, data);
                System.arraycopy(data, 0, now, offset, length);
            }
        }
        return now;
    }
}
