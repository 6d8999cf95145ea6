package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several guests' worth of requests at once, whose sectors lie side by side in the same clusters. */
class ConcurrentDiskTest {
    private static final int SECTOR = 512;
    private static final int USERS = 6;
    private static final int SECTORS = USERS * 1500;

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 65536})
    void keepsNeighboursApart(int clusterSize) throws Exception {
        long seed = Long.getLong("jkvm.seed", new Random().nextLong());
        Path path = folder.resolve("d.qcow2");
        Images.create(path, new CreateOptions("qcow2", (long) SECTORS * SECTOR, CreateOptions.Preallocation.OFF, clusterSize,
                3, 16, false, false, null, null));
        byte[] expected = new byte[SECTORS * SECTOR];
        try (Image disk = Images.open(path, OpenOptions.defaults().withThreads(8));
                var threads = Executors.newFixedThreadPool(USERS)) {
            List<CompletableFuture<Void>> users = new ArrayList<>();
            for (int user = 0; user < USERS; user++) {
                Worker worker = new Worker(disk, expected, user, new Random(seed + user));
                users.add(CompletableFuture.runAsync(worker::work, threads));
            }
            CompletableFuture.allOf(users.toArray(CompletableFuture[]::new)).join();
            assertThat(Arrays.mismatch(Disks.read(disk, 0, expected.length), expected)).as("seed " + seed).isEqualTo(-1);
            assertThat(disk.check().orElseThrow().messages()).as("seed " + seed).isEmpty();
        }
    }

    /** Owns every sector whose number leaves {@code user} when divided by {@link #USERS}. */
    private record Worker(Image disk, byte[] expected, int user, Random random) {
        void work() {
            try {
                for (int i = 0; i < 300; i++) {
                    request((random.nextInt(SECTORS / USERS) * USERS + user) * SECTOR);
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        private void request(int offset) throws IOException {
            byte[] data = new byte[SECTOR];
            switch (random.nextInt(6)) {
                case 0 -> Disks.await(disk.writeZeroes(offset, SECTOR, random.nextBoolean()));
                case 1 -> {
                    Disks.await(disk.flush());
                    return;
                }
                case 2 -> {
                    assertThat(Disks.read(disk, offset, SECTOR))
                            .isEqualTo(Arrays.copyOfRange(expected, offset, offset + SECTOR));
                    return;
                }
                default -> {
                    random.nextBytes(data);
                    Disks.write(disk, offset, data);
                }
            }
            System.arraycopy(data, 0, expected, offset, SECTOR);
        }
    }
}
