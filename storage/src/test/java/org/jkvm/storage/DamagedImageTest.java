package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Images that are wrong, by accident or by intent: one line, no crash, no memory eaten. */
class DamagedImageTest {
    private static final int CLUSTER = 4096;
    private static final int SIZE = 1 << 20;

    @TempDir
    Path folder;
    private Path path;

    @BeforeEach
    void makeImage() throws IOException {
        path = folder.resolve("d.qcow2");
        Images.create(path, new CreateOptions("qcow2", SIZE, CreateOptions.Preallocation.OFF, CLUSTER, 3, 16, false, false,
                null, null));
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            Disks.write(disk, 0, Disks.random(1, SIZE / 2));
        }
    }

    private void poke(int offset, int bytes, long value) throws IOException {
        byte[] image = Files.readAllBytes(path);
        for (int i = 0; i < bytes; i++) {
            image[offset + i] = (byte) (value >>> 8 * (bytes - 1 - i));
        }
        Files.write(path, image);
    }

    private long peek(long offset) throws IOException {
        return ByteBuffer.wrap(Files.readAllBytes(path)).getLong((int) offset);
    }

    private void refused(OpenOptions options, String message) {
        assertThatThrownBy(() -> Images.open(path, options).close()).isInstanceOf(UserException.class)
                .hasMessageContaining(message).hasMessageContaining(path.toString()).message().hasLineCount(1);
    }

    @ParameterizedTest
    @CsvSource({
        "4, 4, 7, version 7",
        "8, 8, 0x7fffffffffffff00, outside the first cluster",
        "20, 4, 8, cluster_bits is 8",
        "20, 4, 63, cluster_bits is 63",
        "24, 8, -1, is too large",
        "24, 8, 0x7000000000000000, the disk's size needs",
        "32, 4, 1, crypt_method 1",
        "32, 4, 2, no encryption header",
        "36, 4, 0, the disk's size needs",
        "36, 4, 0xffffffff, at most",
        "40, 8, 0x1001, not at a cluster boundary",
        "40, 8, 0x7ffffffffffff000, outside the file",
        "48, 8, 0, outside the file",
        "48, 8, 0x100000000, outside the file",
        "56, 4, 0, refcount table of 0 clusters",
        "56, 4, 0x10000, refcount table of 65536 clusters",
        "60, 4, 0x10001, snapshots",
        "72, 8, 4, name is missing",
        "72, 8, 16, 16 KiB or more",
        "72, 8, 0x8000000000000020, 'incompatible bit 5, unknown incompatible bit 63'",
        "72, 8, 8, contradicts",
        "72, 8, 2, marked as corrupt",
        "96, 4, 7, refcount_order is 7",
        "100, 4, 103, header_length is 103",
        "100, 4, 0x10000, header_length is 65536",
        "104, 1, 9, compression type 9",
        "116, 4, 0x7fffffff, longer than its place",
    })
    void refusesAHeaderThatIsWrong(int offset, int bytes, String value, String message) throws IOException {
        poke(offset, bytes, new BigInteger(value.replace("0x", ""), value.startsWith("0x") ? 16 : 10).longValue());
        refused(OpenOptions.defaults(), message);
    }

    @Test
    void namesUnknownFeaturesAsTheImageDoes() throws IOException {
        // The feature name table is the first extension, at 112; its third entry becomes incompatible bit 40.
        poke(120 + 2 * 48, 2, 40);
        poke(72, 8, 1L << 40);
        refused(OpenOptions.defaults(), "external data file (incompatible bit 40)");
    }

    @Test
    void corruptImagesMayBeRead() throws IOException {
        poke(72, 8, 2);
        try (Image disk = Images.open(path, OpenOptions.defaults().withReadOnly(true))) {
            assertThat(Disks.read(disk, 0, SIZE / 2)).isEqualTo(Disks.random(1, SIZE / 2));
            assertThat(disk.info().qcow2().orElseThrow().corrupt()).isTrue();
        }
    }

    @Test
    void refusesTruncatedTables() throws IOException {
        byte[] whole = Files.readAllBytes(path);
        for (int length : new int[] {0, 3, 4, 71, 72, 103, 104, 511, CLUSTER, 2 * CLUSTER, 3 * CLUSTER + 1}) {
            Files.write(path, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> Images.open(path, OpenOptions.defaults().withFormat("qcow2")).close())
                    .isInstanceOf(UserException.class).message().hasLineCount(1);
        }
    }

    @Test
    void rebuildsCountsOfAnImageNotClosed() throws IOException {
        // The refcount block is cluster 2: all counts forgotten, as lazy refcounts may leave them.
        byte[] image = Files.readAllBytes(path);
        Arrays.fill(image, 2 * CLUSTER, 3 * CLUSTER, (byte) 0);
        Files.write(path, image);
        poke(72, 8, 1);
        try (Image disk = Images.inspect(path, OpenOptions.defaults())) {
            assertThat(disk.check().orElseThrow().corruptions()).isPositive();
            assertThat(disk.info().dirty()).isTrue();
        }
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            assertThat(disk.check().orElseThrow().messages()).isEmpty();
            assertThat(disk.info().dirty()).isFalse();
            Disks.write(disk, SIZE / 2, Disks.random(2, SIZE / 2));
            assertThat(Disks.read(disk, 0, SIZE / 2)).isEqualTo(Disks.random(1, SIZE / 2));
        }
    }

    @Test
    void repairsCountsAndFlags() throws IOException {
        byte[] image = Files.readAllBytes(path);
        Arrays.fill(image, 2 * CLUSTER + 10, 2 * CLUSTER + 20, (byte) 0);
        // A count too high, and the flag of an L2 entry cleared.
        image[2 * CLUSTER + 2 * 40 + 1] = 2;
        Files.write(path, image);
        RepairResult leaks = Images.repair(path, OpenOptions.defaults(), false).orElseThrow();
        assertThat(leaks.left().leaks()).isZero();
        assertThat(leaks.left().corruptions()).isPositive();
        // A refcount block that is none.
        poke(CLUSTER + 8, 8, 0x123);
        RepairResult all = Images.repair(path, OpenOptions.defaults(), true).orElseThrow();
        assertThat(all.left().messages()).isEmpty();
        assertThat(all.corruptionsFixed()).isPositive();
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            assertThat(Disks.read(disk, 0, SIZE / 2)).isEqualTo(Disks.random(1, SIZE / 2));
        }
    }

    @Test
    void guestDataNeverOverwritesMetadata() throws IOException {
        // The disk's first cluster is said to lie where the L1 table is.
        long l1 = peek(40);
        long l2 = peek(l1) & 0xffffffffff00L;
        poke((int) l2, 8, l1 | 1L << 63);
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            assertThatThrownBy(() -> Disks.write(disk, 0, new byte[512])).hasMessageContaining("where metadata lies");
            assertThatThrownBy(() -> Disks.write(disk, 65536, new byte[512]))
                    .hasMessageContaining("not written to any more");
            assertThat(Disks.read(disk, 65536, 512))
                    .isEqualTo(Arrays.copyOfRange(Disks.random(1, SIZE), 65536, 66048));
        }
        refused(OpenOptions.defaults(), "marked as corrupt");
    }

    @Test
    void neverAllocatesMetadata() throws IOException {
        // Counts say that the L1 table's cluster is free.
        int cluster = (int) (peek(40) / CLUSTER);
        poke(2 * CLUSTER + cluster * 2, 2, 0);
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            assertThatThrownBy(() -> Disks.write(disk, SIZE / 2, new byte[512])).hasMessageContaining("counts as free");
        }
        refused(OpenOptions.defaults(), "marked as corrupt");
    }

    /** A refcount table that grows gives its old place away, which is the image's second cluster: guest data lies there then. */
    @Test
    void noClusterIsMetadataForGood() throws IOException {
        int size = 40 << 20;
        Images.create(path, new CreateOptions("qcow2", size, CreateOptions.Preallocation.OFF, 512, 3, 16, false, false,
                null, null));
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            Disks.write(disk, 512, Disks.random(1, size / 2));
            Disks.await(disk.flush());
            Disks.write(disk, 0, Disks.random(2, 512));
        }
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            Disks.write(disk, 0, Disks.random(3, 512));
            assertThat(Disks.read(disk, 0, 512)).isEqualTo(Disks.random(3, 512));
            assertThat(disk.check().orElseThrow().messages()).isEmpty();
            assertThat(disk.status(0, 512).offset()).isEqualTo(512);
        }
        assertThat(peek(48)).isNotEqualTo(512);
    }

    @Test
    void refusesCirclesOfBackingFiles() {
        Path a = folder.resolve("a.qcow2");
        Path b = folder.resolve("b.qcow2");
        Images.create(a, CreateOptions.over("b.qcow2", "qcow2", SIZE));
        Images.create(b, CreateOptions.over("a.qcow2", "qcow2", SIZE));
        assertThatThrownBy(() -> Images.open(a, OpenOptions.defaults())).hasMessageContaining("circle")
                .message().hasLineCount(1);
    }

    @Test
    void refusesBackingFilesThatAreNone() {
        for (String name : new String[] {"none", ".", "nbd://host/disk", "json:{}"}) {
            Images.create(folder.resolve("a.qcow2"), CreateOptions.over(name, "raw", SIZE));
            assertThatThrownBy(() -> Images.open(folder.resolve("a.qcow2"), OpenOptions.defaults()))
                    .isInstanceOf(UserException.class).message().hasLineCount(1);
        }
    }

    @Test
    void survivesRandomDamage() throws IOException {
        long seed = Long.getLong("jkvm.seed", new Random().nextLong());
        Random random = new Random(seed);
        byte[] good = Files.readAllBytes(path);
        for (int round = 0; round < 100; round++) {
            byte[] bad = good.clone();
            // Header, tables and the refcount block lie in the first clusters.
            for (int i = 0; i <= random.nextInt(8); i++) {
                bad[random.nextInt(random.nextBoolean() ? 112 : 6 * CLUSTER)] = (byte) random.nextInt();
            }
            Files.write(path, bad);
            use(random, "seed " + seed + " round " + round);
        }
    }

    /** Does everything that a guest and a tool may do; only messages of one line may come of it. */
    private void use(Random random, String name) {
        try (Image disk = Images.open(path, OpenOptions.defaults().withReadOnly(random.nextInt(4) == 0))) {
            int sectors = (int) Math.min(disk.size() / 512, 2000);
            for (int i = 0; i < 10 && sectors > 0; i++) {
                int sector = random.nextInt(sectors);
                request(disk, random.nextInt(4), sector * 512L, 512 * Math.min(64, sectors - sector), name);
            }
            disk.check();
            disk.info();
        } catch (IOException | UserException e) {
            assertThat(e.getMessage()).as(name).hasLineCount(1).doesNotContain("internal error");
        }
    }

    private static void request(Image disk, int kind, long offset, int length, String name) {
        try {
            switch (kind) {
                case 0 -> Disks.read(disk, offset, length);
                case 1 -> Disks.write(disk, offset, new byte[length]);
                case 2 -> Disks.await(disk.discard(offset, length));
                default -> Disks.await(disk.writeZeroes(offset, length, true));
            }
        } catch (IOException e) {
            assertThat(e.getMessage()).as(name).hasLineCount(1).doesNotContain("internal error");
        }
    }
}
