package org.jkvm.storage.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageCopy;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Our server with the clients of libnbd and QEMU, our client with QEMU's server. */
@Timeout(120)
class NbdInteropTest {
    private static final int MIB = 1 << 20;
    private static final String KEY = "alice:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

    @TempDir
    private Path folder;
    private Path disk;
    private Path plain;

    @BeforeEach
    void makeDisks() throws IOException {
        disk = folder.resolve("disk.qcow2");
        plain = folder.resolve("plain.raw");
        byte[] bytes = new byte[24 * MIB];
        new Random(7).nextBytes(bytes);
        Arrays.fill(bytes, 4 * MIB, 16 * MIB, (byte) 0);
        Files.write(plain, bytes);
        Images.create(disk, CreateOptions.of("qcow2", bytes.length));
        copy(plain, disk);
    }

    private static void copy(Path from, Path to) throws IOException {
        OpenOptions options = OpenOptions.defaults();
        try (Image source = Images.open(from, options.withReadOnly(true)); Image target = Images.open(to, options)) {
            ImageCopy.run(source, target, new ImageCopy.Options(false, 4096, false, false, true, 2), _ -> { });
        }
    }

    private String run(String... command) throws IOException {
        try {
            Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes());
            assertThat(process.waitFor()).as(String.join(" ", command) + ": " + output).isZero();
            return output;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void require(String tool) {
        Assumptions.assumeTrue(List.of(System.getenv("PATH").split(":")).stream()
                .anyMatch(f -> Files.isExecutable(Path.of(f, tool))), tool + " is not installed here");
    }

    @Test
    void libnbdReadsAndWrites() throws IOException {
        require("nbdcopy");
        Path socket = folder.resolve("s");
        String uri = "nbd+unix:///disk?socket=" + socket;
        try (Server server = new Server(socket, disk, false, null)) {
            assertThat(run("nbdinfo", uri)).contains("a disk", "base:allocation", "can_multi_conn: true",
                    "is_read_only: false");
            assertThat(run("nbdinfo", "--list", "nbd+unix:///?socket=" + socket)).contains("export=\"disk\"");
            assertThat(run("nbdinfo", "--map", uri)).containsPattern(" 4194304 +12582912 +3 +hole,zero");
            run("nbdcopy", uri, "copy.raw");
            assertThat(Files.mismatch(folder.resolve("copy.raw"), plain)).isEqualTo(-1);
            byte[] other = new byte[24 * MIB];
            new Random(8).nextBytes(other);
            Files.write(folder.resolve("other.raw"), other);
            run("nbdcopy", "other.raw", uri);
            run("nbdcopy", uri, "back.raw");
            assertThat(Files.mismatch(folder.resolve("back.raw"), folder.resolve("other.raw"))).isEqualTo(-1);
            assertThat(server.complaints()).isEmpty();
        }
    }

    @Test
    void libnbdKnowsTheKey() throws IOException {
        require("nbdcopy");
        Path socket = folder.resolve("s");
        Path keys = Files.writeString(folder.resolve("keys.psk"), KEY);
        try (Server server = new Server(socket, disk, true, new PskFile(keys))) {
            String uri = "nbds+unix://alice@/disk?socket=" + socket + "&tls-psk-file=" + keys;
            run("nbdcopy", uri, "copy.raw");
            assertThat(Files.mismatch(folder.resolve("copy.raw"), plain)).isEqualTo(-1);
            assertThat(server.complaints()).isEmpty();
        }
    }

    @Test
    void qemuImgReadsAndWrites() throws IOException {
        require("qemu-img");
        Path socket = folder.resolve("s");
        String uri = "nbd+unix:///disk?socket=" + socket;
        try (Server server = new Server(socket, disk, false, null)) {
            assertThat(run("qemu-img", "compare", "-f", "raw", uri, "plain.raw")).contains("Images are identical.");
            run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", "plain.raw", uri);
            assertThat(run("qemu-img", "compare", "-f", "raw", uri, "plain.raw")).contains("Images are identical.");
            assertThat(server.complaints()).isEmpty();
        }
        run("qemu-img", "check", "disk.qcow2");
    }

    @Test
    void qemuServes() throws Exception {
        require("qemu-nbd");
        Path socket = folder.resolve("q");
        Files.writeString(folder.resolve("keys.psk"), KEY);
        Process server = new ProcessBuilder("qemu-nbd", "-t", "-k", socket.toString(), "-e", "4", "-f", "qcow2", "-x", "e",
                "--object", "tls-creds-psk,id=t,endpoint=server,dir=" + folder, "--tls-creds", "t", disk.toString()).start();
        try {
            for (int i = 0; i < 500 && Files.notExists(socket); i++) {
                Thread.sleep(10);
            }
            Path address = Path.of("nbds+unix://alice@/e?socket=" + socket + "&tls-psk-file=" + folder.resolve("keys.psk"));
            Images.create(folder.resolve("copy.raw"), CreateOptions.of("raw", 24 * MIB));
            copy(address, folder.resolve("copy.raw"));
            assertThat(Files.mismatch(folder.resolve("copy.raw"), plain)).isEqualTo(-1);
            copy(plain, address);
        } finally {
            server.destroy();
            server.waitFor(10, TimeUnit.SECONDS);
        }
        run("qemu-img", "compare", "disk.qcow2", "plain.raw");
    }
}
