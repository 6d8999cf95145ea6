package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 of a process that makes an image smaller: what is to stay is there, and nothing is corrupt. */
class ShrinkKillTest {
    private static final int ROUNDS = Integer.getInteger("jkvm.rounds", 2);
    private static final int SIZE = 24 << 20;
    private static final int KEPT = (5 << 20) + 512 * 9;

    @TempDir
    Path folder;
    private Path whole;
    private byte[] data;

    /** Clusters of 512 bytes: many tables, so that shrinking takes its time. */
    @BeforeEach
    void makeImage() throws IOException {
        data = Disks.random(3, SIZE);
        whole = folder.resolve("whole.qcow2");
        Images.create(whole, new CreateOptions("qcow2", SIZE, CreateOptions.Preallocation.OFF, 512, 3, 16, false, false, null,
                null));
        try (Image image = Images.open(whole, OpenOptions.defaults())) {
            Disks.write(image, 0, data);
        }
    }

    @Test
    void keepsWhatStays() throws IOException, InterruptedException {
        long seed = Long.getLong("jkvm.seed", new Random().nextLong());
        Path path = folder.resolve("d.qcow2");
        int shrunk = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Files.copy(whole, path, StandardCopyOption.REPLACE_EXISTING);
            shrinkAndKill(path, new Random(seed + round).nextInt(400_000));
            try (Image image = Images.open(path, OpenOptions.defaults())) {
                assertThat(image.check().orElseThrow().corruptions()).as("seed " + seed).isZero();
                assertThat(image.size()).as("seed " + seed).isIn((long) SIZE, (long) KEPT);
                shrunk += image.size() == KEPT ? 1 : 0;
                assertThat(Arrays.mismatch(Disks.read(image, 0, KEPT), Arrays.copyOf(data, KEPT))).as("seed " + seed
                        + " round " + round).isEqualTo(-1);
            }
        }
        System.out.println("shrink: seed " + seed + ", " + ROUNDS + " rounds, killed behind the end in " + shrunk);
    }

    private static void shrinkAndKill(Path path, int micros) throws IOException, InterruptedException {
        Process child = new ProcessBuilder(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("java.class.path"), Shrinker.class.getName(), path.toString()))
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (var lines = child.inputReader()) {
            assertThat(lines.readLine()).isEqualTo("now");
            TimeUnit.MICROSECONDS.sleep(micros);
            child.toHandle().destroyForcibly();
            child.waitFor();
        }
    }

    /** The process that is killed. */
    static final class Shrinker {
        private Shrinker() {
        }

        public static void main(String[] arguments) throws IOException {
            try (Image image = Images.open(Path.of(arguments[0]), OpenOptions.defaults())) {
                System.out.println("now");
                image.shrink(KEPT);
            }
        }
    }
}
