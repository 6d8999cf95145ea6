package org.jkvm.app.chardev;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SocketChannel;
import org.jkvm.base.backend.CharacterBackend;

/**
 * A stream socket, one peer at a time. While no peer is there output is lost. A server takes the next peer when one
 * leaves; a client tries again every {@code reconnect} seconds where that is not 0.
 */
public final class SocketBackend implements CharacterBackend {
    private final String name;
    private final Connector connector;
    private final OutputQueue output;
    private volatile SocketChannel peer;
    private volatile boolean closed;
    private Thread reader;

    /** How peers are found. */
    interface Connector extends AutoCloseable {
        /** Waits for the next peer; null when there will be none. */
        SocketChannel next() throws IOException, InterruptedException;

        @Override
        void close() throws IOException;
    }

    /** Serves or connects by {@code connector}; {@code first} is a peer that is there already, or null. */
    SocketBackend(String name, Connector connector, SocketChannel first) {
        this.name = name;
        this.connector = connector;
        peer = first;
        output = new OutputQueue(name, this::send);
    }

    /** The address that a socket listens on or is connected to, for {@code info chardev}. */
    static String describe(SocketAddress address) {
        return address == null ? "disconnected" : address.toString();
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        output.write(bytes, offset, length);
    }

    @Override
    public void connect(Receiver receiver) {
        reader = Thread.ofPlatform().daemon().name("chardev-in-" + name).start(() -> serve(receiver));
    }

    private void serve(Receiver receiver) {
        try {
            while (!closed) {
                SocketChannel now = peer == null ? await(receiver) : peer;
                if (now == null) {
                    return;
                }
                new InputPump(bytes -> now.read(ByteBuffer.wrap(bytes)), receiver).pump();
                peer = null;
                now.close();
            }
        } catch (IOException e) {
            // Closing ends the wait for a peer this way.
            closed = true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private SocketChannel await(Receiver receiver) throws IOException, InterruptedException {
        SocketChannel next = connector.next();
        peer = next;
        if (next != null) {
            receiver.connected();
        }
        return next;
    }

    private void send(byte[] bytes, int offset, int length) throws IOException {
        SocketChannel now = peer;
        if (now == null) {
            return;
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
        try {
            while (buffer.hasRemaining()) {
                now.write(buffer);
            }
        } catch (ClosedByInterruptException e) {
            closed = true;
        }
    }

    @Override
    public void close() {
        output.close();
        closed = true;
        try {
            connector.close();
            if (peer != null) {
                peer.close();
            }
        } catch (IOException e) {
            System.err.println("kvm: closing socket " + name + ": " + IoMessages.reason(e));
        }
        if (reader != null) {
            reader.interrupt();
        }
    }
}
