package org.jkvm.machine.loader;

import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.jkvm.base.UserException;
import org.jkvm.testkit.KernelImages;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Broken kernel files: whatever the bytes, a loader loads or says what is wrong; nothing else comes out. */
class LoaderFuzzTest {
    private static final long SEED = 0x6a6b_766d;
    private static final int ROUNDS = 3000;
    private static final List<byte[]> GOOD = List.of(
            KernelImages.bzImage(true, new byte[512]),
            KernelImages.pvh(0xffff_ffff_8100_0000L, 0x20_0000, new byte[64]),
            KernelImages.elf32(0x10_0000, 0, KernelImages.join(KernelImages.multibootHeader(3), new byte[64]), 0x1000),
            KernelImages.join(KernelImages.multibootHeader(0x1_0000, 0x10_0000, 0x10_0000, 0, 0x10_0100, 0x10_0020),
                    new byte[64]));

    @TempDir
    private Path folder;

    @Test
    void brokenImagesAreLoadedOrRefused() {
        Random random = new Random(SEED);
        BootRequest request = TestImages.request(4, "console=ttyS0");
        for (int round = 0; round < ROUNDS; round++) {
            byte[] image = broken(GOOD.get(round % GOOD.size()), random);
            try (ImageFile file = TestImages.open(folder, "kernel", image)) {
                Kernel.detect(file).load(request);
            } catch (UserException expected) {
                Assertions.assertFalse(expected.getMessage().contains("\n"), expected::getMessage);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + SEED + " round " + round, e);
            }
        }
    }

    /** Header bytes replaced, most by the values that break sums; sometimes cut short. */
    private static byte[] broken(byte[] good, Random random) {
        byte[] image = random.nextInt(8) == 0 ? java.util.Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
        byte[] edges = {0, 1, -1, 0x7f, (byte) 0x80, (byte) 0xf0};
        for (int n = random.nextInt(12); n >= 0 && image.length > 0; n--) {
            int at = random.nextInt(image.length);
            image[at] = random.nextBoolean() ? (byte) random.nextInt() : edges[random.nextInt(edges.length)];
        }
        return image;
    }
}
