package org.jkvm.storage.nbd;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;

/** A server on a thread of its own, at a Unix socket. */
final class Server implements AutoCloseable {
    private final ConcurrentLinkedQueue<String> complaints = new ConcurrentLinkedQueue<>();
    private final Path socket;
    private final Image image;
    private final NbdServer server;
    private final Thread thread;

    Server(Path socket, Path disk, boolean readOnly, PskFile keys) throws IOException {
        this(socket, disk, readOnly, keys, 10_000);
    }

    Server(Path socket, Path disk, boolean readOnly, PskFile keys, int handshakeMillis) throws IOException {
        this(socket, open(disk, readOnly), new Limits(readOnly, keys, handshakeMillis, 8));
    }

    /** Who may do what. */
    record Limits(boolean readOnly, PskFile keys, int handshakeMillis, int clients) {
    }

    /** A server of {@code image}, which it closes. */
    Server(Path socket, Image image, Limits limits) throws IOException {
        this.socket = socket;
        this.image = image;
        NbdExport export = new NbdExport("disk", "a disk", image, limits.readOnly, true);
        Files.deleteIfExists(socket);
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket));
        Consumer<String> told = complaints::add;
        server = new NbdServer(listener, new NbdServer.Options(List.of(export), limits.keys, limits.clients, true, told),
                limits.handshakeMillis);
        thread = Thread.ofPlatform().start(() -> {
            try {
                server.serve();
            } catch (IOException e) {
                complaints.add("serve: " + e);
            }
        });
    }

    static Image open(Path disk, boolean readOnly) {
        return Images.open(disk, OpenOptions.defaults().withReadOnly(readOnly)
                .withFormat(disk.toString().endsWith(".raw") ? "raw" : "qcow2"));
    }

    List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** The address of its export. */
    Path address(String more) {
        return Path.of("nbd+unix:///disk?socket=" + socket + more);
    }

    @Override
    public void close() throws IOException {
        server.close();
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        image.close();
    }
}
