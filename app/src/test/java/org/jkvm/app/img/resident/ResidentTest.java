package org.jkvm.app.img.resident;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jkvm.app.img.KvmImg;
import org.jkvm.app.img.resident.Launcher.Said;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A resident as launchers start it, in a process of its own, and what they get from it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class ResidentTest {
    private Path folder;
    private Path image;
    private Launcher launcher;
    private Address address;

    @BeforeAll
    void create(@TempDir Path made) throws IOException {
        folder = made;
        image = folder.resolve("disk.qcow2");
        assertThat(here("create", "-f", "qcow2", "-o", "preallocation=metadata", image.toString(), "64G").status()).isZero();
        launcher = new Launcher(folder);
    }

    /** It may be there from the last test. */
    @BeforeEach
    void start() throws IOException, InterruptedException {
        address = launcher.await(image);
    }

    @AfterAll
    void end() throws IOException, InterruptedException {
        Files.deleteIfExists(launcher.file());
        awaitEnd();
    }

    private Said here(String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = KvmImg.run(words, new PrintStream(out), new PrintStream(err));
        return new Said(status, out.toString(), err.toString());
    }

    @Test
    void saysWhatTheCommandSays() throws IOException, InterruptedException {
        for (List<String> words : List.of(List.of("info", image.toString()), List.of("info", "--output=json", image.toString()),
                List.of("check", image.toString()), List.of("check", "-q", image.toString()), List.of("map", image.toString()),
                List.of("measure", "-O", "qcow2", image.toString()), List.of("snapshot", "-l", image.toString()))) {
            assertThat(launcher.run(folder, words.toArray(String[]::new))).isEqualTo(here(words.toArray(String[]::new)));
        }
    }

    @Test
    void statusAndComplaintsComeThrough() throws IOException, InterruptedException {
        String raw = Files.createFile(folder.resolve("a raw disk")).toString();
        assertThat(launcher.run(folder, "check", "-f", "raw", raw)).isEqualTo(here("check", "-f", "raw", raw))
                .returns(63, Said::status);
        String broken = folder.resolve("broken").toString();
        assertThat(here("create", "-f", "qcow2", "-o", "preallocation=metadata", broken, "64M").status()).isZero();
        try (FileChannel channel = FileChannel.open(Path.of(broken), StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() / 2);
        }
        Said damaged = launcher.run(folder, "check", broken);
        assertThat(damaged).isEqualTo(here("check", broken));
        assertThat(damaged.status()).isNotZero();
        assertThat(damaged.err()).isNotEmpty();
    }

    @Test
    void namesBeginWhereTheCommandIsGiven() throws IOException, InterruptedException {
        Path other = Files.createDirectory(folder.resolve("other"));
        assertThat(here("create", "-f", "qcow2", other.resolve("disk.qcow2").toString(), "1G").status()).isZero();
        assertThat(launcher.run(folder, "info", "disk.qcow2").out()).contains("image: disk.qcow2", "virtual size: 64 GiB");
        assertThat(launcher.run(other, "info", "disk.qcow2").out()).contains("image: disk.qcow2", "virtual size: 1 GiB");
        assertThat(launcher.run(other, "info", "../disk.qcow2").out()).contains("virtual size: 64 GiB");
        assertThat(Path.of("/proc", Long.toString(pid()), "cwd").toRealPath()).as("no folder is kept").isEqualTo(Path.of("/"));
    }

    @Test
    void whatIsOutOfTheOrdinaryIsLeftToTheLauncher() throws IOException, InterruptedException {
        String name = image.toString();
        for (List<String> words : List.of(List.of("snapshot", "-c", "one", name), List.of("check", "-r", "all", name),
                List.of("info", name + "no"), List.of("info", "/dev/null"), List.of("info", "--wrong", name),
                List.of("create", "-f", "raw", folder.resolve("new").toString(), "1G"), List.of("info", "-h"),
                List.of("info", "--image-opts", "driver=qcow2,file.filename=" + name))) {
            assertThat(launcher.run(folder, words.toArray(String[]::new))).isEqualTo(new Said(0, Launcher.OWN + "\n", ""));
        }
        String locale = "C".equals(System.getenv("LC_ALL")) ? "POSIX" : "C";
        assertThat(launcher.run(Map.of("LC_ALL", locale), folder, "info", name).byResident()).isFalse();
        assertThat(launcher.run(Map.of("TZ", "Asia/Kathmandu"), folder, "info", name).byResident()).isFalse();
        assertThat(launcher.run(Map.of("JKVM_RESIDENT", "0"), folder, "info", name).byResident()).isFalse();
        assertThat(launcher.run(folder, "snapshot", "-l", name)).as("none was made").isEqualTo(new Said(0, "", ""));
        assertThat(folder.resolve("new")).doesNotExist();
    }

    @Test
    void endsWhenSourcesChange() throws IOException, InterruptedException {
        Files.writeString(launcher.source(), "changed");
        awaitEnd();
        assertThat(launcher.file()).doesNotExist();
        assertThat(launcher.run(folder, "info", image.toString()).byResident()).isFalse();
        launcher.build();
    }

    @Test
    void saysNothingToStrangers() throws IOException, InterruptedException {
        assertThat(ask(new byte[0])).isEmpty();
        assertThat(ask("guess".repeat(20).getBytes(StandardCharsets.US_ASCII))).isEmpty();
        assertThat(ask(words(address.key(), "1", "0", "//", "2", "info", image.toString())))
                .as("a process that has the address not open").isEqualTo(address.proof() + "\n");
        assertThat(ask(words(address.key(), "x"))).isEqualTo(address.proof() + "\n");
        assertThat(launcher.run(folder, "info", image.toString()).byResident()).isTrue();
    }

    @Test
    void endsWithItsLauncher() throws IOException, InterruptedException {
        String locale = Stream.of("LC_ALL", "LC_CTYPE", "LANG", "TZ").map(n -> System.getenv().getOrDefault(n, ""))
                .reduce((a, b) -> a + "/" + b).get();
        try (FileChannel open = FileChannel.open(launcher.file())) {
            try (Socket socket = connect()) {
                socket.getOutputStream().write(words(address.key()));
                socket.getInputStream().readNBytes(address.proof().length() + 1);
                socket.getOutputStream().write(words(Long.toString(ProcessHandle.current().pid()), descriptor(), locale, "2",
                        "check", image.toString()));
            }
            awaitEnd();
            assertThat(open.isOpen()).as("looked at until then").isTrue();
        }
    }

    /** The number of the address's descriptor in this process. */
    private String descriptor() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(d -> Files.exists(d) && same(d)).findFirst().orElseThrow().getFileName().toString();
        }
    }

    private boolean same(Path descriptor) {
        try {
            return Files.isSameFile(descriptor, launcher.file());
        } catch (IOException e) {
            return false;
        }
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), address.port());
    }

    private static byte[] words(String... words) {
        return (String.join("\0", words) + "\0").getBytes(StandardCharsets.UTF_8);
    }

    /** What the resident answers to bytes. */
    private String ask(byte[] bytes) throws IOException {
        try (Socket socket = connect(); InputStream in = socket.getInputStream()) {
            socket.getOutputStream().write(bytes);
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    private long pid() {
        return ProcessHandle.allProcesses().filter(p -> p.info().arguments()
                .map(words -> List.of(words).contains(launcher.file().toString())).orElse(false)).findFirst().map(ProcessHandle::pid)
                .orElse(0L);
    }

    /** Long before it would have ended for having nothing to do. */
    private void awaitEnd() throws InterruptedException {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30); pid() != 0; Thread.sleep(20)) {
            assertThat(System.nanoTime()).as("it has not ended").isLessThan(end);
        }
    }
}
