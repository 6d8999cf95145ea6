package org.jkvm.storage.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.Snapshots;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Disks that are snapshotted, copied, committed and streamed while somebody writes to them all the time. */
@Timeout(60)
class LiveDiskTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 16 * MIB;
    private static final OpenOptions OPTIONS = OpenOptions.defaults();

    @TempDir
    private Path folder;
    private final Arena arena = Arena.ofShared();
    private final long seed = System.nanoTime();
    private final byte[] model = new byte[SIZE];
    private volatile boolean stop;
    private volatile long written;
    private CompletableFuture<Void> writer = CompletableFuture.completedFuture(null);
    private LiveDisk disk;

    @BeforeEach
    void makeBase() throws IOException {
        new Random(seed).nextBytes(model);
        Arrays.fill(model, 3 * MIB, 9 * MIB, (byte) 0);
        Path base = folder.resolve("base.qcow2");
        Images.create(base, CreateOptions.of("qcow2", SIZE));
        try (Image image = Images.open(base, OPTIONS)) {
            image.write(0, arena.allocateFrom(ValueLayout.JAVA_BYTE, Arrays.copyOf(model, 3 * MIB))).join();
            image.write(9 * MIB, arena.allocateFrom(ValueLayout.JAVA_BYTE, Arrays.copyOfRange(model, 9 * MIB, SIZE))).join();
        }
    }

    @AfterEach
    void free() {
        stop = true;
        writer.join();
        arena.close();
    }

    private Path file(String name) {
        return folder.resolve(name);
    }

    private void open(String name, boolean temporary) {
        Source source = new Source(file(name), OPTIONS, temporary);
        disk = new LiveDisk(new Drive("d0", source, new Throttle(), DetectZeroes.OFF), _ -> { });
        writer = CompletableFuture.runAsync(this::writeAllTheTime);
    }

    private void openOverlay() {
        Images.create(file("top.qcow2"), CreateOptions.over("base.qcow2", "qcow2", SIZE));
        open("top.qcow2", false);
    }

    private void writeAllTheTime() {
        Random random = new Random(seed + 1);
        while (!stop) {
            int length = 512 * (1 + random.nextInt(200));
            int offset = 512 * random.nextInt((SIZE - length) / 512);
            byte[] data = new byte[length];
            try (Arena own = Arena.ofShared()) {
                if (random.nextInt(4) == 0) {
                    disk.drive().writeZeroes(offset, length, true).join();
                } else {
                    random.nextBytes(data);
                    disk.drive().write(offset, own.allocateFrom(ValueLayout.JAVA_BYTE, data)).join();
                }
            }
            System.arraycopy(data, 0, model, offset, length);
            written++;
        }
    }

    private void letWrite(int requests) throws InterruptedException {
        long until = written + requests;
        while (written < until && !writer.isDone()) {
            Thread.sleep(1);
        }
    }

    private void stopWriting() {
        stop = true;
        writer.join();
    }

    private byte[] contents() {
        MemorySegment all = arena.allocate(SIZE);
        disk.drive().read(0, all).join();
        return all.toArray(ValueLayout.JAVA_BYTE);
    }

    private byte[] contents(String name) {
        try (Image image = Images.open(file(name), OPTIONS.withReadOnly(true))) {
            MemorySegment all = arena.allocate(image.size());
            image.read(0, all).join();
            return all.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private void awaitJob() throws InterruptedException {
        Job job = disk.job();
        if (job != null) {
            job.join();
            assertThat(job.failure()).isEmpty();
        }
    }

    private void same(byte[] actual) {
        assertThat(Arrays.mismatch(actual, model)).as("seed " + seed).isEqualTo(-1);
    }

    private void soundAfterClosing(String... images) throws IOException {
        disk.close();
        for (String image : images) {
            try (Image closed = Images.inspect(file(image), OPTIONS)) {
                assertThat(closed.check().orElseThrow().corruptions()).isZero();
                assertThat(closed.check().orElseThrow().leaks()).isZero();
            }
        }
    }

    @Test
    void anOverlayTakesOver() throws Exception {
        open("base.qcow2", false);
        letWrite(20);
        disk.snapshot(file("over.qcow2"), "qcow2", false);
        byte[] below = contents("base.qcow2");
        letWrite(50);
        assertThat(contents("base.qcow2")).isEqualTo(below);
        stopWriting();
        same(contents());
        assertThat(disk.drive().source().path()).isEqualTo(file("over.qcow2"));
        soundAfterClosing("base.qcow2", "over.qcow2");
        same(contents("over.qcow2"));
    }

    @Test
    void snapshotsInsideAreOfOneMoment() throws Exception {
        open("base.qcow2", false);
        letWrite(20);
        disk.keep(new Snapshots.Label("one", 1, 0, 0));
        letWrite(50);
        disk.keep(new Snapshots.Label("two", 2, 0, 0));
        letWrite(20);
        disk.drop("one");
        stopWriting();
        same(contents());
        soundAfterClosing("base.qcow2");
        try (Image image = Images.open(file("base.qcow2"), OPTIONS)) {
            assertThat(image.snapshots().orElseThrow().list()).extracting("name").containsExactly("two");
        }
    }

    @Test
    void aMirrorKeepsUpUntilItIsTheDisk() throws Exception {
        openOverlay();
        disk.mirror(file("copy.raw"), "raw", true, false);
        Job job = disk.job();
        while (!job.ready()) {
            Thread.sleep(1);
        }
        assertThatThrownBy(() -> disk.resize(MIB)).isInstanceOf(UserException.class).hasMessageContaining("mirror job");
        letWrite(50);
        job.complete();
        job.join();
        assertThat(job.failure()).isEmpty();
        assertThat(disk.drive().source().path()).isEqualTo(file("copy.raw"));
        letWrite(20);
        stopWriting();
        same(contents());
        disk.close();
        same(contents("copy.raw"));
    }

    @Test
    void aMirrorThatIsLetGoOfIsACopy() throws Exception {
        openOverlay();
        disk.mirror(file("copy.qcow2"), "qcow2", false, false);
        Job job = disk.job();
        while (!job.ready()) {
            Thread.sleep(1);
        }
        stopWriting();
        job.cancel(false);
        job.join();
        assertThat(disk.drive().source().path()).isEqualTo(file("top.qcow2"));
        assertThat(disk.job()).isNull();
        same(contents());
        same(contents("copy.qcow2"));
        soundAfterClosing("copy.qcow2", "top.qcow2");
    }

    @Test
    void aCommitLeavesTheOverlayEmpty() throws Exception {
        openOverlay();
        letWrite(50);
        disk.commit();
        awaitJob();
        letWrite(20);
        stopWriting();
        same(contents());
        disk.commit();
        awaitJob();
        same(contents());
        assertThat(disk.drive().image().status(0, SIZE).depth()).isEqualTo(1);
        soundAfterClosing("base.qcow2", "top.qcow2");
        same(contents("base.qcow2"));
    }

    @Test
    void whatWasTemporaryIsCommittedToo() throws Exception {
        byte[] before = contents("base.qcow2");
        open("base.qcow2", true);
        letWrite(20);
        assertThat(contents("base.qcow2")).isEqualTo(before);
        stopWriting();
        disk.commit();
        awaitJob();
        same(contents());
        soundAfterClosing("base.qcow2");
        same(contents("base.qcow2"));
    }

    @Test
    void aStreamedDiskNeedsItsBackingFileNoMore() throws Exception {
        openOverlay();
        letWrite(10);
        disk.stream(0, null);
        letWrite(20);
        awaitJob();
        letWrite(10);
        stopWriting();
        same(contents());
        soundAfterClosing("top.qcow2");
        assertThat(file("base.qcow2").toFile().delete()).isTrue();
        same(contents("top.qcow2"));
    }

    @Test
    void aStreamStopsAtItsBase() throws Exception {
        Images.create(file("middle.qcow2"), CreateOptions.over("base.qcow2", "qcow2", SIZE));
        try (Image middle = Images.open(file("middle.qcow2"), OPTIONS)) {
            Arrays.fill(model, 2 * MIB, 4 * MIB, (byte) 'm');
            middle.write(2 * MIB, arena.allocateFrom(ValueLayout.JAVA_BYTE, Arrays.copyOfRange(model, 2 * MIB, 4 * MIB))).join();
            Arrays.fill(model, 10 * MIB, 11 * MIB, (byte) 0);
            middle.writeZeroes(10 * MIB, MIB, true).join();
        }
        Images.create(file("top.qcow2"), CreateOptions.over("middle.qcow2", "qcow2", SIZE));
        open("top.qcow2", false);
        letWrite(10);
        assertThatThrownBy(() -> disk.stream(0, file("other.qcow2"))).isInstanceOf(IOException.class)
                .hasMessageContaining("none of the disk's backing files");
        disk.stream(0, file("base.qcow2"));
        letWrite(20);
        awaitJob();
        letWrite(10);
        stopWriting();
        same(contents());
        assertThat(disk.drive().image().info().backing().orElseThrow().path()).isEqualTo(file("base.qcow2"));
        soundAfterClosing("top.qcow2");
        assertThat(file("middle.qcow2").toFile().delete()).isTrue();
        same(contents("top.qcow2"));
    }

    @Test
    void jobsKeepToTheirSpeedAndCanBeCancelled() throws Exception {
        openOverlay();
        disk.stream(1 << 20, null);
        Job job = disk.job();
        letWrite(20);
        assertThat(job.done()).isLessThan(SIZE);
        job.setPaused(true);
        assertThat(job.paused()).isTrue();
        job.cancel(false);
        job.join();
        assertThat(disk.job()).isNull();
        stopWriting();
        same(contents());
        soundAfterClosing("top.qcow2");
        same(contents("top.qcow2"));
    }

    @Test
    void whatCannotBeDoneLeavesTheDiskAsItIs() throws Exception {
        open("base.qcow2", false);
        assertThatThrownBy(disk::commit).isInstanceOf(IOException.class).hasMessageContaining("no backing file");
        assertThatThrownBy(() -> disk.stream(0, null)).isInstanceOf(IOException.class).hasMessageContaining("no backing file");
        assertThatThrownBy(() -> disk.snapshot(file("none/over.qcow2"), "qcow2", false)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> disk.snapshot(file("over.raw"), "raw", false)).isInstanceOf(IOException.class)
                .hasMessageContaining("qcow2 has");
        assertThatThrownBy(() -> disk.mirror(file("none/x"), "raw", true, false)).isInstanceOf(UserException.class);
        letWrite(10);
        stopWriting();
        same(contents());
        soundAfterClosing("base.qcow2");
    }
}
