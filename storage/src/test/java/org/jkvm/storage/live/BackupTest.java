package org.jkvm.storage.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A copy of a disk as it was when the copy began, although everything is overwritten meanwhile. */
@Timeout(60)
class BackupTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 12 * MIB + 5 * 512;
    private static final OpenOptions OPTIONS = OpenOptions.defaults();
    /** Bytes a second: slow enough that the guest is first. */
    private static final long SLOW = 2 * MIB;

    @TempDir
    private Path folder;
    private final Arena arena = Arena.ofShared();
    private final Random random = new Random(11);
    private final byte[] then = new byte[SIZE];
    private LiveDisk disk;

    @BeforeEach
    void openDisk() throws IOException {
        random.nextBytes(then);
        Arrays.fill(then, 3 * MIB, 7 * MIB, (byte) 0);
        Images.create(folder.resolve("base.qcow2"), CreateOptions.of("qcow2", SIZE));
        try (Image base = Images.open(folder.resolve("base.qcow2"), OPTIONS)) {
            base.write(0, bytes(Arrays.copyOf(then, 3 * MIB))).join();
        }
        Images.create(folder.resolve("disk.qcow2"), CreateOptions.over("base.qcow2", "qcow2", SIZE));
        disk = new LiveDisk(new Drive("d0", new Source(folder.resolve("disk.qcow2"), OPTIONS, false), new Throttle(),
                DetectZeroes.OFF), _ -> { });
        disk.drive().write(7 * MIB, bytes(Arrays.copyOfRange(then, 7 * MIB, SIZE))).join();
    }

    @AfterEach
    void free() {
        disk.close();
        arena.close();
    }

    private MemorySegment bytes(byte[] data) {
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, data);
    }

    /** Writes, discards and zeroes all over the disk. */
    private void spoil() {
        for (int i = 0; i < 300; i++) {
            int length = 512 * (1 + random.nextInt(300));
            int offset = 512 * random.nextInt((SIZE - length) / 512 + 1);
            byte[] data = new byte[length];
            random.nextBytes(data);
            disk.drive().write(offset, bytes(data)).join();
            disk.drive().writeZeroes(512 * random.nextInt(SIZE / 512 - 2000), 512 * 2000, i % 2 == 0).join();
        }
        disk.drive().discard(0, SIZE - SIZE % 512).join();
    }

    private byte[] contents(String name) {
        try (Image image = Images.open(folder.resolve(name), OPTIONS.withReadOnly(true))) {
            MemorySegment all = arena.allocate(SIZE);
            image.read(0, all).join();
            return all.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @ParameterizedTest
    @CsvSource({"qcow2, true, false", "qcow2, false, false", "qcow2, true, true", "raw, true, false", "vmdk, true, false"})
    void isTheDiskOfItsBeginning(String format, boolean full, boolean compress) throws Exception {
        disk.backup(folder.resolve("copy"), format, full, false, compress);
        Job job = disk.job();
        job.setSpeed(SLOW);
        spoil();
        job.setSpeed(0);
        job.join();
        assertThat(job.failure()).isEmpty();
        assertThat(Arrays.mismatch(contents("copy"), then)).isEqualTo(-1);
    }

    @Test
    void cancelledItLetsGoOfDiskAndTarget() throws Exception {
        disk.backup(folder.resolve("copy"), "raw", true, false, false);
        Job job = disk.job();
        job.setSpeed(SLOW);
        job.cancel(true);
        job.join();
        spoil();
        assertThat(disk.job()).isNull();
        assertThat(contents("copy")).hasSize(SIZE);
    }
}
