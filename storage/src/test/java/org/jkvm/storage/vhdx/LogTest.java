package org.jkvm.storage.vhdx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.UUID;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images whose last changes are in the log alone (MS-VHDX 2.3): here the table entry of the disk's first block. */
class LogTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final int SECTOR = 4096;
    private static final int BAT = 3 * MEBIBYTE;
    private static final UUID LOG = UUID.fromString("01020304-0506-0708-090a-0b0c0d0e0f10");

    @TempDir
    Path folder;
    private Path path;
    private byte[] image;
    private byte[] data;

    /** An image with a block written, whose table entry is taken away again. */
    @BeforeEach
    void makeImage() throws IOException {
        path = folder.resolve("d.vhdx");
        Images.create(path, CreateOptions.of("vhdx", 2 * MEBIBYTE).withMore(Map.of("block_size", "1M")));
        data = new byte[SECTOR];
        Arrays.fill(data, (byte) 0x5a);
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            disk.write(0, MemorySegment.ofArray(data)).join();
        }
        image = Files.readAllBytes(path);
    }

    /** An entry of the log with one data descriptor: the table's first sector as it is. */
    private byte[] entry(long sequence, int tail) {
        ByteBuffer sector = ByteBuffer.wrap(image, BAT, SECTOR).slice().order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer e = ByteBuffer.allocate(2 * SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        e.put(0, "loge".getBytes()).putInt(8, 2 * SECTOR).putInt(12, tail).putLong(16, sequence).putInt(24, 1);
        Guids.put(e, 32, LOG);
        e.putLong(48, image.length).putLong(56, image.length);
        e.put(64, "desc".getBytes()).putInt(68, sector.getInt(4092)).putLong(72, sector.getLong(0)).putLong(80, BAT)
                .putLong(88, sequence);
        e.put(SECTOR, "data".getBytes()).putInt(SECTOR + 4, (int) (sequence >>> 32));
        e.put(SECTOR + 8, sector, 8, 4084);
        e.putInt(SECTOR + 4092, (int) sequence);
        e.putInt(4, Headers.crc(e));
        return e.array();
    }

    /** Puts an entry into the log, and takes what it says away from the table. */
    private void writeWithLog(byte[] entry, int at) throws IOException {
        System.arraycopy(entry, 0, image, MEBIBYTE + at, entry.length);
        Arrays.fill(image, BAT, BAT + SECTOR, (byte) 0);
        for (int header : new int[] {64 << 10, 128 << 10}) {
            ByteBuffer h = ByteBuffer.wrap(image.clone(), header, SECTOR).slice().order(ByteOrder.LITTLE_ENDIAN);
            ByteBuffer copy = ByteBuffer.allocate(SECTOR).order(ByteOrder.LITTLE_ENDIAN).put(0, h, 0, SECTOR);
            Guids.put(copy, 48, LOG);
            copy.putInt(4, Headers.crc(copy));
            System.arraycopy(copy.array(), 0, image, header, SECTOR);
        }
        Files.write(path, image);
    }

    private byte[] read(Image disk) {
        MemorySegment target = MemorySegment.ofArray(new byte[SECTOR]);
        disk.read(0, target).join();
        return target.toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void isReplayedInMemoryWhereTheImageIsOnlyRead() throws IOException {
        writeWithLog(entry(7, 0), 0);
        byte[] before = Files.readAllBytes(path);
        try (Image disk = Images.open(path, OpenOptions.defaults().withReadOnly(true))) {
            assertThat(read(disk)).isEqualTo(data);
        }
        assertThat(Files.readAllBytes(path)).isEqualTo(before);
    }

    @Test
    void isReplayedIntoTheFileAndForgotten() throws IOException {
        writeWithLog(entry(7, 3 * SECTOR), 3 * SECTOR);
        for (int i = 0; i < 2; i++) {
            try (Image disk = Images.open(path, OpenOptions.defaults())) {
                assertThat(read(disk)).isEqualTo(data);
            }
        }
        assertThat(ByteBuffer.wrap(Files.readAllBytes(path)).getLong((64 << 10) + 48)).isZero();
    }

    @Test
    void goesOnAtTheStartOfItsRing() throws IOException {
        byte[] entry = entry(7, MEBIBYTE - SECTOR);
        writeWithLog(Arrays.copyOf(entry, SECTOR), MEBIBYTE - SECTOR);
        System.arraycopy(entry, SECTOR, image, MEBIBYTE, SECTOR);
        Files.write(path, image);
        try (Image disk = Images.open(path, OpenOptions.defaults())) {
            assertThat(read(disk)).isEqualTo(data);
        }
    }

    @Test
    void refusesALogThatIsDamaged() throws IOException {
        byte[] entry = entry(7, 0);
        entry[100] ^= 1;
        writeWithLog(entry, 0);
        assertThatThrownBy(() -> Images.open(path, OpenOptions.defaults())).hasMessageContaining("no entry that is right")
                .message().hasLineCount(1);
    }
}
