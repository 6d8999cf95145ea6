package org.jkvm.storage.qcow2;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Cuts the power while an image with bitmaps is opened, written and closed, again and again: a bitmap that is not marked as in
 * use knows of every sector that was written since it was added, when all were zeroes.
 */
class BitmapCrashTest {
    private static final int SECTOR = 512;
    private static final int SECTORS = 3000;
    private static final OpenOptions OPTIONS = OpenOptions.defaults();
    private static final Path NAME = Path.of("crash");

    static LongStream seeds() {
        Long given = Long.getLong("jkvm.seed");
        return given != null ? LongStream.of(given) : new Random().longs(Integer.getInteger("jkvm.rounds", 5));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aBitmapThatCountsIsComplete(long seed) throws IOException {
        Random random = new Random(seed);
        CrashFile file = image(random);
        for (int session = 0; session < 5; session++) {
            work(file, random, session);
        }
        for (int crash = 0; crash < 60; crash++) {
            int event = file.moment(random);
            for (byte[] image : List.of(file.crash(event, random), file.killed(event))) {
                verify(image, "seed " + seed + " crash " + crash);
            }
        }
        verify(file.killed(file.events()), "seed " + seed);
    }

    private static CrashFile image(Random random) throws IOException {
        CrashFile file = new CrashFile(new byte[0]);
        Creator.create(file, new CreateOptions("qcow2", 0, CreateOptions.Preallocation.OFF, SECTOR << random.nextInt(4), 3, 16,
                false, false, null, null));
        try (Qcow2Layer layer = Qcow2Layer.open(NAME, file, OPTIONS)) {
            layer.grow((long) SECTORS * SECTOR);
            layer.bitmaps().orElseThrow().add("b", SECTOR);
        }
        return new CrashFile(file.killed(file.events()));
    }

    private static void work(CrashFile file, Random random, int session) throws IOException {
        try (Qcow2Layer layer = Qcow2Layer.open(NAME, file, OPTIONS)) {
            Bitmaps bitmaps = layer.bitmaps().orElseThrow();
            for (int i = random.nextInt(30); i > 0; i--) {
                write(layer, random);
            }
            switch (random.nextInt(4)) {
                case 0 -> bitmaps.add("more" + session, SECTOR << random.nextInt(8));
                case 1 -> layer.grow(layer.size() + random.nextInt(500) * SECTOR);
                case 2 -> layer.flush();
                default -> write(layer, random);
            }
        }
    }

    private static void write(Qcow2Layer layer, Random random) throws IOException {
        byte[] data = new byte[SECTOR * (1 + random.nextInt(20))];
        Arrays.fill(data, (byte) (1 + random.nextInt(100)));
        layer.write((long) random.nextInt(SECTORS - 20) * SECTOR, MemorySegment.ofArray(data));
    }

    private static void verify(byte[] image, String name) throws IOException {
        try (Qcow2Layer after = Qcow2Layer.open(NAME, new CrashFile(image), OPTIONS.withReadOnly(true))) {
            CheckResult result = after.check().orElseThrow();
            assertThat(result.corruptions()).as(name + result.messages()).isZero();
            byte[] disk = new byte[(int) after.size()];
            after.read(0, MemorySegment.ofArray(disk));
            for (ImageInfo.Bitmap bitmap : after.info().qcow2().orElseThrow().bitmaps()) {
                if (bitmap.name().equals("b") && !bitmap.inUse()) {
                    assertThat(unknown(disk, after.bitmaps().orElseThrow().contents("b").bits())).as(name).isEqualTo(-1);
                }
            }
        }
    }

    /** The first sector that has data and is not set; -1 where there is none. */
    private static int unknown(byte[] disk, BitSet bits) {
        for (int sector = 0; sector < disk.length / SECTOR; sector++) {
            if (disk[sector * SECTOR] != 0 && !bits.get(sector)) {
                return sector;
            }
        }
        return -1;
    }
}
