package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random requests on random images against an array; our check and, where installed, qemu-img's verdict at the end. */
class RandomDiskTest {
    private static final int SECTOR = 512;

    @TempDir
    Path folder;

    /** Fresh seeds each run; a failure names its own, and {@code -Djkvm.seed=} repeats it. */
    static LongStream seeds() {
        Long given = Long.getLong("jkvm.seed");
        return given != null ? LongStream.of(given) : new Random().longs(12);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void behavesLikeAnArray(long seed) throws IOException {
        Random random = new Random(seed);
        CreateOptions made = randomOptions(random);
        Model model = new Model(random, (int) made.size(), folder, new Variant("qcow2", made, "", true, true), "seed " + seed
                + ", " + made);
        model.createBacking(made);
        Images.create(model.path(), made);
        for (int session = 0; session < 4; session++) {
            model.session(60);
        }
        model.verdict();
    }

    private static CreateOptions randomOptions(Random random) {
        int version = random.nextInt(4) == 0 ? 2 : 3;
        int clusterSize = SECTOR << random.nextInt(9);
        int bits = version == 2 ? 16 : 1 << random.nextInt(7);
        long size = SECTOR * (1L + random.nextInt(Math.min(8000, clusterSize / SECTOR * 600)));
        String format = new String[] {null, "raw", "qcow2"}[random.nextInt(3)];
        String backing = format == null ? null : "base." + format;
        boolean extended = version == 3 && clusterSize >= 1 << 14 && random.nextBoolean();
        return new CreateOptions("qcow2", size, CreateOptions.Preallocation.OFF, clusterSize, version, bits, false, false,
                backing, format).withMore(extended ? Map.of("extended_l2", "on") : Map.of());
    }

    static List<Variant> others() {
        return Variant.all().stream().filter(v -> !v.format().equals("qcow2") || v.title().contains("data_file")).toList();
    }

    /** The other formats, and qcow2's other files: sessions of random requests, no backing file. */
    @ParameterizedTest
    @MethodSource("others")
    void otherFormatsBehaveLikeAnArray(Variant variant) throws IOException {
        long seed = Long.getLong("jkvm.seed", new Random().nextLong());
        Random random = new Random(seed);
        CreateOptions made = variant.made(SECTOR * (1L + random.nextInt(12_000)));
        Model model = new Model(random, (int) made.size(), folder, variant, "seed " + seed + ", " + variant);
        Images.create(model.path(), made);
        for (int session = 0; session < 3; session++) {
            model.session(40);
        }
        model.verdict();
    }

    /** A disk and the array that it should be like. */
    private static final class Model {
        private final Random random;
        private final byte[] expected;
        private final Path folder;
        private final Variant variant;
        private final String name;

        Model(Random random, int size, Path folder, Variant variant, String name) {
            this.random = random;
            this.expected = new byte[size];
            this.folder = folder;
            this.variant = variant;
            this.name = name;
        }

        Path path() {
            return folder.resolve("disk.img");
        }

        /** A backing file of a length of its own, with data in it. */
        void createBacking(CreateOptions made) throws IOException {
            int size = SECTOR * (1 + random.nextInt(expected.length / SECTOR * 2));
            byte[] data = Disks.random(random.nextLong(), size);
            for (String format : List.of("raw", "qcow2")) {
                Path base = folder.resolve("base." + format);
                Images.create(base, CreateOptions.of(format, size));
                try (Image image = Images.open(base, OpenOptions.defaults().withFormat(format))) {
                    Disks.write(image, 0, data);
                }
            }
            if (made.backingFile() != null) {
                System.arraycopy(data, 0, expected, 0, Math.min(size, expected.length));
            }
        }

        void session(int requests) throws IOException {
            CacheMode cache = CacheMode.values()[random.nextInt(3)];
            try (Image disk = Images.open(path(), variant.opened().withCache(cache))) {
                for (int i = 0; i < requests; i++) {
                    request(disk);
                }
                assertThat(Arrays.mismatch(Disks.read(disk, 0, expected.length), expected)).as(name).isEqualTo(-1);
                assertThat(disk.check().map(CheckResult::messages).orElse(List.of())).as(name).isEmpty();
            }
        }

        private void request(Image disk) throws IOException {
            int sectors = expected.length / SECTOR;
            int from = random.nextInt(sectors);
            int most = random.nextInt(5) == 0 ? sectors - from : Math.min(sectors - from, 40);
            int to = from + 1 + random.nextInt(most);
            int offset = from * SECTOR;
            int length = (to - from) * SECTOR;
            switch (random.nextInt(10)) {
                case 0, 1, 2, 3 -> write(disk, offset, length);
                case 4, 5, 6 -> read(disk, offset, length);
                case 7 -> discard(disk, offset, length);
                case 8 -> zero(disk, offset, length);
                default -> Disks.await(disk.flush());
            }
        }

        private void write(Image disk, int offset, int length) throws IOException {
            byte[] data = Disks.random(random.nextLong(), length);
            System.arraycopy(data, 0, expected, offset, length);
            Disks.write(disk, offset, data);
        }

        private void read(Image disk, int offset, int length) throws IOException {
            byte[] wanted = Arrays.copyOfRange(expected, offset, offset + length);
            assertThat(Disks.read(disk, offset, length)).as(name).isEqualTo(wanted);
        }

        private void zero(Image disk, int offset, int length) throws IOException {
            Arrays.fill(expected, offset, offset + length, (byte) 0);
            Disks.await(disk.writeZeroes(offset, length, random.nextBoolean()));
        }

        /** A sector that was given up reads as before or as zeroes. */
        private void discard(Image disk, int offset, int length) throws IOException {
            Disks.await(disk.discard(offset, length));
            byte[] now = Disks.read(disk, offset, length);
            for (int at = 0; at < length; at += SECTOR) {
                byte[] sector = Arrays.copyOfRange(now, at, at + SECTOR);
                byte[] before = Arrays.copyOfRange(expected, offset + at, offset + at + SECTOR);
                assertThat(sector).as(name).isIn(before, new byte[SECTOR]);
            }
            System.arraycopy(now, 0, expected, offset, length);
        }

        void verdict() throws IOException {
            Files.write(folder.resolve("expected.raw"), expected);
            Disks.Outcome version = Disks.qemuImg(folder, "--version");
            if (version.status() == 0 && variant.made().secret() == null) {
                if (variant.checked()) {
                    Disks.Outcome check = Disks.qemuImg(folder, "check", "-f", variant.format(), "disk.img");
                    assertThat(check.status()).as(name + check.output()).isZero();
                }
                Disks.Outcome same = Disks.qemuImg(folder, "compare", "-f", "raw", "-F", variant.format(), "expected.raw",
                        "disk.img");
                assertThat(same.status()).as(name + same.output()).isZero();
            }
        }
    }
}
