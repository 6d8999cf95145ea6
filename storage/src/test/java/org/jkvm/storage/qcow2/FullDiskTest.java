package org.jkvm.storage.qcow2;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.LongStream;
import org.jkvm.base.backend.NoSpaceException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The host's disk fills up while the guest writes, and has room again later. */
class FullDiskTest {
    private static final int SECTOR = 512;
    private static final int SECTORS = 4000;

    static LongStream seeds() {
        Long given = Long.getLong("jkvm.seed");
        return given != null ? LongStream.of(given) : new Random().longs(12);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void losesNothingThatWasWritten(long seed) throws IOException {
        Random random = new Random(seed);
        CrashFile file = new CrashFile(new byte[0]);
        CreateOptions options = new CreateOptions("qcow2", (long) SECTORS * SECTOR, CreateOptions.Preallocation.OFF,
                SECTOR << random.nextInt(4), 3, 64, false, false, null, null);
        Creator.create(file, options);
        long[] stamps = new long[SECTORS];
        try (Qcow2Layer layer = Qcow2Layer.open(Path.of("full"), file, OpenOptions.defaults())) {
            layer.grow(options.size());
            for (int i = 1; i < 400; i++) {
                // Room comes and goes, a little more each time.
                file.limit(file.size() + random.nextInt(20_000));
                write(layer, random.nextInt(SECTORS - 50), 1 + random.nextInt(50), i, stamps);
            }
            file.limit(Long.MAX_VALUE);
            layer.flush();
            assertThat(layer.check().orElseThrow().corruptions()).as("seed " + seed).isZero();
            verify(layer, stamps, "seed " + seed);
        }
        CrashFile later = new CrashFile(file.killed(file.events()));
        try (Qcow2Layer again = Qcow2Layer.open(Path.of("full"), later, OpenOptions.defaults())) {
            assertThat(again.check().orElseThrow().corruptions()).as("seed " + seed).isZero();
            verify(again, stamps, "seed " + seed);
        }
    }

    /** A write that fails leaves its sectors undefined: they are read to know. */
    private static void write(Qcow2Layer layer, int sector, int count, long stamp, long[] stamps) throws IOException {
        ByteBuffer data = ByteBuffer.allocate(count * SECTOR);
        for (int i = 0; i < count; i++) {
            data.putLong(i * SECTOR, stamp);
        }
        try {
            layer.write((long) sector * SECTOR, MemorySegment.ofArray(data.array()));
            if (stamp % 16 == 0) {
                layer.flush();
            }
        } catch (NoSpaceException e) {
            layer.read((long) sector * SECTOR, MemorySegment.ofArray(data.array()));
        }
        for (int i = 0; i < count; i++) {
            stamps[sector + i] = data.getLong(i * SECTOR);
        }
    }

    private static void verify(Qcow2Layer layer, long[] stamps, String name) throws IOException {
        byte[] disk = new byte[SECTORS * SECTOR];
        layer.read(0, MemorySegment.ofArray(disk));
        for (int i = 0; i < SECTORS; i++) {
            assertThat(ByteBuffer.wrap(disk).getLong(i * SECTOR)).as(name + " sector " + i).isEqualTo(stamps[i]);
        }
    }
}
