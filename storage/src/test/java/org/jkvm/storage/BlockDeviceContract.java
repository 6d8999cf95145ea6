package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every disk does, whatever its format. Subclasses make an empty disk. */
abstract class BlockDeviceContract {
    static final int SIZE = 5 << 20;

    @TempDir
    Path folder;

    /** Makes a disk of {@link #SIZE} bytes that reads as zeroes; returns its path. */
    abstract Path create() throws IOException;

    /** How it is opened. */
    abstract OpenOptions options();

    Image open(Path path) {
        return Images.open(path, options());
    }

    @Test
    void readsZeroesAtFirst() throws IOException {
        try (Image disk = open(create())) {
            assertThat(disk.size()).isEqualTo(SIZE);
            assertZero(Disks.read(disk, 0, SIZE));
        }
    }

    private static void assertZero(byte[] data) {
        assertThat(Arrays.mismatch(data, new byte[data.length])).isEqualTo(-1);
    }

    @Test
    void readsWhatWasWrittenAndKeepsIt() throws IOException {
        Path path = create();
        byte[] data = Disks.random(1, 200 * 512);
        try (Image disk = open(path)) {
            Disks.write(disk, 99 * 512, data);
            assertThat(Disks.read(disk, 99 * 512, data.length)).isEqualTo(data);
        }
        try (Image disk = open(path)) {
            assertThat(Disks.read(disk, 99 * 512, data.length)).isEqualTo(data);
            assertZero(Disks.read(disk, 0, 99 * 512));
        }
    }

    @Test
    void takesHeapMemoryToo() throws IOException {
        byte[] data = Disks.random(2, 4096);
        byte[] target = new byte[4096];
        try (Image disk = open(create())) {
            Disks.await(disk.write(512, MemorySegment.ofArray(data)));
            Disks.await(disk.read(512, MemorySegment.ofArray(target)));
        }
        assertThat(target).isEqualTo(data);
    }

    @Test
    void discardKeepsNeighbours() throws IOException {
        byte[] data = Disks.random(3, 1 << 20);
        try (Image disk = open(create())) {
            Disks.write(disk, 0, data);
            Disks.await(disk.discard(4096, 512 * 1024));
            assertThat(Disks.read(disk, 0, 4096)).isEqualTo(Arrays.copyOf(data, 4096));
            int after = 4096 + 512 * 1024;
            assertThat(Disks.read(disk, after, data.length - after))
                    .isEqualTo(Arrays.copyOfRange(data, after, data.length));
        }
    }

    @Test
    void writeZeroesReadsAsZeroes() throws IOException {
        Path path = create();
        byte[] data = Disks.random(4, 1 << 20);
        for (boolean mayUnmap : List.of(false, true)) {
            try (Image disk = open(path)) {
                Disks.write(disk, 0, data);
                Disks.await(disk.writeZeroes(512 * 3, 512 * 1000, mayUnmap));
                byte[] expected = data.clone();
                Arrays.fill(expected, 512 * 3, 512 * 1003, (byte) 0);
                assertThat(Disks.read(disk, 0, data.length)).isEqualTo(expected);
            }
        }
    }

    @Test
    void refusesWhatIsOutsideOrNotInSectors() throws IOException {
        try (Image disk = open(create()); Arena arena = Arena.ofShared()) {
            MemorySegment sector = arena.allocate(512);
            assertFails(disk.read(SIZE, sector), "beyond its end");
            assertFails(disk.write(SIZE - 256, sector), "units of 512");
            assertFails(disk.write(-512, sector), "beyond its end");
            assertFails(disk.read(0, arena.allocate(100)), "units of 512");
            assertFails(disk.discard(Long.MAX_VALUE - 511, 1024), "beyond its end");
            assertFails(disk.writeZeroes(512, Long.MAX_VALUE - 511, true), "beyond its end");
            assertFails(disk.discard(0, -512), "beyond its end");
        }
    }

    static void assertFails(CompletableFuture<Void> request, String message) {
        assertThatThrownBy(() -> Disks.await(request)).isInstanceOf(IOException.class).hasMessageContaining(message)
                .message().doesNotContain("\n");
    }

    @Test
    void readOnlyRefusesWrites() throws IOException {
        try (Image disk = Images.open(create(), options().withReadOnly(true))) {
            assertThat(disk.readOnly()).isTrue();
            assertFails(disk.write(0, MemorySegment.ofArray(new byte[512])), "read-only");
            assertFails(disk.discard(0, 512), "read-only");
            assertFails(disk.writeZeroes(0, 512, true), "read-only");
            Disks.await(disk.flush());
        }
    }

    @Test
    void failsAfterClose() throws IOException {
        Image disk = open(create());
        disk.close();
        assertFails(disk.read(0, MemorySegment.ofArray(new byte[512])), "closed");
    }

    @Test
    void excludesASecondWriter() throws IOException {
        Path path = create();
        try (Image writer = open(path)) {
            assertThatThrownBy(() -> open(path)).isInstanceOf(UserException.class).hasMessageContaining("in use");
            assertThatThrownBy(() -> Images.open(path, options().withReadOnly(true))).hasMessageContaining("in use");
            try (Image shared = Images.open(path, options().withForceShare(true))) {
                assertThat(shared.size()).isEqualTo(writer.size());
            }
        }
        try (Image again = open(path)) {
            assertThat(again.readOnly()).isFalse();
        }
    }

    @Test
    void letsReadersShare() throws IOException {
        Path path = create();
        OpenOptions readOnly = options().withReadOnly(true);
        try (Image one = Images.open(path, readOnly); Image two = Images.open(path, readOnly)) {
            assertThat(Disks.read(one, 0, 512)).isEqualTo(Disks.read(two, 0, 512));
            assertThatThrownBy(() -> open(path)).hasMessageContaining("in use");
        }
    }

    @Test
    void growsAndReadsZeroesThere() throws IOException {
        Path path = create();
        byte[] data = Disks.random(5, 512);
        try (Image disk = open(path)) {
            Disks.write(disk, SIZE - 512, data);
            disk.grow(SIZE * 3L);
            assertThat(disk.size()).isEqualTo(SIZE * 3L);
            assertZero(Disks.read(disk, SIZE, SIZE));
            Disks.write(disk, SIZE * 3L - 512, data);
        }
        try (Image disk = open(path)) {
            assertThat(Disks.read(disk, SIZE * 3L - 512, 512)).isEqualTo(data);
            assertThat(Disks.read(disk, SIZE - 512, 512)).isEqualTo(data);
        }
    }

    @Test
    void servesManyRequestsAtOnce() throws IOException {
        byte[] expected = new byte[SIZE];
        Random random = new Random(6);
        int piece = 3 * 512;
        try (Image disk = open(create()); Arena arena = Arena.ofShared()) {
            List<CompletableFuture<Void>> requests = new ArrayList<>();
            for (int at = 0; at + piece <= SIZE; at += piece) {
                byte[] data = new byte[piece];
                random.nextBytes(data);
                System.arraycopy(data, 0, expected, at, piece);
                requests.add(disk.write(at, arena.allocate(piece).copyFrom(MemorySegment.ofArray(data))));
            }
            requests.add(disk.flush());
            for (CompletableFuture<Void> request : requests) {
                Disks.await(request);
            }
            assertThat(Disks.read(disk, 0, SIZE)).isEqualTo(expected);
            disk.check().ifPresent(result -> assertThat(result.messages()).isEmpty());
        }
    }
}
