package org.jkvm.storage.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.backend.NoSpaceException;

/**
 * One connection to a server. Any thread may make requests, any number of which may be under way; a thread of its own reads
 * the replies. Where the connection fails every request on it fails with a {@link LinkException}.
 */
final class NbdLink implements AutoCloseable {
    /** Never started: stands for any thread but the caller's. */
    private static final Thread ANOTHER = Thread.ofPlatform().unstarted(() -> { });
    private static final int CONNECT_MILLIS = 10_000;
    /** For a server that takes the connection and says nothing. */
    private static final int HANDSHAKE_MILLIS = 30_000;
    private static final int MAX_ERROR = 4096;
    private static final int MAX_EXTENTS = 1 << 20;

    private final Wire wire;
    private final ExportInfo info;
    private final ReentrantLock writing = new ReentrantLock();
    private final ConcurrentHashMap<Long, Pending> pending = new ConcurrentHashMap<>();
    private final AtomicLong cookies = new AtomicLong();
    private final ByteBuffer replyHeader = ByteBuffer.allocate(20);
    private volatile IOException broken;

    /** The connection has failed; the request may be made again on another. */
    static final class LinkException extends IOException {
        private static final long serialVersionUID = 1L;

        LinkException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** A stretch of an export with its state flags. */
    record Extent(long length, int flags) {
    }

    /** A request that is not answered yet. */
    private static final class Pending {
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private final long offset;
        private final MemorySegment target;
        private final List<Extent> extents = new ArrayList<>();
        private long filled;
        private int error;
        private String message = "";

        Pending(long offset, MemorySegment target) {
            this.offset = offset;
            this.target = target;
        }

        void fail(int number, String text) {
            error = error == 0 ? number : error;
            message = message.isEmpty() ? text : message;
        }
    }

    private NbdLink(Wire wire, ExportInfo info) {
        this.wire = wire;
        this.info = info;
    }

    /** Connects and shakes hands. */
    static NbdLink open(NbdAddress address) throws IOException {
        return open(address, HANDSHAKE_MILLIS);
    }

