package org.jkvm.storage.qcow2;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.Snapshots;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Cuts the power at random moments of random work: the image may leak clusters and nothing else, and every sector holds
 * what it held at the last flush or what was written to it since.
 */
class CrashTest {
    private static final int SECTOR = 512;
    private static final int SECTORS = 6000;
    private static final int FIRST_SIZE = 1000;

    @TempDir
    Path folder;

    static LongStream seeds() {
        Long given = Long.getLong("jkvm.seed");
        return given != null ? LongStream.of(given) : new Random().longs(Integer.getInteger("jkvm.rounds", 5));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void leavesAConsistentImage(long seed) throws IOException {
        Random random = new Random(seed);
        Work work = new Work(random, image(random));
        work.run(250);
        for (int crash = 0; crash < 25; crash++) {
            work.verify(work.file.moment(random), "seed " + seed + " crash " + crash);
        }
        qemuVerdict(work, "seed " + seed);
    }

    /** With a snapshot, of whose tables the disk's are copies. */
    @ParameterizedTest
    @MethodSource("seeds")
    void leavesAConsistentImageWithASnapshot(long seed) throws IOException, InterruptedException {
        Random random = new Random(seed);
        Path path = folder.resolve("snapshot.qcow2");
        byte[] empty = image(random);
        Work before = new Work(random, empty);
        before.run(60);
        before.layer.flush();
        Files.write(path, before.file.killed(before.file.events()));
        Assumptions.assumeTrue(snapshot(path), "qemu-img is not installed");
        Work after = new Work(random, Files.readAllBytes(path), before);
        // Tables are copied at the first change after the snapshot: little work, many crashes.
        after.run(25);
        after.layer.flush();
        for (int crash = 0; crash < 50; crash++) {
            after.verify(after.file.moment(random), "seed " + seed + " crash " + crash);
        }
    }

    /** The power goes while snapshots are made and removed: nothing of the disk is lost, and counts are repaired. */
    @ParameterizedTest
    @MethodSource("seeds")
    void snapshotsSurviveACrash(long seed) throws IOException {
        Random random = new Random(seed);
        CreateOptions options = new CreateOptions("qcow2", 0, CreateOptions.Preallocation.OFF, SECTOR << random.nextInt(4),
                3, 16,
                false, false, null, null);
        CrashFile empty = new CrashFile(new byte[0]);
        Creator.create(empty, options);
        try (Qcow2Layer layer = Qcow2Layer.open(Path.of("crash"), empty, OpenOptions.defaults())) {
            layer.grow(FIRST_SIZE * (long) SECTOR);
        }
        Work work = new Work(random, empty.killed(empty.events()));
        for (int round = 0; round < 4; round++) {
            work.run(20);
            work.layer.snapshots().orElseThrow().create(new Snapshots.Label("s" + round, 1, 0, 0));
            work.run(10);
            if (round % 2 == 1) {
                work.layer.snapshots().orElseThrow().delete("s" + (round - 1));
            }
        }
        for (int crash = 0; crash < 40; crash++) {
            work.verify(work.file.moment(random), "seed " + seed + " crash " + crash);
        }
    }

    private static boolean snapshot(Path path) throws InterruptedException {
        try {
            return new ProcessBuilder("qemu-img", "snapshot", "-c", "s", path.toString()).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static byte[] image(Random random) throws IOException {
        int version = random.nextInt(3) == 0 ? 2 : 3;
        // Small clusters with wide counts: tables are soon full and have to grow.
        int clusterSize = SECTOR << random.nextInt(4);
        CreateOptions options = new CreateOptions("qcow2", (long) SECTORS * SECTOR, CreateOptions.Preallocation.OFF,
                clusterSize, version, version == 2 ? 16 : 64, false, false, null, null);
        CrashFile file = new CrashFile(new byte[0]);
        Creator.create(file, options);
        try (Qcow2Layer layer = Qcow2Layer.open(Path.of("crash"), file, OpenOptions.defaults())) {
            layer.grow(FIRST_SIZE * (long) SECTOR);
        }
        return file.killed(file.events());
    }

    private void qemuVerdict(Work work, String name) throws IOException {
        Path path = folder.resolve("crashed.qcow2");
        Files.write(path, work.file.crash(work.file.moment(work.random), work.random));
        int status;
        try {
            Process check = new ProcessBuilder("qemu-img", "check", path.toString()).redirectErrorStream(true)
                    .redirectOutput(folder.resolve("output").toFile()).start();
            status = check.waitFor();
        } catch (IOException e) {
            return; // no qemu-img: our own check has spoken
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        assertThat(status).as(name + ": " + Files.readString(folder.resolve("output"))).isIn(0, 3);
    }

    /** What a sector has held: number 0 is zeroes, others are stamps. */
    private record Flush(int event, long[] stamps) {
    }

    private record Change(int event, int sector, long stamp) {
    }

    /** The disk has had so many sectors since the event. */
    private record Growth(int event, int sectors) {
    }

    /** Random requests, each sector stamped with a number of its own. */
    private static final class Work {
        private final Random random;
        private final CrashFile file;
        private final Qcow2Layer layer;
        private final long[] stamps = new long[SECTORS];
        private final List<Flush> flushes = new ArrayList<>();
        private final List<Change> changes = new ArrayList<>();
        private final List<Growth> growths = new ArrayList<>(List.of(new Growth(0, FIRST_SIZE)));
        private long next = 1;

        Work(Random random, byte[] image) throws IOException {
            this.random = random;
            this.file = new CrashFile(image);
            this.layer = Qcow2Layer.open(Path.of("crash"), file, OpenOptions.defaults());
            flushes.add(new Flush(0, stamps.clone()));
        }

        /** Goes on where {@code before} ended. */
        Work(Random random, byte[] image, Work before) throws IOException {
            this(random, image);
            System.arraycopy(before.stamps, 0, stamps, 0, stamps.length);
            next = before.next;
            flushes.set(0, new Flush(0, stamps.clone()));
            growths.set(0, new Growth(0, before.growths.getLast().sectors()));
        }

        void run(int requests) throws IOException {
            for (int i = 0; i < requests; i++) {
                int size = growths.getLast().sectors();
                int sector = random.nextInt(size);
                int count = 1 + random.nextInt(Math.min(size - sector, random.nextInt(20) == 0 ? 2000 : 60));
                request(sector, count);
                if (random.nextInt(12) == 0) {
                    grow(size + random.nextInt((SECTORS - size) / 4 + 1));
                }
            }
        }

        private void grow(int size) throws IOException {
            layer.grow((long) size * SECTOR);
            growths.add(new Growth(file.events(), size));
        }

        private void request(int sector, int count) throws IOException {
            switch (random.nextInt(8)) {
                case 0 -> {
                    layer.flush();
                    flushes.add(new Flush(file.events(), stamps.clone()));
                }
                case 1 -> {
                    change(sector, count, 0);
                    layer.writeZeroes((long) sector * SECTOR, (long) count * SECTOR, random.nextBoolean());
                }
                case 2 -> discard(sector, count);
                default -> write(sector, count);
            }
        }

        private void change(int sector, int count, long first) {
            for (int i = 0; i < count; i++) {
                stamps[sector + i] = first == 0 ? 0 : first + i;
                changes.add(new Change(file.events(), sector + i, stamps[sector + i]));
            }
        }

        private void write(int sector, int count) throws IOException {
            ByteBuffer data = ByteBuffer.allocate(count * SECTOR);
            change(sector, count, next);
            for (int i = 0; i < count; i++) {
                data.putLong(i * SECTOR, next + i);
                data.putLong(i * SECTOR + SECTOR - 8, next + i);
            }
            next += count;
            layer.write((long) sector * SECTOR, MemorySegment.ofArray(data.array()));
        }

        private void discard(int sector, int count) throws IOException {
            for (int i = 0; i < count; i++) {
                changes.add(new Change(file.events(), sector + i, 0));
            }
            layer.discard((long) sector * SECTOR, (long) count * SECTOR);
            byte[] now = new byte[count * SECTOR];
            layer.read((long) sector * SECTOR, MemorySegment.ofArray(now));
            for (int i = 0; i < count; i++) {
                stamps[sector + i] = ByteBuffer.wrap(now).getLong(i * SECTOR);
            }
        }

        void verify(int event, String name) throws IOException {
            for (byte[] image : List.of(file.crash(event, random), file.killed(event))) {
                try (Qcow2Layer after = Qcow2Layer.open(Path.of("crash"), new CrashFile(image), OpenOptions.defaults())) {
                    CheckResult result = after.check().orElseThrow();
                    assertThat(result.corruptions()).as(name + result.messages()).isZero();
                    byte[] disk = new byte[(int) after.size()];
                    after.read(0, MemorySegment.ofArray(disk));
                    verify(ByteBuffer.wrap(disk), event, name);
                }
            }
        }

        private void verify(ByteBuffer disk, int event, String name) {
            int size = growths.stream().filter(g -> g.event() <= event).mapToInt(Growth::sectors).max().orElseThrow();
            assertThat(disk.capacity()).as(name).isGreaterThanOrEqualTo(size * SECTOR);
            Flush flush = flushes.stream().filter(f -> f.event() <= event).reduce((a, b) -> b).orElseThrow();
            List<Set<Long>> allowed = new ArrayList<>();
            Arrays.stream(flush.stamps()).forEach(stamp -> allowed.add(new HashSet<>(Set.of(stamp))));
            changes.stream().filter(c -> c.event() >= flush.event() && c.event() <= event)
                    .forEach(c -> allowed.get(c.sector()).add(c.stamp()));
            for (int i = 0; i < size; i++) {
                long stamp = disk.getLong(i * SECTOR);
                assertThat(stamp).as(name + " sector " + i).isIn(allowed.get(i));
                assertThat(disk.getLong(i * SECTOR + SECTOR - 8)).as(name + " sector " + i).isEqualTo(stamp);
            }
        }
    }
}
