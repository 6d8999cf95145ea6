package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dirty bitmaps inside qcow2 images: what they record, what survives what. */
class BitmapTest {
    private static final int UNIT = 64 << 10;
    private static final long SIZE = 1L << 30;
    private static final OpenOptions OPTIONS = OpenOptions.defaults();

    @TempDir
    private Path folder;
    private Path path;

    @BeforeEach
    void makeImage() throws IOException {
        path = folder.resolve("d.qcow2");
        Images.create(path, CreateOptions.of("qcow2", SIZE));
        change(b -> b.add("b0", 0));
    }

    private interface Change {
        void make(Bitmaps bitmaps) throws IOException;
    }

    private void change(Change change) throws IOException {
        try (Image image = Images.open(path, OPTIONS)) {
            change.make(image.bitmaps().orElseThrow());
        }
    }

    private BitSet bits(String name) throws IOException {
        try (Image image = Images.inspect(path, OPTIONS)) {
            return image.bitmaps().orElseThrow().contents(name).bits();
        }
    }

    private List<ImageInfo.Bitmap> list() throws IOException {
        try (Image image = Images.inspect(path, OPTIONS)) {
            assertThat(image.check().orElseThrow().messages()).isEmpty();
            return image.info().qcow2().orElseThrow().bitmaps();
        }
    }

    private static BitSet set(int... bits) {
        return IntStream.of(bits).collect(BitSet::new, BitSet::set, BitSet::or);
    }

    private void write(long offset, int length) throws IOException {
        try (Image image = Images.open(path, OPTIONS)) {
            Disks.write(image, offset, Disks.random(offset, length));
        }
    }

    @Test
    void recordsWritesZeroesAndDiscards() throws IOException {
        write(UNIT - 512, 1024);
        try (Image image = Images.open(path, OPTIONS)) {
            Disks.await(image.writeZeroes(10 * UNIT, 512, true));
            Disks.await(image.discard(20 * UNIT, 2 * UNIT));
            Disks.await(image.read(500 * UNIT, MemorySegment.ofArray(new byte[512])));
        }
        assertThat(bits("b0")).isEqualTo(set(0, 1, 10, 20, 21));
        assertThat(list()).containsExactly(new ImageInfo.Bitmap("b0", UNIT, false, true));
    }

    @Test
    void disabledOnesStayAsTheyAre() throws IOException {
        write(0, 512);
        change(b -> b.setEnabled("b0", false));
        write(5 * UNIT, 512);
        assertThat(bits("b0")).isEqualTo(set(0));
        change(b -> b.setEnabled("b0", true));
        write(6 * UNIT, 512);
        assertThat(bits("b0")).isEqualTo(set(0, 6));
    }

    @Test
    void areAddedMergedClearedAndRemoved() throws IOException {
        write(3 * UNIT, 512);
        change(b -> {
            b.add("fine", 512);
            b.merge("fine", b.contents("b0"));
            b.clear("b0");
        });
        assertThat(bits("b0")).isEqualTo(set());
        assertThat(bits("fine")).isEqualTo(set(IntStream.range(3 * 128, 4 * 128).toArray()));
        change(b -> b.remove("b0"));
        assertThat(list()).containsExactly(new ImageInfo.Bitmap("fine", 512, false, true));
        change(b -> b.remove("fine"));
        assertThat(list()).isEmpty();
    }

    @Test
    void areMarkedWhileTheImageIsWritten() throws IOException {
        Path crashed = folder.resolve("crashed.qcow2");
        try (Image image = Images.open(path, OPTIONS)) {
            Disks.write(image, 0, new byte[512]);
            Disks.await(image.flush());
            Files.copy(path, crashed);
        }
        path = crashed;
        assertThat(list()).containsExactly(new ImageInfo.Bitmap("b0", UNIT, true, true));
        assertThatThrownBy(() -> bits("b0")).hasMessageContaining("not closed properly");
        write(UNIT, 512);
        assertThat(list()).containsExactly(new ImageInfo.Bitmap("b0", UNIT, true, true));
        change(b -> b.remove("b0"));
        assertThat(list()).isEmpty();
    }

    @Test
    void followTheDisksSize() throws IOException {
        change(b -> {
            b.add("still", 4096);
            b.setEnabled("still", false);
        });
        write(SIZE - 512, 512);
        try (Image image = Images.open(path, OPTIONS)) {
            image.grow(40L << 30);
        }
        assertThat(bits("b0")).isEqualTo(set((int) (SIZE / UNIT) - 1));
        try (Image image = Images.open(path, OPTIONS)) {
            Disks.write(image, 39L << 30, new byte[512]);
            image.shrink(UNIT);
        }
        assertThat(bits("b0")).isEqualTo(set());
        assertThat(list()).extracting(ImageInfo.Bitmap::inUse).containsExactly(false, false);
    }

    @Test
    void aSnapshotAppliedChangesEverything() throws IOException {
        try (Image image = Images.open(path, OPTIONS)) {
            image.snapshots().orElseThrow().create(new Snapshots.Label("s", 1, 0, 0));
            image.bitmaps().orElseThrow().clear("b0");
            image.snapshots().orElseThrow().apply("s");
        }
        assertThat(bits("b0").cardinality()).isEqualTo((int) (SIZE / UNIT));
    }

    @Test
    void badNamesAndGranularitiesAreRefused() throws IOException {
        change(b -> {
            assertThatThrownBy(() -> b.add("b0", 0)).hasMessageContaining("already");
            assertThatThrownBy(() -> b.add("", 0)).hasMessageContaining("1 to 1023 bytes");
            assertThatThrownBy(() -> b.add("x", 3000)).hasMessageContaining("power of two");
            assertThatThrownBy(() -> b.clear("nix")).hasMessageContaining("no bitmap 'nix'");
        });
        assertThat(list()).hasSize(1);
    }

    /** What qemu-nbd shows of a bitmap is what we know of it, and the other way round. */
    @Test
    void areQemusToo() throws IOException {
        Disks.requireQemuImg();
        Random random = new Random(5);
        for (int i = 0; i < 40; i++) {
            write((long) random.nextInt((int) (SIZE / 512 - 400)) * 512, 512 * (1 + random.nextInt(300)));
        }
        BitSet ours = bits("b0");
        assertThat(qemu("bitmap", "--add", "--disable", "d.qcow2", "theirs")).isEmpty();
        assertThat(qemu("bitmap", "--merge", "b0", "d.qcow2", "theirs")).isEmpty();
        assertThat(bits("theirs")).isEqualTo(ours);
        run("qemu-io", "-c", "write 900M 64k", "d.qcow2");
        ours.set((900 << 20) / UNIT);
        assertThat(bits("b0")).isEqualTo(ours);
        assertThat(qemu("check", "d.qcow2")).contains("No errors");
        change(b -> b.merge("theirs", b.contents("b0")));
        assertThat(qemu("bitmap", "--clear", "d.qcow2", "b0")).isEmpty();
        assertThat(qemu("bitmap", "--merge", "theirs", "d.qcow2", "b0")).isEmpty();
        assertThat(bits("b0")).isEqualTo(ours);
        assertThat(list()).extracting(ImageInfo.Bitmap::name).containsExactly("b0", "theirs");
    }

    private String qemu(String... arguments) {
        return Disks.qemuImg(folder, arguments).output();
    }

    private void run(String... command) {
        assertThat(Disks.run(folder, List.of(command)).status()).isZero();
    }
}