    /** The same with {@code handshakeMillis} for shaking hands. */
    static NbdLink open(NbdAddress address, int handshakeMillis) throws IOException {
        SocketChannel channel = connect(address.endpoint());
        try {
            ClientHandshake handshake = new ClientHandshake(new ChannelWire(channel), address);
            ExportInfo info = shakeHands(handshake, channel, handshakeMillis);
            NbdLink link = new NbdLink(handshake.wire(), info);
            Thread.ofPlatform().daemon().name("nbd " + address.server()).start(link::receive);
            return link;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static ExportInfo shakeHands(ClientHandshake handshake, SocketChannel channel, int millis) throws IOException {
        return Deadline.meet(channel, millis, handshake::run,
                e -> new IOException("it does not answer as an NBD server does, for " + millis / 1000.0 + " s", e));
    }

    private static SocketChannel connect(SocketAddress endpoint) throws IOException {
        if (!(endpoint instanceof InetSocketAddress)) {
            return SocketChannel.open(endpoint);
        }
        SocketChannel channel = SocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            ChannelWire.keepAlive(channel);
            channel.socket().connect(endpoint, CONNECT_MILLIS);
            return channel;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    ExportInfo info() {
        return info;
    }

    /** Whether the thread that reads replies can fill {@code target}. */
    static boolean reaches(MemorySegment target) {
        return !target.isNative() || target.isAccessibleBy(ANOTHER);
    }

    /** Fills {@code target}, which {@link #reaches}. */
    void read(long offset, MemorySegment target) throws IOException {
        await(send(Nbd.CMD_READ, 0, offset, (int) target.byteSize(), target, null));
    }

    /** Writes {@code source}. */
    void write(long offset, MemorySegment source) throws IOException {
        await(send(Nbd.CMD_WRITE, 0, offset, (int) source.byteSize(), null, source));
    }

    /** A command without data. */
    void command(int type, int flags, long offset, long length) throws IOException {
        await(send(type, flags, offset, (int) length, null, null));
    }

    /** What is at {@code offset}: one extent or more, not always as far as asked for. */
    List<Extent> status(long offset, long length) throws IOException {
        Pending request = send(Nbd.CMD_BLOCK_STATUS, 0, offset, (int) length, null, null);
        await(request);
        if (request.extents.isEmpty()) {
            throw new IOException("the server sent no block status");
        }
        return request.extents;
    }

    /** Whether the connection has failed. */
    boolean broken() {
        return broken != null;
    }

    private Pending send(int type, int flags, long offset, int length, MemorySegment target, MemorySegment source)
            throws IOException {
        long cookie = cookies.getAndIncrement();
        Pending request = new Pending(offset, target);
        pending.put(cookie, request);
        ByteBuffer header = ByteBuffer.allocate(28).putInt(Nbd.REQUEST).putShort((short) flags).putShort((short) type)
                .putLong(cookie).putLong(offset).putInt(length).flip();
        writing.lock();
        try {
            if (broken != null) {
                throw broken;
            }
            if (source == null) {
                wire.write(header);
            } else {
                wire.write(header, source.asByteBuffer());
            }
        } catch (IOException e) {
            fail(e);
        } finally {
            writing.unlock();
        }
        return request;
    }

    private static void await(Pending request) throws IOException {
        try {
            request.done.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof LinkException lost ? new LinkException(lost.getMessage(), lost)
                    : new IOException(e.getCause());
        }
        if (request.error == Nbd.ENOSPC) {
            throw new NoSpaceException("the NBD server's disk is full (ENOSPC)", null);
        }
        if (request.error != 0) {
            throw new IOException("the NBD server says " + Nbd.error(request.error)
                    + (request.message.isEmpty() ? "" : ": " + request.message));
        }
    }

    private void fail(IOException e) {
        LinkException lost = new LinkException(e.getMessage() == null ? e.toString() : e.getMessage(), e);
        if (broken == null) {
            broken = lost;
        }
        try {
            wire.close();
        } catch (IOException closing) {
            lost.addSuppressed(closing);
        }
        pending.keySet().forEach(cookie -> {
            Pending request = pending.remove(cookie);
            if (request != null) {
                request.done.completeExceptionally(lost);
            }
        });
    }

    private void receive() {
        try {
            while (broken == null) {
                reply();
            }
        } catch (IOException e) {
            fail(e);
        } catch (RuntimeException e) {
            fail(new IOException("a reply that makes no sense", e));
        }
    }

    private void reply() throws IOException {
        wire.read(replyHeader.clear().limit(16));
        replyHeader.flip();
        int magic = replyHeader.getInt();
        if (magic == Nbd.SIMPLE_REPLY) {
            int error = replyHeader.getInt();
            simple(error, replyHeader.getLong());
        } else if (magic == Nbd.STRUCTURED_REPLY) {
            chunk();
        } else {
            throw new IOException("a reply with magic %08xh".formatted(magic));
        }
    }

    private void simple(int error, long cookie) throws IOException {
        Pending request = take(cookie);
        if (error != 0) {
            request.fail(error, "");
        } else if (request.target != null) {
            wire.read(request.target.asByteBuffer());
        }
        finish(cookie, request);
    }

    /** A request stays registered until its last chunk, so that a broken connection fails it. */
    private Pending take(long cookie) throws IOException {
        Pending request = pending.get(cookie);
        if (request == null) {
            throw new IOException("a reply to what was not asked");
        }
        return request;
    }

    private void finish(long cookie, Pending request) {
        pending.remove(cookie);
        request.done.complete(null);
    }

    private void chunk() throws IOException {
        int flags = replyHeader.getShort();
        int type = replyHeader.getShort() & 0xffff;
        long cookie = replyHeader.getLong();
        int length = wire.read(4).getInt();
        Pending request = take(cookie);
        require(length >= 0 && length <= Nbd.MAX_PAYLOAD + 8, "a chunk of " + (length & 0xffff_ffffL) + " bytes");
        switch (type) {
            case Nbd.CHUNK_NONE -> wire.read(length);
            case Nbd.CHUNK_OFFSET_DATA -> data(request, length);
            case Nbd.CHUNK_OFFSET_HOLE -> hole(request, length);
            case Nbd.CHUNK_BLOCK_STATUS -> extents(request, length);
            default -> error(request, type, length);
        }
        if ((flags & Nbd.CHUNK_DONE) != 0) {
            if (request.target != null && request.filled != request.target.byteSize()) {
                request.fail(Nbd.EIO, "it sent " + request.filled + " bytes of " + request.target.byteSize());
            }
            finish(cookie, request);
        }
    }

    private void data(Pending request, int length) throws IOException {
        require(length > 8, "a data chunk without data");
        long at = wire.read(8).getLong() - request.offset;
        wire.read(part(request, at, length - 8).asByteBuffer());
    }

    private void hole(Pending request, int length) throws IOException {
        require(length == 12, "a hole chunk of " + length + " bytes");
        ByteBuffer payload = wire.read(12);
        long at = payload.getLong() - request.offset;
        part(request, at, payload.getInt() & 0xffff_ffffL).fill((byte) 0);
    }

    private static MemorySegment part(Pending request, long at, long length) throws IOException {
        require(request.target != null && at >= 0 && length <= request.target.byteSize()
                && at <= request.target.byteSize() - length, "data that was not asked for");
        require(length <= request.target.byteSize() - request.filled, "more data than was asked for");
        request.filled += length;
        return request.target.asSlice(at, length);
    }

    private void extents(Pending request, int length) throws IOException {
        require(length >= 12 && (length - 4) % 8 == 0 && length / 8 <= MAX_EXTENTS, "a block status of " + length + " bytes");
        require(request.extents.isEmpty(), "two block statuses for one request");
        ByteBuffer payload = wire.read(length);
        payload.getInt();
        while (payload.hasRemaining()) {
            Extent extent = new Extent(payload.getInt() & 0xffff_ffffL, payload.getInt());
            require(extent.length > 0, "a block status of nothing");
            request.extents.add(extent);
        }
    }

    private void error(Pending request, int type, int length) throws IOException {
        require((type & 1 << 15) != 0, "a chunk of type " + type);
        require(length >= 6 && length <= MAX_ERROR + 14, "an error chunk of " + length + " bytes");
        ByteBuffer payload = wire.read(length);
        int number = payload.getInt();
        byte[] text = new byte[Math.min(payload.getShort() & 0xffff, payload.remaining())];
        payload.get(text);
        request.fail(number == 0 ? Nbd.EIO : number,
                new String(text, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "?"));
    }

    private static void require(boolean condition, String message) throws IOException {
        if (!condition) {
            throw new IOException(message);
        }
    }

    /** Says good-bye and closes. */
    @Override
    public void close() {
        writing.lock();
        try {
            if (broken == null) {
                wire.write(ByteBuffer.allocate(28).putInt(Nbd.REQUEST).putShort((short) 0).putShort((short) Nbd.CMD_DISC)
                        .putLong(0).putLong(0).putInt(0).flip());
            }
        } catch (IOException e) {
            // It has gone already: nobody is left to say good-bye to.
            fail(e);
        } finally {
            writing.unlock();
        }
        fail(new EOFException("closed"));
    }
}
