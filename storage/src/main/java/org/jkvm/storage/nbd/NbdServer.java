package org.jkvm.storage.nbd;

import java.io.IOException;
import java.net.ProtocolException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/** Serves images to NBD clients. The images stay the caller's, who closes them after {@link #serve} has returned. */
public final class NbdServer implements AutoCloseable {
    /** A client that connects and says nothing would keep others out. */
    private static final int HANDSHAKE_MILLIS = 10_000;

    private final ServerSocketChannel listener;
    private final Options options;
    private final int handshakeMillis;
    private final Semaphore places;
    private final Set<SocketChannel> clients = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    /**
     * How it serves.
     *
     * @param exports    what it offers
     * @param keys       clients must know one of them; null for no TLS
     * @param clients    how many may be connected at once, 1 or more
     * @param persistent whether it goes on when the last client has left
     * @param complaints is told in one line what went wrong with a client; from any thread
     */
    public record Options(List<NbdExport> exports, PskFile keys, int clients, boolean persistent,
            Consumer<String> complaints) {
    }

    /** A server at {@code listener}, which it closes. */
    public NbdServer(ServerSocketChannel listener, Options options) {
        this(listener, options, HANDSHAKE_MILLIS);
    }

    /** The same with {@code handshakeMillis} for shaking hands. */
    NbdServer(ServerSocketChannel listener, Options options, int handshakeMillis) {
        this.listener = listener;
        this.options = options;
        this.handshakeMillis = handshakeMillis;
        this.places = new Semaphore(options.clients());
    }

    /**
     * Serves until it is closed, or where it is not persistent until the last client has left. Once.
     *
     * @throws IOException where it can't listen any more
     */
    public void serve() throws IOException {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            while (!closed) {
                places.acquireUninterruptibly();
                SocketChannel client = listener.accept();
                clients.add(client);
                if (closed) {
                    // Whoever closed it may not have seen this one.
                    client.close();
                }
                threads.execute(() -> serve(client));
            }
        } catch (ClosedChannelException _) {
            // That is how it is told to stop.
        }
    }

    private void serve(SocketChannel client) {
        boolean served = false;
        try (client) {
            ChannelWire.keepAlive(client);
            Optional<ServerHandshake.Choice> choice = shakeHands(client);
            served = choice.isPresent();
            if (served) {
                new ServerConnection(choice.get()).run();
            }
        } catch (ProtocolException e) {
            options.complaints().accept("a client was sent away: " + e.getMessage());
        } catch (IOException _) {
            // A client may just leave.
        } catch (RuntimeException e) {
            // A bug of ours, or of the TLS library's, is one client's trouble.
            options.complaints().accept("a client was sent away: internal error: " + e);
        } finally {
            left(client, served);
        }
    }

    private Optional<ServerHandshake.Choice> shakeHands(SocketChannel client) throws IOException {
        return Deadline.meet(client, handshakeMillis,
                () -> new ServerHandshake(new ChannelWire(client), options.exports(), options.keys()).run(),
                e -> new ProtocolException("it did not say in " + handshakeMillis / 1000.0 + " s what it wants"));
    }

    private synchronized void left(SocketChannel client, boolean served) {
        clients.remove(client);
        if (served && clients.isEmpty() && !options.persistent()) {
            close();
        }
        places.release();
    }

    /** Stops listening and disconnects whoever is connected. From any thread. */
    @Override
    public void close() {
        closed = true;
        try {
            listener.close();
            for (SocketChannel client : clients) {
                client.close();
            }
        } catch (IOException e) {
            options.complaints().accept("closing: " + e.getMessage());
        }
    }
}
