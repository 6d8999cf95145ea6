package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 of a process that writes as fast as it can: what it had flushed is there, and nothing is corrupt. */
class KillTest {
    private static final int SECTOR = 512;
    private static final int SECTORS = 200_000;
    private static final int ROUNDS = Integer.getInteger("jkvm.rounds", 2);

    @TempDir
    Path folder;

    @Test
    void losesNothingThatWasFlushed() throws IOException, InterruptedException {
        long seed = Long.getLong("jkvm.seed", new Random().nextLong());
        Path path = folder.resolve("d.qcow2");
        Images.create(path, new CreateOptions("qcow2", (long) SECTORS * SECTOR, CreateOptions.Preallocation.OFF, 4096, 3, 16,
                false, false, null, null));
        for (int round = 0; round < ROUNDS; round++) {
            long flushed = writeAndKill(path, seed + round, 300 + new Random(seed + round).nextInt(400));
            try (Image disk = Images.open(path, OpenOptions.defaults())) {
                assertThat(disk.check().orElseThrow().corruptions()).as("seed " + seed).isZero();
                verify(disk, seed + round, flushed, "seed " + seed + " round " + round);
            }
        }
        System.out.println("kill: seed " + seed + ", " + ROUNDS + " rounds");
    }

    /** Returns up to which write everything was flushed. */
    private static long writeAndKill(Path path, long seed, int millis) throws IOException, InterruptedException {
        Process child = new ProcessBuilder(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("java.class.path"), Writer.class.getName(), path.toString(), Long.toString(seed)))
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader lines = child.inputReader()) {
            String flushed = lines.readLine();
            assertThat(flushed).as("first flush of the writer").isNotNull();
            TimeUnit.MILLISECONDS.sleep(millis);
            child.toHandle().destroyForcibly();
            child.waitFor();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                // The last line may be cut off: a number is whole only with its mark.
                flushed = line.endsWith(".") ? line : flushed;
            }
            return Long.parseLong(flushed.substring(0, flushed.length() - 1));
        }
    }

    /** The writes of one round: number i stamps some sectors with i. */
    private record Work(Random random) {
        int sector() {
            return random.nextInt(SECTORS - 64);
        }

        int count() {
            return 1 + random.nextInt(64);
        }
    }

    private static long stamp(long seed, long write) {
        return seed * 1_000_003 + write;
    }

    private static void verify(Image disk, long seed, long flushed, String name) throws IOException {
        long[] last = new long[SECTORS];
        Work work = new Work(new Random(seed));
        for (long write = 1; write <= flushed; write++) {
            int sector = work.sector();
            Arrays.fill(last, sector, sector + work.count(), write);
        }
        ByteBuffer data = ByteBuffer.wrap(Disks.read(disk, 0, SECTORS * SECTOR));
        for (int i = 0; i < SECTORS; i++) {
            long write = data.getLong(i * SECTOR) - stamp(seed, 0);
            // Later writes may be there too: they were under way.
            assertThat(last[i] == 0 || write >= last[i] && write <= flushed + 10_000_000).as(name + " sector " + i).isTrue();
        }
    }

    /** The process that is killed. */
    static final class Writer {
        private Writer() {
        }

        public static void main(String[] arguments) throws IOException {
            long seed = Long.parseLong(arguments[1]);
            Work work = new Work(new Random(seed));
            try (Image disk = Images.open(Path.of(arguments[0]), OpenOptions.defaults())) {
                for (long write = 1; ; write++) {
                    int sector = work.sector();
                    ByteBuffer data = ByteBuffer.allocateDirect(work.count() * SECTOR);
                    for (int at = 0; at < data.capacity(); at += SECTOR) {
                        data.putLong(at, stamp(seed, write));
                    }
                    Disks.await(disk.write((long) sector * SECTOR, MemorySegment.ofBuffer(data)));
                    if (write % 50 == 0) {
                        Disks.await(disk.flush());
                        System.out.println(write + ".");
                    }
                }
            }
        }
    }
}
