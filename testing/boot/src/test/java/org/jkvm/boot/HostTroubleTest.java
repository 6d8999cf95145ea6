package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.guest.LinuxGuest;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.nbd.NbdExport;
import org.jkvm.storage.nbd.NbdServer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A guest that writes to its disk without end, while the host fails it. */
@Slow
class HostTroubleTest {
    private static final int BLOCK = 1 << 20;
    private static final Pattern FLUSHED = Pattern.compile("flushed (\\d+) ([0-9a-f]{32})");

    @TempDir
    private Path folder;

    private LinuxGuest guest;
    private Path initrd;

    @BeforeEach
    void prepare() throws Exception {
        guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        initrd = Guests.initrd(guest, folder, "writer.sh");
    }

    private GuestConsole start(Path disk, String werror, String... more) throws IOException {
        Images.create(disk, CreateOptions.of("qcow2", 256 << 20));
        return boot("file=" + disk + ",format=qcow2,if=virtio,werror=" + werror, more);
    }

    private GuestConsole boot(String drive, String... more) throws IOException {
        return new GuestConsole(KvmCommand.with(KvmCommand.words(List.of("-nodefaults", "-display", "none", "-no-reboot",
                "-serial", "stdio", "-m", "256", "-kernel", guest.kernel().toString(), "-initrd", initrd.toString(),
                "-append", "console=ttyS0 quiet", "-drive", drive), more)), null);
    }

    /** "qemu-img check": 0 is clean, 3 leaking; anything else corrupt. */
    private static int check(Path disk) throws Exception {
        return new ProcessBuilder(Guests.tool("qemu-img").toString(), "check", "-f", "qcow2", disk.toString())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    }

    @Test
    void aKilledMachineLeavesWhatWasFlushed() throws Exception {
        Path disk = folder.resolve("disk.qcow2");
        List<MatchResult> flushed;
        try (GuestConsole console = start(disk, "report")) {
            console.await("flushed 12 ", Boot.LIMIT);
            console.close();
            console.awaitExit(Duration.ofMinutes(1));
            flushed = FLUSHED.matcher(console.output()).results().toList();
        }
        assertThat(check(disk)).isIn(0, 3);
        assertThat(flushed).hasSizeGreaterThanOrEqualTo(12);
        try (Image image = Images.open(disk, OpenOptions.defaults())) {
            for (MatchResult block : flushed) {
                assertThat(md5(image, Long.parseLong(block.group(1)) * BLOCK)).as(block.group()).isEqualTo(block.group(2));
            }
        }
    }

    private static String md5(Image image, long offset) throws Exception {
        byte[] bytes = new byte[BLOCK];
        image.read(offset, MemorySegment.ofArray(bytes)).get();
        return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
    }

    @Test
    void aFullHostIsAnErrorOfTheGuestsDisk() throws Exception {
        Path small = smallFileSystem();
        Path disk = small.resolve("disk.qcow2");
        try (GuestConsole console = start(disk, "report")) {
            console.await("failed \\d+ dd: ", Boot.LIMIT);
            assertThat(console.awaitExit(Duration.ofMinutes(2))).isZero();
            assertThat(check(disk)).isIn(0, 3);
        } finally {
            run("umount", "-l", small.toString());
        }
    }

    @Test
    void aFullHostStopsTheGuestUntilThereIsRoom() throws Exception {
        Path small = smallFileSystem();
        Path disk = small.resolve("disk.qcow2");
        Path monitor = folder.resolve("monitor");
        try (GuestConsole console = start(disk, "enospc", "-monitor", "unix:" + monitor + ",server=on,wait=off")) {
            console.await("kvm: stopped: .*ENOSPC", Boot.LIMIT);
            run("mount", "-o", "remount,size=32m", small.toString());
            Monitor.command(monitor, "cont");
            console.await("flushed 12 ", Boot.LIMIT);
            console.close();
            console.awaitExit(Duration.ofMinutes(1));
            assertThat(check(disk)).isIn(0, 3);
        } finally {
            run("umount", "-l", small.toString());
        }
    }

