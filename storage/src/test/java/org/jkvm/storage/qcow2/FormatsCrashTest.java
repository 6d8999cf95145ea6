package org.jkvm.storage.qcow2;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;
import org.jkvm.storage.parallels.ParallelsFormat;
import org.jkvm.storage.qed.QedFormat;
import org.jkvm.storage.vdi.VdiFormat;
import org.jkvm.storage.vhdx.VhdxFormat;
import org.jkvm.storage.vmdk.VmdkFormat;
import org.jkvm.storage.vpc.VpcFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The power goes at random moments of work on images of the other formats: what was flushed is there, tables are sound. */
class FormatsCrashTest {
    private static final int SECTOR = 512;
    private static final int SECTORS = 4000;
    private static final Path PATH = Path.of("crash");

    /** A format, and the options that make small blocks. */
    record Kind(ImageFormat format, Map<String, String> more) {
        Layer open(byte[] image, List<CrashFile> files) throws IOException {
            CrashFile file = new CrashFile(image);
            files.add(file);
            return format.open(new Source(PATH, file, OpenOptions.defaults(), null));
        }

        @Override
        public String toString() {
            return format.name();
        }
    }

    static List<Kind> kinds() {
        return List.of(new Kind(new VmdkFormat(), Map.of()), new Kind(new VdiFormat(), Map.of()),
                new Kind(new VhdxFormat(), Map.of("block_size", "1M")), new Kind(new VpcFormat(), Map.of()),
                new Kind(new ParallelsFormat(), Map.of("cluster_size", "64k")),
                new Kind(new QedFormat(), Map.of("cluster_size", "4k")));
    }

    private record Flush(int event, long[] stamps) {
    }

    private record Change(int event, int sector, long stamp) {
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void keepsWhatWasFlushed(Kind kind) throws IOException {
        for (int round = 0; round < Integer.getInteger("jkvm.rounds", 2); round++) {
            long seed = Long.getLong("jkvm.seed", new Random().nextLong());
            run(kind, new Random(seed), kind + " seed " + seed);
        }
    }

    private static void run(Kind kind, Random random, String name) throws IOException {
        CrashFile made = new CrashFile(new byte[0]);
        kind.format().create(new NewImage(PATH, made, null), CreateOptions.of(kind.format().name(), (long) SECTORS * SECTOR)
                .withMore(kind.more()));
        List<CrashFile> files = new ArrayList<>();
        Layer layer = kind.open(made.killed(made.events()), files);
        CrashFile file = files.getFirst();
        long[] stamps = new long[SECTORS];
        List<Flush> flushes = new ArrayList<>(List.of(new Flush(0, stamps.clone())));
        List<Change> changes = new ArrayList<>();
        for (int i = 1; i < 60; i++) {
            if (random.nextInt(6) == 0) {
                layer.flush();
                flushes.add(new Flush(file.events(), stamps.clone()));
            }
            write(layer, random, file.events(), i * 1000L, stamps, changes);
        }
        for (int crash = 0; crash < 8; crash++) {
            int event = file.moment(random);
            for (byte[] image : List.of(file.crash(event, random), file.killed(event))) {
                verify(kind, image, event, flushes, changes, name + " event " + event);
            }
        }
    }

    private static void write(Layer layer, Random random, int event, long stamp, long[] stamps, List<Change> changes)
            throws IOException {
        int count = 1 + random.nextInt(20);
        int sector = random.nextInt(SECTORS - count);
        ByteBuffer data = ByteBuffer.allocate(count * SECTOR);
        for (int i = 0; i < count; i++) {
            stamps[sector + i] = stamp + i;
            changes.add(new Change(event, sector + i, stamp + i));
            data.putLong(i * SECTOR, stamp + i);
        }
        layer.write((long) sector * SECTOR, MemorySegment.ofArray(data.array()));
    }

    private static void verify(Kind kind, byte[] image, int event, List<Flush> flushes, List<Change> changes, String name)
            throws IOException {
        Flush flush = flushes.stream().filter(f -> f.event() <= event).reduce((a, b) -> b).orElseThrow();
        List<Set<Long>> allowed = new ArrayList<>();
        for (long stamp : flush.stamps()) {
            allowed.add(new HashSet<>(Set.of(stamp)));
        }
        changes.stream().filter(c -> c.event() >= flush.event() && c.event() <= event)
                .forEach(c -> allowed.get(c.sector()).add(c.stamp()));
        try (Layer after = kind.open(image, new ArrayList<>())) {
            CheckResult result = after.check().orElseThrow();
            assertThat(result.corruptions()).as(name + result.messages()).isZero();
            ByteBuffer disk = ByteBuffer.allocate(SECTORS * SECTOR);
            after.read(0, MemorySegment.ofArray(disk.array()));
            for (int i = 0; i < SECTORS; i++) {
                assertThat(disk.getLong(i * SECTOR)).as(name + " sector " + i).isIn(allowed.get(i));
            }
        }
    }
}
