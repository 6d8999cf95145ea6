package org.jkvm.storage.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jkvm.base.UserException;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our client against our server, and each against what it should not have to expect. */
@Timeout(120)
class NbdTest {
    private static final int MIB = 1 << 20;
    private static final OpenOptions RAW = OpenOptions.defaults().withFormat("raw");

    @TempDir
    private Path folder;
    private Path disk;
    private Path socket;

    @BeforeEach
    void makeDisk() {
        disk = folder.resolve("disk.qcow2");
        socket = folder.resolve("socket");
        Images.create(disk, CreateOptions.of("qcow2", 80 * MIB));
    }

    private static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static void write(Image image, long offset, byte[] data) {
        try (Arena arena = Arena.ofShared()) {
            image.write(offset, arena.allocateFrom(ValueLayout.JAVA_BYTE, data)).join();
        }
    }

    private static byte[] read(Image image, long offset, int length) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment target = arena.allocate(length);
            image.read(offset, target).join();
            return target.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @Test
    void aDiskOverTheNetworkIsADisk() throws IOException {
        byte[] large = random(1, 40 * MIB);
        try (Server server = new Server(socket, disk, false, null); Image remote = Images.open(server.address(""), RAW)) {
            assertThat(remote.size()).isEqualTo(80 * MIB);
            write(remote, 512, large);
            write(remote, 79 * MIB, random(2, 4096));
            remote.writeZeroes(MIB, MIB, true).join();
            remote.discard(2 * MIB, MIB).join();
            remote.flush().join();
            assertThat(read(remote, 512, MIB - 512)).isEqualTo(Arrays.copyOf(large, MIB - 512));
            assertThat(read(remote, MIB, MIB)).containsOnly(0);
            assertThat(remote.status(41 * MIB, 10 * MIB).zero()).isTrue();
            assertThat(remote.status(8 * MIB, MIB).data()).isTrue();
            assertThat(server.complaints()).isEmpty();
        }
        try (Image local = Images.open(disk, OpenOptions.defaults())) {
            assertThat(read(local, 30 * MIB, MIB)).isEqualTo(Arrays.copyOfRange(large, 30 * MIB - 512, 31 * MIB - 512));
            assertThat(read(local, 79 * MIB, 4096)).isEqualTo(random(2, 4096));
        }
    }

    @Test
    void anyFormatMayLieOnIt() throws IOException {
        Path raw = folder.resolve("outer.raw");
        Images.create(raw, CreateOptions.of("raw", 8 * MIB));
        Images.create(folder.resolve("inner.qcow2"), new CreateOptions("qcow2", 4 * MIB,
                CreateOptions.Preallocation.METADATA, 65536, 3, 16, false, false, null, null));
        byte[] inner = Files.readAllBytes(folder.resolve("inner.qcow2"));
        Files.write(raw, Arrays.copyOf(inner, 8 * MIB));
        try (Server server = new Server(socket, raw, false, null)) {
            OpenOptions qcow2 = OpenOptions.defaults().withFormat("qcow2");
            try (Image remote = Images.open(server.address(""), qcow2)) {
                write(remote, 65536, random(3, 8192));
            }
            try (Image remote = Images.open(server.address(""), qcow2)) {
                assertThat(read(remote, 65536, 8192)).isEqualTo(random(3, 8192));
                assertThat(remote.check().orElseThrow().corruptions()).isZero();
            }
        }
    }