    @Test
    void aNetworkDiskThatGoesIsAnErrorOfTheGuestsDisk() throws Exception {
        Path disk = folder.resolve("disk.raw");
        Path socket = folder.resolve("nbd");
        Images.create(disk, CreateOptions.of("raw", 256 << 20));
        try (Image image = Images.open(disk, OpenOptions.defaults().withFormat("raw"));
                GuestConsole console = withServer(serve(socket, image), socket, 1)) {
            console.await("failed \\d+ dd: ", Boot.LIMIT);
            console.awaitExit(Duration.ofMinutes(2));
            assertThat(console.output()).containsOnlyOnce("connection lost").contains("kvm: disk 'virtio0': NBD server "
                    + socket + " is gone: ", "; the guest sees an I/O error");
        }
    }

    @Test
    void aNetworkDiskThatComesBackIsTheHostsBusiness() throws Exception {
        Path disk = folder.resolve("disk.raw");
        Path socket = folder.resolve("nbd");
        Images.create(disk, CreateOptions.of("raw", 256 << 20));
        try (Image image = Images.open(disk, OpenOptions.defaults().withFormat("raw"));
                GuestConsole console = withServer(serve(socket, image), socket, 60)) {
            console.await("connection lost", Boot.LIMIT);
            Files.delete(socket);
            try (NbdServer _ = serve(socket, image)) {
                console.await("NBD server " + socket + ": connected again", Boot.LIMIT);
                console.await("flushed 12 ", Boot.LIMIT);
                console.close();
                console.awaitExit(Duration.ofMinutes(1));
            }
            for (MatchResult block : FLUSHED.matcher(console.output()).results().toList()) {
                assertThat(md5(image, Long.parseLong(block.group(1)) * BLOCK)).as(block.group()).isEqualTo(block.group(2));
            }
        }
    }

    /** A guest whose disk is at {@code server}, which leaves it while it writes. */
    private GuestConsole withServer(NbdServer server, Path socket, int reconnectDelay) throws Exception {
        try (server) {
            GuestConsole console = boot("file=nbd+unix:///?socket=" + socket + "&reconnect-delay=" + reconnectDelay
                    + ",format=raw,if=virtio");
            console.await("flushed 2 ", Boot.LIMIT);
            return console;
        }
    }

    @Test
    void aFileThatSomebodyTruncatesIsAnErrorOfTheGuestsDisk() throws Exception {
        Path disk = folder.resolve("disk.raw");
        byte[] data = new byte[32 * BLOCK];
        Arrays.fill(data, (byte) 'x');
        Files.write(disk, data);
        initrd = Guests.initrd(guest, folder, "reader.sh");
        try (GuestConsole console = boot("file=" + disk + ",format=raw,if=virtio")) {
            console.await("read 2", Boot.LIMIT);
            try (FileChannel file = FileChannel.open(disk, StandardOpenOption.WRITE)) {
                file.truncate(BLOCK);
            }
            console.await("failed \\d+ dd: ", Boot.LIMIT);
            assertThat(console.awaitExit(Duration.ofMinutes(2))).isZero();
            assertThat(console.output()).contains("somebody has truncated the file to " + BLOCK + " bytes", "write done")
                    .containsOnlyOnce("; the guest sees an I/O error");
        }
    }

    @Test
    void aReadOnlyDiskRefusesWritesAndStaysAsItIs() throws Exception {
        Path disk = folder.resolve("disk.qcow2");
        Images.create(disk, CreateOptions.of("qcow2", 256 << 20));
        byte[] before = Files.readAllBytes(disk);
        try (GuestConsole console = boot("file=" + disk + ",format=qcow2,if=virtio,readonly=on")) {
            console.await("failed 0 dd: .*not permitted", Boot.LIMIT);
            assertThat(console.awaitExit(Duration.ofMinutes(2))).isZero();
        }
        assertThat(Files.readAllBytes(disk)).isEqualTo(before);
    }

    private static NbdServer serve(Path socket, Image image) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket));
        NbdServer server = new NbdServer(listener, new NbdServer.Options(List.of(new NbdExport("", "", image, false, false)),
                null, 1, true, System.out::println));
        Thread.ofPlatform().daemon().start(() -> serve(server));
        return server;
    }

    private static void serve(NbdServer server) {
        try {
            server.serve();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path smallFileSystem() throws Exception {
        Path small = Files.createDirectory(folder.resolve("small"));
        Assumptions.assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=6m", "none", small.toString()) == 0,
                "mounting a small file system needs root");
        return small;
    }

    private static int run(String... words) throws Exception {
        return new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
                .waitFor();
    }
}
