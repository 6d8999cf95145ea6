package org.jkvm.app.chardev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Character devices against the host's files, sockets and pseudo-terminals. */
@Timeout(30)
class BackendsTest {
    @TempDir
    private Path folder;
    private final Listener guest = new Listener();

    @Test
    void aFileGetsEverythingByTheTimeItIsClosed() throws IOException {
        Path log = folder.resolve("log");
        Files.writeString(log, "old");
        try (FileBackend file = new FileBackend(log, true)) {
            file.connect(guest);
            send(file, "+new");
        }
        assertThat(log).hasContent("old+new");
        new FileBackend(log, false).close();
        assertThat(log).isEmptyFile();
    }

    @Test
    void aFileThatCannotBeMadeIsTheUsersFault() {
        Path log = folder.resolve("no/log");
        assertThatThrownBy(() -> new FileBackend(log, false)).isInstanceOf(UserException.class)
                .hasMessage("Unable to open '" + log + "': No such file or directory");
    }

    @Test
    void aServerTakesOnePeerAfterTheOther() throws Exception {
        Path path = folder.resolve("s");
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(path);
        try (SocketBackend server = Sockets.server("s", address, false)) {
            server.connect(guest);
            try (SocketChannel peer = SocketChannel.open(address)) {
                peer.write(bytes("hello"));
                assertThat(guest.await(5)).isEqualTo("hello");
                send(server, "welcome");
                assertThat(receive(peer, 7)).isEqualTo("welcome");
            }
            try (SocketChannel peer = SocketChannel.open(address)) {
                peer.write(bytes(" a message longer than the room"));
                assertThat(guest.await(36)).isEqualTo("hello a message longer than the room");
            }
            assertThat(guest.peers()).isEqualTo(2);
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void aClientWithoutServerIsTheUsersFault() {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("none"));
        assertThatThrownBy(() -> Sockets.client("c", address, 0)).isInstanceOf(UserException.class)
                .hasMessageStartingWith("Failed to connect to '");
    }

    @Test
    void aClientComesBack() throws Exception {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("late"));
        try (SocketBackend client = Sockets.client("c", address, 1)) {
            client.connect(guest);
            try (SocketBackend server = Sockets.server("s", address, true)) {
                server.connect(new Listener());
                send(server, "hi");
                assertThat(guest.await(2)).isEqualTo("hi");
            }
        }
    }

    @Test
    void aPseudoTerminalCarriesBytesUnchanged() throws Exception {
        try (PtyBackend pty = new PtyBackend()) {
            pty.connect(guest);
            send(pty, "a\r\n\u0003b");
            try (FileInputStream in = new FileInputStream(pty.path()); FileOutputStream out = new FileOutputStream(pty.path())) {
                assertThat(in.readNBytes(5)).isEqualTo("a\r\n\u0003b".getBytes(StandardCharsets.ISO_8859_1));
                out.write("x\u0003\ny".getBytes(StandardCharsets.ISO_8859_1));
                assertThat(guest.await(4)).isEqualTo("x\u0003\ny");
            }
        }
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static void send(CharacterBackend to, String text) {
        to.write(text.getBytes(StandardCharsets.ISO_8859_1), 0, text.length());
    }

    private static String receive(SocketChannel from, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining() && from.read(buffer) >= 0) {
            assertThat(buffer.position()).isPositive();
        }
        return new String(buffer.array(), StandardCharsets.ISO_8859_1);
    }
}
