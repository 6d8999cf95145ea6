package org.jkvm.storage.fuzz;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32C;
import org.jkvm.base.UserException;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.layer.Layer;

/**
 * Damages good images and uses them as a guest and a tool would. Whatever comes of it has to be one line, soon; and in
 * little memory: the campaign runs in a small heap. Each execution has a seed of its own, which repeats it.
 */
final class Fuzzer {
    private static final long MAX_MILLIS = 20_000;
    private static final int[] EDGES = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 2, 4, 0x40, 0x3f};

    private final List<Seeds.Seed> seeds;
    private final Map<Seeds.Seed, long[]> pages = new HashMap<>();
    private long refused;
    private long opened;

    Fuzzer(List<Seeds.Seed> seeds) {
        this.seeds = seeds;
        seeds.forEach(s -> pages.put(s, s.file().written()));
    }

    long refused() {
        return refused;
    }

    long opened() {
        return opened;
    }

    /**
     * One execution; throws {@link AssertionError} where the image does what it must not. What takes too long is done again, and
     * counted by processor time: a campaign runs beside other work, which holds it up.
     */
    void run(long seed) {
        if (millis(seed) > MAX_MILLIS) {
            long start = processorMillis();
            millis(seed);
            long millis = processorMillis() - start;
            if (millis > MAX_MILLIS) {
                throw new AssertionError("seed " + seed + "L: took " + millis + " ms of a processor");
            }
        }
    }

    private static long processorMillis() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toMillis();
    }

    private long millis(long seed) {
        Random random = new Random(seed);
        Seeds.Seed image = seeds.get(random.nextInt(seeds.size()));
        MemoryFile file = image.file().copy();
        damage(image, file, random);
        long start = System.nanoTime();
        String name = "seed " + seed + "L, " + image.name();
        try {
            use(image, file, random);
        } catch (IOException | UserException e) {
            String message = e.getMessage();
            if (message == null || message.isEmpty() || message.indexOf('\n') >= 0) {
                throw new AssertionError(name + ": not one line: " + message, e);
            }
        } catch (RuntimeException | Error e) {
            throw new AssertionError(name + ": " + e, e);
        }
        return (System.nanoTime() - start) / 1_000_000;
    }

    private void damage(Seeds.Seed image, MemoryFile file, Random random) {
        long[] written = pages.get(image);
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            // Headers and tables lie in front: half of the damage goes to the first page, most of the rest near it.
            int most = random.nextInt(4) == 0 ? written.length : Math.min(written.length, 24);
            long page = random.nextBoolean() ? written[0] : written[random.nextInt(most)];
            change(file, page * MemoryFile.PAGE, random);
        }
        if (random.nextInt(8) == 0) {
            cut(file, random);
        }
        repairChecksums(image, file, random);
        tameLuks(image, file);
    }

    private static void change(MemoryFile file, long page, Random random) {
        long at = page + random.nextInt(MemoryFile.PAGE);
        switch (random.nextInt(5)) {
            case 0 -> file.put(at, random.nextInt());
            case 1 -> file.put(at, EDGES[random.nextInt(EDGES.length)]);
            case 2 -> file.put(at, file.get(at) ^ 1 << random.nextInt(8));
            case 3 -> fill(file, at & -4, 4, EDGES[random.nextInt(EDGES.length)]);
            default -> fill(file, at & -8, 8, EDGES[random.nextInt(EDGES.length)]);
        }
    }

    private static void fill(MemoryFile file, long at, int length, int value) {
        for (int i = 0; i < length; i++) {
            file.put(at + i, value);
        }
    }

    private static void cut(MemoryFile file, Random random) {
        try {
            file.setSize((long) (file.size() * random.nextDouble()));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Mostly the damage is to be seen by more than the checksums. */
    private static void repairChecksums(Seeds.Seed image, MemoryFile file, Random random) {
        if (random.nextInt(10) == 0) {
            return;
        }
        if (image.name().startsWith("vhdx")) {
            crc(file, 64 << 10, 4096);
            crc(file, 128 << 10, 4096);
            crc(file, 192 << 10, 64 << 10);
            crc(file, 256 << 10, 64 << 10);
        } else if (image.name().startsWith("vpc")) {
            sum(file, 0, 512, 64);
            sum(file, 512, 1024, 36);
            sum(file, Math.max(0, file.size() - 512), 512, 64);
        }
    }

    private static byte[] bytes(MemoryFile file, long at, int length) {
        byte[] bytes = new byte[length];
        try {
            file.read(at, MemorySegment.ofArray(bytes));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return bytes;
    }

    private static void crc(MemoryFile file, long at, int length) {
        fill(file, at + 4, 4, 0);
        CRC32C crc = new CRC32C();
        crc.update(bytes(file, at, length));
        for (int i = 0; i < 4; i++) {
            file.put(at + 4 + i, (int) (crc.getValue() >>> 8 * i));
        }
    }

    private static void sum(MemoryFile file, long at, int length, int field) {
        fill(file, at + field, 4, 0);
        int sum = 0;
        for (byte b : bytes(file, at, length)) {
            sum += b & 0xff;
        }
        for (int i = 0; i < 4; i++) {
            file.put(at + field + i, ~sum >>> 24 - 8 * i);
        }
    }

    /** A passphrase may be made to take seconds by design: not here. */
    private static void tameLuks(Seeds.Seed image, MemoryFile file) {
        if (image.name().startsWith("luks")) {
            fill(file, 164, 2, 0);
            for (int slot = 208; slot < 592; slot += 48) {
                fill(file, slot + 4, 2, 0);
            }
        }
    }

    private void use(Seeds.Seed image, MemoryFile file, Random random) throws IOException {
        boolean encrypted = image.name().contains("luks");
        boolean secret = encrypted && random.nextInt(100) == 0;
        OpenOptions options = OpenOptions.defaults().withReadOnly(encrypted && !secret || random.nextBoolean())
                .withSecret(secret ? Seeds.SECRET : null);
        refused++;
        try (Layer layer = image.open(file, options)) {
            refused--;
            opened++;
            if (layer.size() > 0) {
                for (int i = 0; i < 4; i++) {
                    request(layer, random, options.readOnly());
                }
            }
            for (ImageInfo.Bitmap bitmap : layer.info().qcow2().map(FormatInfo.Qcow2::bitmaps).orElse(List.of())) {
                change(layer.bitmaps().orElseThrow(), bitmap.name(), random);
            }
            if (random.nextInt(4) == 0) {
                layer.check();
            }
        }
    }

    private static void change(Bitmaps bitmaps, String name, Random random) throws IOException {
        try {
            switch (random.nextInt(6)) {
                case 0 -> bitmaps.merge(name, bitmaps.contents(name));
                case 1 -> bitmaps.clear(name);
                case 2 -> bitmaps.remove(name);
                case 3 -> bitmaps.add("new", 0);
                default -> bitmaps.setEnabled(name, random.nextBoolean());
            }
        } catch (IOException e) {
            oneLine(e);
        }
    }

    private static void oneLine(IOException e) {
        if (e.getMessage() == null || e.getMessage().indexOf('\n') >= 0) {
            throw new AssertionError("not one line: " + e.getMessage(), e);
        }
    }

    private static void request(Layer layer, Random random, boolean readOnly) throws IOException {
        long near = Math.min(layer.size(), 1 << 20);
        long sectors = (random.nextInt(4) == 0 ? layer.size() : near) / 512;
        long offset = sectors == 0 ? 0 : random.nextLong(sectors) * 512;
        int length = (int) Math.min(layer.size() - offset, 512L * (1 + random.nextInt(16)));
        MemorySegment data = MemorySegment.ofArray(new byte[length]);
        try {
            switch (readOnly ? random.nextInt(2) : random.nextInt(5)) {
                case 0 -> layer.read(offset, data);
                case 1 -> layer.status(offset, Math.max(512, length));
                case 2 -> layer.write(offset, data);
                case 3 -> layer.discard(offset, length);
                default -> layer.writeZeroes(offset, length, random.nextBoolean());
            }
        } catch (IOException e) {
            oneLine(e);
        }
    }
}
