package org.jkvm.app.chardev;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jkvm.base.UserException;

/** Opens {@link SocketBackend}s. */
public final class Sockets {
    private Sockets() {
    }

    /**
     * A server at {@code address}. A Unix socket's file that is there already is replaced, and removed at the end.
     *
     * @param wait whether to return only when the first peer has come
     * @throws UserException when the address can't be used
     */
    public static SocketBackend server(String name, SocketAddress address, boolean wait) {
        try {
            ServerSocketChannel server = listen(address);
            SocketChannel first = null;
            if (wait) {
                System.err.println("kvm: info: waiting for connection on: " + name);
                first = server.accept();
            }
            return new SocketBackend(name, new Listener(server, address), first);
        } catch (IOException e) {
            throw new UserException("Failed to bind socket to " + address + ": " + IoMessages.reason(e));
        }
    }

    /**
     * A client of {@code address}.
     *
     * @param reconnect seconds between attempts; 0 means one attempt now
     * @throws UserException when {@code reconnect} is 0 and nobody listens there
     */
    public static SocketBackend client(String name, SocketAddress address, int reconnect) {
        try {
            SocketChannel first = reconnect > 0 ? null : SocketChannel.open(resolved(address));
            return new SocketBackend(name, new Caller(address, reconnect), first);
        } catch (IOException e) {
            throw new UserException("Failed to connect to '" + address + "': " + IoMessages.reason(e));
        }
    }

    private static ServerSocketChannel listen(SocketAddress address) throws IOException {
        if (address instanceof UnixDomainSocketAddress unix) {
            removeStale(unix.getPath());
            return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
        }
        return ServerSocketChannel.open().setOption(StandardSocketOptions.SO_REUSEADDR, true).bind(resolved(address));
    }

    /** Removes a socket's file, and nothing but a socket's. */
    private static void removeStale(Path path) throws IOException {
        if (Files.exists(path) && Files.readAttributes(path, BasicFileAttributes.class).isOther()) {
            Files.delete(path);
        }
    }

    private static SocketAddress resolved(SocketAddress address) throws IOException {
        if (address instanceof InetSocketAddress inet && inet.isUnresolved()) {
            throw new IOException("unknown host " + inet.getHostString());
        }
        return address;
    }

    /** A server's next peer. */
    private record Listener(ServerSocketChannel server, SocketAddress address) implements SocketBackend.Connector {
        @Override
        public SocketChannel next() throws IOException {
            return server.accept();
        }

        @Override
        public void close() throws IOException {
            server.close();
            if (address instanceof UnixDomainSocketAddress unix) {
                Files.deleteIfExists(unix.getPath());
            }
        }
    }

    /** A client's next attempt. */
    private record Caller(SocketAddress address, int reconnect) implements SocketBackend.Connector {
        @Override
        public SocketChannel next() throws InterruptedException {
            while (reconnect > 0) {
                try {
                    return SocketChannel.open(resolved(address));
                } catch (IOException e) {
                    Thread.sleep(reconnect * 1000L);
                }
            }
            return null;
        }

        @Override
        public void close() {
            // The channel itself is the backend's to close.
        }
    }
}
