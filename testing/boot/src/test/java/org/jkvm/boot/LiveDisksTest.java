package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.guest.LinuxGuest;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Disks of a Linux guest that come, go, grow, are snapshotted and copied while it writes, by the monitor's commands. */
@Slow
class LiveDisksTest {
    private static final int MIB = 1 << 20;
    private static final Pattern FLUSHED = Pattern.compile("flushed (\\d+) ([0-9a-f]{32})");
    private static final Duration LIMIT = Duration.ofMinutes(2);

    @TempDir
    private Path folder;
    private Path monitor;
    private Path disk;
    private GuestConsole console;

    @BeforeEach
    void start() throws Exception {
        LinuxGuest guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        Path initrd = Guests.initrd(guest, folder, "live-disks.sh");
        monitor = folder.resolve("monitor");
        disk = folder.resolve("disk.qcow2");
        Images.create(disk, CreateOptions.of("qcow2", 256 * MIB));
        console = new GuestConsole(KvmCommand.with(List.of("-nodefaults", "-display", "none", "-no-reboot", "-serial",
                "stdio", "-m", "256", "-kernel", guest.kernel().toString(), "-initrd", initrd.toString(), "-append",
                "console=ttyS0 quiet", "-drive", "file=" + disk + ",format=qcow2,if=virtio,discard=unmap", "-monitor",
                "unix:" + monitor + ",server=on,wait=off")), null);
    }

    private String ask(String command) throws IOException {
        String answer = Monitor.command(monitor, command);
        assertThat(answer).doesNotContain("Error:");
        return answer;
    }

    private void awaitJob(String state) throws Exception {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (!ask("info block-jobs").contains(state) && System.nanoTime() < end) {
            Thread.sleep(200);
        }
        assertThat(ask("info block-jobs")).contains(state);
    }

    private void awaitBlocks() throws Exception {
        int before = (int) FLUSHED.matcher(console.output()).results().count();
        long end = System.nanoTime() + LIMIT.toNanos();
        while (FLUSHED.matcher(console.output()).results().count() < before + 3 && System.nanoTime() < end) {
            Thread.sleep(100);
        }
        assertThat(FLUSHED.matcher(console.output()).results().count()).isGreaterThanOrEqualTo(before + 3);
    }

    @Test
    void theGuestWritesOnWhateverHappensToItsDisks() throws Exception {
        Path plugged = folder.resolve("plugged.raw");
        byte[] contents = new byte[4 * MIB];
        new Random(1).nextBytes(contents);
        Files.write(plugged, contents);
        try (GuestConsole _ = console) {
            console.await("guest ready", Boot.LIMIT);
            ask("drive_add 0 if=none,id=d1,format=raw,file=" + plugged);
            ask("device_add virtio-blk-pci,drive=d1,id=disk1");
            console.await("vdb came 8192 " + md5(contents, 0), LIMIT);
            console.await("vdb wrote [0-9a-f]{32}", LIMIT);
            assertThat(ask("info block")).contains("d1: " + plugged, "disk1");
            ask("device_del disk1");
            console.await("vdb went", LIMIT);
            ask("block_resize virtio0 512M");
            console.await("vda grew", LIMIT);
            awaitBlocks();
            changeUnderTheWriter();
            ask("stop");
            check();
        }
        byte[] written = Files.readAllBytes(plugged);
        assertThat(console.output()).contains("vdb wrote " + md5(written, MIB));
    }

    private void changeUnderTheWriter() throws Exception {
        ask("snapshot_blkdev_internal virtio0 before");
        awaitBlocks();
        ask("snapshot_blkdev virtio0 " + folder.resolve("over.qcow2"));
        awaitBlocks();
        ask("commit virtio0");
        awaitJob("No active jobs");
        awaitBlocks();
        backUp();
        ask("drive_mirror -f virtio0 " + folder.resolve("copy.raw") + " raw");
        awaitJob("ready");
        awaitBlocks();
        ask("block_job_complete virtio0");
        awaitJob("No active jobs");
        awaitBlocks();
        ask("block_set_io_throttle virtio0 0 0 0 500 0 0");
        awaitBlocks();
        assertThat(ask("info block")).contains("copy.raw (raw)", "iops=500");
        assertThat(ask("info blockstats")).contains("failed_wr_operations=0");
    }

    /** A copy is the disk as it was when the machine stood, although the guest writes on; one block was being written. */
    private void backUp() throws Exception {
        ask("stop");
        Map<Integer, String> then = flushed();
        ask("drive_backup -f virtio0 " + folder.resolve("backup.qcow2") + " qcow2");
        ask("cont");
        awaitBlocks();
        awaitJob("No active jobs");
        assertThat(different("backup.qcow2", "qcow2", then)).hasSizeLessThanOrEqualTo(1);
    }

    /** What the guest said it had flushed, the last of each block. */
    private Map<Integer, String> flushed() {
        Map<Integer, String> last = new LinkedHashMap<>();
        FLUSHED.matcher(console.output()).results().forEach(m -> last.put(Integer.parseInt(m.group(1)), m.group(2)));
        return last;
    }

    /** The blocks of an image that are not as {@code expected}. */
    private List<Integer> different(String name, String format, Map<Integer, String> expected) throws Exception {
        List<Integer> different = new ArrayList<>();
        try (Image image = Images.open(folder.resolve(name), OpenOptions.defaults().withFormat(format))) {
            for (Map.Entry<Integer, String> block : expected.entrySet()) {
                byte[] bytes = new byte[MIB];
                image.read((long) block.getKey() * MIB, MemorySegment.ofArray(bytes)).get();
                if (!md5(bytes, 0).equals(block.getValue())) {
                    different.add(block.getKey());
                }
            }
        }
        return different;
    }

    /** Every block that was flushed, the last time it was, is in the image that the guest ended on. */
    private void check() throws Exception {
        ask("quit");
        console.awaitExit(Duration.ofMinutes(1));
        assertThat(flushed()).hasSizeGreaterThan(15);
        assertThat(different("copy.raw", "raw", flushed())).isEmpty();
        try (Image image = Images.inspect(disk, OpenOptions.defaults())) {
            assertThat(image.check().orElseThrow().corruptions()).isZero();
            assertThat(image.info().snapshots()).extracting("name").containsExactly("before");
        }
    }

    private static String md5(byte[] bytes, int offset) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("MD5");
        digest.update(bytes, offset, MIB);
        return HexFormat.of().formatHex(digest.digest());
    }
}