    @Test
    void manyRequestsAtOnceKeepApart() throws IOException {
        try (Server server = new Server(socket, disk, false, null);
                Image remote = Images.open(server.address(""), RAW.withThreads(16)); Arena arena = Arena.ofShared()) {
            List<CompletableFuture<Void>> writes = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                MemorySegment block = arena.allocate(4096);
                block.fill((byte) i);
                writes.add(remote.write(i * 4096L * 7 % (79 * MIB), block));
            }
            writes.forEach(CompletableFuture::join);
            for (int i = 0; i < 500; i++) {
                assertThat(read(remote, i * 4096L * 7 % (79 * MIB), 512)).containsOnly((byte) i);
            }
        }
    }

    @Test
    void aServerThatComesBackIsGoneOnWith() throws IOException {
        Server first = new Server(socket, disk, false, null);
        Image remote = Images.open(first.address("&reconnect-delay=60"), RAW);
        write(remote, 0, random(4, MIB));
        first.close();
        try (Arena arena = Arena.ofShared()) {
            CompletableFuture<Void> late = remote.read(0, arena.allocate(4096));
            assertThat(late).isNotDone();
            try (Server second = new Server(socket, disk, false, null); remote) {
                late.join();
                assertThat(read(remote, 0, MIB)).isEqualTo(random(4, MIB));
                assertThat(second.complaints()).isEmpty();
            }
        }
    }

    @Test
    void aServerThatStaysAwayIsAnErrorOfTheDisk() throws IOException {
        Server server = new Server(socket, disk, false, null);
        try (Image remote = Images.open(server.address("&reconnect-delay=0"), RAW.withCache(
                CacheMode.UNSAFE))) {
            write(remote, 0, random(4, 512));
            server.close();
            assertThatThrownBy(() -> read(remote, 0, 512)).hasRootCauseInstanceOf(IOException.class)
                    .hasMessageContaining("is gone: ");
        }
    }

    @Test
    void tlsDemandsTheKey() throws IOException {
        Path keys = Files.writeString(folder.resolve("keys"), "alice:00112233445566778899aabbccddeeff\n");
        Path others = Files.writeString(folder.resolve("others"), "alice:00112233445566778899aabbccddeef0\n");
        try (Server server = new Server(socket, disk, false, new PskFile(keys))) {
            String address = "nbds+unix://alice@/disk?socket=" + socket + "&tls-psk-file=";
            try (Image remote = Images.open(Path.of(address + keys), RAW)) {
                write(remote, 0, random(5, 3 * MIB));
                assertThat(read(remote, 0, 3 * MIB)).isEqualTo(random(5, 3 * MIB));
            }
            assertThatThrownBy(() -> Images.open(Path.of(address + others), RAW)).isInstanceOf(UserException.class);
            assertThatThrownBy(() -> Images.open(server.address(""), RAW)).isInstanceOf(UserException.class)
                    .hasMessageContaining("the server demands TLS");
        }
    }

    @Test
    void whatIsReadOnlyStaysSo() throws IOException {
        try (Server server = new Server(socket, disk, true, null)) {
            assertThatThrownBy(() -> Images.open(server.address(""), RAW)).isInstanceOf(UserException.class)
                    .hasMessageContaining("read-only");
            try (Image remote = Images.open(server.address(""), RAW.withReadOnly(true))) {
                assertThat(read(remote, 0, 512)).containsOnly(0);
            }
        }
    }

    @Test
    void addressesAreWhatUsersWrite() {
        address("nbd://host", "host", 10809, null, "");
        address("nbd:/host:1234/a%20b", "host", 1234, null, "a b");
        address("nbd://[::1]:5/x", "::1", 5, null, "x");
        address("nbd+unix:///e?socket=/s", "", 0, "/s", "e");
        address("nbd+unix:/?socket=s", "", 0, "s", "");
        address("nbd:host:77", "host", 77, null, "");
        address("nbd:unix:/a/b:exportname=e", "", 0, "/a/b", "e");
        assertThat(NbdAddress.matches("disk.qcow2")).isFalse();
        assertThat(NbdAddress.matches("./nbd:/x")).isFalse();
        for (String wrong : List.of("nbd://", "nbd://:5/x", "nbd://h:0/x", "nbd+unix:///x", "nbd://h/%zz",
                "nbd://h/?reconnect-delay=x")) {
            assertThatThrownBy(() -> NbdAddress.parse(wrong)).isInstanceOf(UserException.class);
        }
    }

    private static void address(String text, String host, int port, String socket, String export) {
        NbdAddress address = NbdAddress.parse(text);
        assertThat(address.host()).isEqualTo(host);
        assertThat(address.port()).isEqualTo(port);
        assertThat(address.socket()).isEqualTo(socket == null ? null : Path.of(socket));
        assertThat(address.export()).isEqualTo(export);
    }

    /** Clients that send anything: the server goes on. The greeting is right in most, so that options are reached. */
    @Test
    void whoConnectsAndSaysNothingIsSentAway() throws IOException {
        Server server = new Server(socket, disk, false, null, 300);
        try (server; SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            ByteBuffer greeting = ByteBuffer.allocate(100);
            while (client.read(greeting) >= 0) {
                assertThat(greeting.position()).isLessThanOrEqualTo(18);
            }
        }
        assertThat(server.complaints()).containsExactly("a client was sent away: it did not say in 0.3 s what it wants");
    }

    @Test
    void aServerThatSaysNothingIsNotWaitedForForEver() throws IOException {
        try (ServerSocketChannel mute = ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket))) {
            NbdAddress address = NbdAddress.parse("nbd+unix:///disk?socket=" + socket);
            assertThatThrownBy(() -> NbdLink.open(address, 300)).hasMessageContaining("does not answer as an NBD server does");
        }
    }

    @Test
    void noClientBringsTheServerDown() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (Server server = new Server(socket, disk, false, null)) {
            for (int i = 0; i < 300; i++) {
                try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                    client.write(ByteBuffer.wrap(hostile(random)));
                    client.shutdownOutput();
                    ByteBuffer answers = ByteBuffer.allocate(1 << 16);
                    while (client.read(answers.clear()) >= 0) {
                        assertThat(answers.position()).isPositive();
                    }
                } catch (IOException _) {
                    // It may hang up on us.
                }
            }
            try (Image remote = Images.open(server.address(""), RAW)) {
                assertThat(remote.size()).as("seed " + seed).isEqualTo(80 * MIB);
            }
        }
    }

    /** Somebody closes the server when it has accepted a client and not done anything about it yet. */
    @Test
    @Timeout(20)
    void aClientThatComesWhileTheServerClosesIsSentAway() throws Exception {
        NbdServer[] server = new NbdServer[1];
        ServerSocketChannel listener = new LateListener(ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket)), () -> server[0].close());
        server[0] = new NbdServer(listener, new NbdServer.Options(List.of(), null, 1, true, System.out::println), 60_000);
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            server[0].serve();
            assertThat(client.read(ByteBuffer.allocate(100))).isNegative();
        }
    }

    private static byte[] hostile(Random random) {
        ByteBuffer bytes = ByteBuffer.allocate(600).putInt(3);
        for (int i = 0; i < 4; i++) {
            byte[] data = new byte[random.nextInt(40)];
            random.nextBytes(data);
            bytes.putLong(Nbd.IHAVEOPT).putInt(random.nextInt(12)).putInt(random.nextInt(8) == 0 ? random.nextInt()
                    : data.length).put(data);
        }
        if (random.nextBoolean()) {
            bytes.putLong(Nbd.IHAVEOPT).putInt(Nbd.OPT_EXPORT_NAME).putInt(4).put("disk".getBytes());
            for (int i = 0; i < 4; i++) {
                bytes.putInt(Nbd.REQUEST).putShort((short) random.nextInt(16)).putShort((short) random.nextInt(9)).putLong(i)
                        .putLong(random.nextInt(4) == 0 ? random.nextLong() : 512L * random.nextInt(99))
                        .putInt(random.nextInt(4) == 0 ? random.nextInt() : 512 * random.nextInt(3));
            }
        }
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    @ParameterizedTest
    @ValueSource(strings = {"nbd://host/disk", "nbds://host:10810/a/b", "nbd+unix:///?socket=/run/x",
        "nbds+unix:///disk?socket=/x",
        "nbd:host:10809", "nbd:unix:/run/x", "/srv/nbd:/x", "plain"})
    void addressesAreShownAsTheyWereGiven(String text) {
        String message = "cannot open image '" + Path.of(text) + "': gone";
        assertThat(NbdAddress.readable(message)).isEqualTo("cannot open image '" + text + "': gone");
    }
}
