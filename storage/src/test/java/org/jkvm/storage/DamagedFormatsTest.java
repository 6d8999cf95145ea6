package org.jkvm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Images of the other formats that are wrong, cut off, left behind by a crash, or of a kind that must not be changed. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DamagedFormatsTest {
    private static final int MIB = 1 << 20;

    @TempDir
    Path folder;

    private Path create(String format, long size, Map<String, String> more) {
        Path path = folder.resolve("d." + format);
        Images.create(path, CreateOptions.of(format, size).withMore(more));
        return path;
    }

    private static OpenOptions as(String format) {
        return OpenOptions.defaults().withFormat(format);
    }

    private static Image open(Path path, String format) {
        return Images.open(path, as(format));
    }

    private static void put(Path path, long at, byte[] bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(at);
            file.write(bytes);
        }
    }

    private static void putInt(Path path, long at, int value, ByteOrder order) throws IOException {
        put(path, at, ByteBuffer.allocate(Integer.BYTES).order(order).putInt(value).array());
    }

    private static void putLong(Path path, long at, long value) throws IOException {
        put(path, at, ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }

    private static long getInt(Path path, long at, ByteOrder order) throws IOException {
        return Integer.toUnsignedLong(ByteBuffer.wrap(Files.readAllBytes(path)).order(order).getInt((int) at));
    }

    private static void edit(Path path, String from, String to) throws IOException {
        String text = Files.readString(path, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(from);
        Files.writeString(path, text.replace(from, to), StandardCharsets.ISO_8859_1);
    }

    @Test
    void noLineOfADescriptorTakesLong() throws IOException {
        Path path = folder.resolve("d.vmdk");
        Files.writeString(path, "# Disk DescriptorFile\nx=" + " ".repeat(MIB - 100) + "\"\"x\n");
        assertThatThrownBy(() -> open(path, "vmdk")).hasMessageContaining("names no extents");
    }

    @Test
    void grainTablesOutsideTheFileAreNoZeroes() throws IOException {
        Path path = create("vmdk", MIB, Map.of());
        long gd = getInt(path, 56, ByteOrder.LITTLE_ENDIAN) * 512;
        putInt(path, gd, 0x7fffff, ByteOrder.LITTLE_ENDIAN);
        try (Image disk = open(path, "vmdk")) {
            assertThatThrownBy(() -> Disks.read(disk, 0, 512)).hasMessageContaining("grain table").message().hasLineCount(1);
            assertThat(disk.check().orElseThrow().corruptions()).isEqualTo(16);
        }
    }

    /** Else a directory of 8 MiB with one table makes 64 TiB of blocks to be looked at. */
    @ParameterizedTest
    @CsvSource({"vmdk, 0x40000000, 56, 512, 4", "qed, 0x100000000, 40, 1, 8"})
    void tablesThatAreSharedAreNotFollowed(String format, String size, long field, long unit, long entry) throws IOException {
        Path path = create(format, Long.decode(size), Map.of());
        try (Image disk = open(path, format)) {
            Disks.write(disk, 0, Disks.random(1, 65536));
            assertThat(disk.check().orElseThrow().clean()).isTrue();
        }
        long directory = getInt(path, field, ByteOrder.LITTLE_ENDIAN) * unit;
        putInt(path, directory + entry, (int) getInt(path, directory, ByteOrder.LITTLE_ENDIAN), ByteOrder.LITTLE_ENDIAN);
        try (Image disk = open(path, format)) {
            CheckResult found = disk.check().orElseThrow();
            assertThat(found.messages()).hasSize(1).first().asString().contains("two tables share the place at 0x");
            assertThat(found.allocatedClusters()).isZero();
        }
    }

    @Test
    void grainsThatAreCutOffAreNoZeroes() throws IOException {
        Path path = create("vmdk", MIB, Map.of("subformat", "streamOptimized"));
        try (Image disk = open(path, "vmdk")) {
            Disks.write(disk, 0, Disks.random(1, 65536));
        }
        long marker = Files.size(path) / 512 * 512;
        while (getInt(path, marker -= 512, ByteOrder.LITTLE_ENDIAN) != 0 || getInt(path, marker + 8, ByteOrder.LITTLE_ENDIAN)
                >>> 12 != 65536 >>> 12) {
            assertThat(marker).isPositive();
        }
        putInt(path, marker + 8, 5000, ByteOrder.LITTLE_ENDIAN);
        try (Image disk = open(path, "vmdk")) {
            assertThatThrownBy(() -> Disks.read(disk, 0, 512)).hasMessageContaining("cut off");
        }
    }

    @Test
    void extentsAreAsWritableAsTheDescriptorSays() throws IOException {
        Path path = create("vmdk", MIB, Map.of("subformat", "monolithicFlat"));
        edit(path, "RW 2048", "RDONLY 2048");
        try (Image disk = open(path, "vmdk")) {
            assertThat(Disks.read(disk, 0, 512)).containsOnly(0);
            assertThatThrownBy(() -> Disks.write(disk, 0, new byte[512])).hasMessageContaining("read-only");
            assertThatThrownBy(() -> Disks.await(disk.writeZeroes(0, 512, true))).hasMessageContaining("read-only");
        }
        edit(path, "RDONLY 2048", "NOACCESS 2048");
        assertThatThrownBy(() -> open(path, "vmdk")).hasMessageContaining("NOACCESS");
    }

    @Test
    void sizesOfExtentsDoNotOverflow() throws IOException {
        Path path = folder.resolve("d.vmdk");
        Files.writeString(path, "# Disk DescriptorFile\n" + ("RW " + (1L << 42) + " ZERO\n").repeat(4096));
        assertThatThrownBy(() -> open(path, "vmdk")).hasMessageContaining("an extent of");
    }

    @Test
    void aParentThatHasChangedIsRefused() throws IOException {
        Path parent = create("vmdk", MIB, Map.of());
        try (Image disk = open(parent, "vmdk")) {
            Disks.write(disk, 0, Disks.random(1, 65536));
        }
        String text = Files.readString(parent, StandardCharsets.ISO_8859_1);
        String cid = text.substring(text.indexOf("CID=") + 4, text.indexOf("CID=") + 12);
        Path child = folder.resolve("child.vmdk");
        Images.create(child, CreateOptions.of("vmdk", MIB));
        int at = Files.readString(child, StandardCharsets.ISO_8859_1).indexOf("parentCID=") + "parentCID=".length();
        put(child, at, (cid + "\nparentFileNameHint=\"d.vmdk\"\ncreateType=\"monolithicSparse\"\n").getBytes());
        try (Image disk = open(child, "vmdk")) {
            assertThat(Disks.read(disk, 0, 65536)).isEqualTo(Disks.random(1, 65536));
        }
        try (Image disk = open(parent, "vmdk")) {
            Disks.write(disk, 0, new byte[512]);
        }
        assertThatThrownBy(() -> open(child, "vmdk")).isInstanceOf(UserException.class)
                .hasMessageContaining("its parent has changed").message().hasLineCount(1);
    }

    /** QEMU writes a content id without leading zeroes: one in sixteen is shorter. */
    @Test
    void aShortContentIdKeepsItsPlace() throws IOException {
        Path path = create("vmdk", MIB, Map.of());
        String text = Files.readString(path, StandardCharsets.ISO_8859_1);
        String cid = text.substring(text.indexOf("CID="), text.indexOf("CID=") + 12);
        edit(path, cid + "\nparentCID", "CID=abc\nparentCID");
        String shorter = Files.readString(path, StandardCharsets.ISO_8859_1);
        Files.writeString(path, shorter.replace("CID=abc\n", "CID=abc\n#1234"), StandardCharsets.ISO_8859_1);
        try (Image disk = open(path, "vmdk")) {
            Disks.write(disk, 0, Disks.random(1, 512));
        }
        assertThat(Files.readString(path, StandardCharsets.ISO_8859_1)).containsPattern("\nCID=[0-9a-f]{3}\n#1234")
                .doesNotContain("CID=abc");
    }

    /** The count in a VDI's header is where VirtualBox and QEMU put the next block. */
    @Test
    void noVdiBlockGetsTwoOwners() throws IOException {
        Path path = create("vdi", 8 * MIB, Map.of());
        try (Image disk = open(path, "vdi")) {
            Disks.write(disk, 0, Disks.random(1, 2 * MIB));
        }
        int count = 0x184;
        assertThat(getInt(path, count, ByteOrder.LITTLE_ENDIAN)).isEqualTo(2);
        // A crash that lost the count, and one that left a block behind that nothing refers to.
        putInt(path, count, 1, ByteOrder.LITTLE_ENDIAN);
        put(path, Files.size(path), Disks.random(2, MIB));
        try (Image disk = open(path, "vdi")) {
            Disks.write(disk, 5 * MIB + 4096, Disks.random(3, 4096));
            Disks.write(disk, 6 * MIB, Disks.random(4, MIB));
            assertThat(Disks.read(disk, 0, 2 * MIB)).isEqualTo(Disks.random(1, 2 * MIB));
            assertThat(Disks.read(disk, 5 * MIB, 4096)).containsOnly(0);
            assertThat(Disks.read(disk, 5 * MIB + 4096, 4096)).isEqualTo(Disks.random(3, 4096));
            assertThat(Disks.read(disk, 6 * MIB - 4096, 4096)).containsOnly(0);
            assertThat(disk.check().orElseThrow().messages()).isEmpty();
        }
        assertThat(getInt(path, count, ByteOrder.LITTLE_ENDIAN)).isEqualTo(4);
        putInt(path, count, 9, ByteOrder.LITTLE_ENDIAN);
        assertThatThrownBy(() -> open(path, "vdi")).hasMessageContaining("9 blocks of 8 are allocated");
    }

    /** Hyper-V takes a sector whose bit is clear for zeroes. */
    @Test
    void sectorsWrittenInAVhdAreMarked() throws IOException {
        Path path = create("vpc", 4 * MIB, Map.of());
        try (Image disk = open(path, "vpc")) {
            Disks.write(disk, 0, Disks.random(1, 4096));
        }
        long bits = getInt(path, 1536, ByteOrder.BIG_ENDIAN) * 512;
        put(path, bits + 1, new byte[511]);
        try (Image disk = open(path, "vpc")) {
            Disks.write(disk, MIB, Disks.random(2, 4096));
        }
        byte[] all = Files.readAllBytes(path);
        assertThat(Arrays.copyOfRange(all, (int) bits, (int) bits + 512)).containsOnly(0xff);
    }

    @Test
    void noVhdBlockIsPutOverOneThatWasCutOff() throws IOException {
        Path path = create("vpc", 8 * MIB, Map.of());
        try (Image disk = open(path, "vpc")) {
            Disks.write(disk, 0, Disks.random(1, 4 * MIB));
        }
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(file.length() - MIB);
        }
        try (Image disk = open(path, "vpc")) {
            Disks.write(disk, 6 * MIB, Disks.random(2, MIB));
            Disks.write(disk, 3 * MIB + MIB / 2, Disks.random(3, MIB / 2));
            assertThat(Disks.read(disk, 6 * MIB, MIB)).isEqualTo(Disks.random(2, MIB));
            assertThat(disk.check().orElseThrow().messages()).isEmpty();
        }
    }

    /** The first sector of a fixed disk is the guest's: it may write there what it likes. */
    @Test
    void aGuestCannotTurnAFixedVhdIntoADynamicOne() throws IOException {
        Path dynamic = create("vpc", 4 * MIB, Map.of());
        byte[] start = Arrays.copyOf(Files.readAllBytes(dynamic), 4096);
        Path path = folder.resolve("fixed.vpc");
        Images.create(path, CreateOptions.of("vpc", MIB).withMore(Map.of("subformat", "fixed")));
        try (Image disk = open(path, "vpc")) {
            Disks.write(disk, 0, start);
        }
        try (Image disk = open(path, "vpc")) {
            assertThat(disk.size()).isEqualTo(MIB);
            assertThat(Disks.read(disk, 0, 4096)).isEqualTo(start);
        }
    }

    @Test
    void extensionsOfAParallelsImageAreNotMadeStale() throws IOException {
        Path path = create("parallels", 4 * MIB, Map.of());
        putLong(path, 56, 1);
        refusesToWrite(path, "parallels", "format extension");
    }

    @Test
    void aQedImageThatNeedsACheckIsNotWritten() throws IOException {
        Path path = create("qed", 4 * MIB, Map.of());
        putLong(path, 16, 2);
        refusesToWrite(path, "qed", "needs a check");
    }

    private static void refusesToWrite(Path path, String format, String why) throws IOException {
        try (Image disk = open(path, format)) {
            assertThat(Disks.read(disk, 0, 512)).containsOnly(0);
            assertThatThrownBy(() -> Disks.write(disk, 0, new byte[512])).hasMessageContaining(why)
                    .message().hasLineCount(1);
        }
    }

    @Test
    void whatAWriterDoesNotKnowIsCleared() throws IOException {
        Path path = create("qed", 4 * MIB, Map.of());
        putLong(path, 32, 0x10);
        try (Image disk = open(path, "qed")) {
            Disks.write(disk, 0, Disks.random(1, 4096));
        }
        assertThat(getInt(path, 32, ByteOrder.LITTLE_ENDIAN)).isZero();
    }

    /** Where the first block's table entry is, how wide it is, and a value that points to the image's own tables. */
    @ParameterizedTest
    @CsvSource({
        "parallels, 64, 4, 0x0, 0x1, false",
        "qed, 0x10000, 8, 0x60000, 0x10000, true",
        "vpc, 1536, 4, 0x0, 0x1, false",
        "vhdx, 0x300000, 8, 0x0, 0x300006, false",
        "vhdx, 0x300000, 8, 0x0, 0x100006, false",
    })
    void blocksDoNotLieOnTables(String format, String at, int bytes, String table, String entry, boolean twoLevels)
            throws IOException {
        Path path = create(format, 4 * MIB, format.equals("parallels") ? Map.of("cluster_size", "64k") : Map.of());
        try (Image disk = open(path, format)) {
            Disks.write(disk, 0, new byte[4096]);
        }
        long place = twoLevels ? Long.decode(table) : Long.decode(at);
        if (format.equals("parallels")) {
            // The table is longer than a cluster where the disk is large: here the second cluster is said to be table.
            putInt(path, 32, 20_000, ByteOrder.LITTLE_ENDIAN);
        }
        ByteBuffer value = ByteBuffer.allocate(bytes)
                .order(format.equals("vpc") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        put(path, place, (bytes == 4 ? value.putInt(Integer.decode(entry)) : value.putLong(Long.decode(entry))).array());
        try (Image disk = open(path, format)) {
            assertThatThrownBy(() -> Disks.write(disk, 0, new byte[512])).hasMessageContaining("own tables lie");
            assertThat(disk.check().orElseThrow().corruptions()).isPositive();
        }
    }

    /** A disk of 2^30 grains with a directory of four kibibytes: each table would have a million entries, and there is none. */
    @Test
    void tablesThatAreMissingAreNotLookedThrough() throws IOException {
        Path path = create("vmdk", MIB, Map.of());
        putLong(path, 12, (1L << 30) * 128);
        putInt(path, 44, MIB, ByteOrder.LITTLE_ENDIAN);
        for (int field : new int[] {48, 56}) {
            long directory = Files.size(path) / 512;
            putLong(path, field, directory);
            put(path, directory * 512, new byte[4096]);
        }
        try (Image disk = open(path, "vmdk")) {
            assertThat(disk.check().orElseThrow()).returns(1L << 30, CheckResult::totalClusters)
                    .returns(0L, CheckResult::allocatedClusters);
        }
    }

    @Test
    void errorsOfAHugeTableEnd() throws IOException {
        Path path = create("parallels", 96L << 30, Map.of("cluster_size", "64k"));
        byte[] bad = new byte[4 * 96 << 14];
        Arrays.fill(bad, (byte) 0x7f);
        put(path, 64, bad);
        try (Image disk = open(path, "parallels")) {
            assertThat(disk.check().orElseThrow().corruptions()).isEqualTo(1 << 20);
        }
    }

    /** A log full of entries that each claim all of it, none of which is right. */
    @Test
    void aVhdxLogIsNotSummedUpForEver() throws IOException {
        Path path = create("vhdx", 4 * MIB, Map.of("block_size", "1M"));
        byte[] guid = new byte[16];
        guid[0] = 1;
        for (int header : new int[] {64 << 10, 128 << 10}) {
            put(path, header + 48, guid);
            byte[] h = Arrays.copyOfRange(Files.readAllBytes(path), header, header + 4096);
            Arrays.fill(h, 4, 8, (byte) 0);
            CRC32C crc = new CRC32C();
            crc.update(h);
            putInt(path, header + 4, (int) crc.getValue(), ByteOrder.LITTLE_ENDIAN);
        }
        for (int at = MIB; at < 2 * MIB; at += 4096) {
            put(path, at, "loge".getBytes());
            putInt(path, at + 8, MIB, ByteOrder.LITTLE_ENDIAN);
            put(path, at + 32, guid);
        }
        assertThatThrownBy(() -> open(path, "vhdx")).hasMessageContaining("many entries that overlap");
    }
}
