package org.jkvm.storage.nbd;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.backend.NoSpaceException;
import org.jkvm.storage.BlockStatus;
import org.jkvm.storage.Image;

/**
 * The transmission phase with one client (proto.md, "Transmission phase"). One thread reads requests; each is done on a
 * virtual thread of its own, which sends the reply, so that replies come in any order. What is under way is bounded.
 */
final class ServerConnection {
    private static final int MAX_UNDER_WAY = 64;
    /** Data under way in units of 1 MiB: two of the largest requests. */
    private static final int BUDGET = 2 * (Nbd.MAX_PAYLOAD >> 20);
    private static final int MAX_EXTENTS = 4096;

    private final ServerHandshake.Choice choice;
    private final Image image;
    private final Wire wire;
    private final BufferPool buffers = new BufferPool();
    private final Semaphore underWay = new Semaphore(MAX_UNDER_WAY);
    private final Semaphore budget = new Semaphore(BUDGET);
    private final ReentrantLock writing = new ReentrantLock();

    /** A request as it came; data is null where it carries none. */
    private record Request(int flags, int type, long cookie, long offset, long length, MemorySegment data) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    /** Does a request and sends the reply. */
    private interface Action {
        void run(Request request) throws IOException;
    }

    ServerConnection(ServerHandshake.Choice choice) {
        this.choice = choice;
        this.image = choice.export().image();
        this.wire = choice.wire();
    }

    /** Serves until the client leaves; returns when nothing is under way any more. */
    void run() throws IOException {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Request request = next(); request != null; request = next()) {
                Request taken = request;
                underWay.acquireUninterruptibly();
                threads.execute(() -> serve(taken));
            }
        }
    }

    /** The next request, with its data; null where the client leaves. */
    private Request next() throws IOException {
        ByteBuffer header = wire.read(28);
        if (header.getInt() != Nbd.REQUEST) {
            throw new ProtocolException("a request without its magic number");
        }
        int flags = header.getShort() & 0xffff;
        int type = header.getShort() & 0xffff;
        long cookie = header.getLong();
        long offset = header.getLong();
        long length = header.getInt() & 0xffff_ffffL;
        if (type == Nbd.CMD_DISC) {
            return null;
        }
        if (type != Nbd.CMD_WRITE) {
            return new Request(flags, type, cookie, offset, length, null);
        }
        if (length > Nbd.MAX_PAYLOAD) {
            throw new ProtocolException("a write of " + length + " bytes");
        }
        MemorySegment data = buffer(length);
        wire.read(data.asSlice(0, length).asByteBuffer());
        return new Request(flags, type, cookie, offset, length, data);
    }

    private MemorySegment buffer(long length) {
        budget.acquireUninterruptibly(BufferPool.size(length) >> 20);
        return buffers.take(length);
    }

    private void release(MemorySegment buffer) {
        buffers.give(buffer);
        budget.release((int) (buffer.byteSize() >> 20));
    }

    private void serve(Request request) {
        try {
            act(request);
        } catch (IOException _) {
            // The client has gone: the thread that reads finds that out too.
            closeQuietly();
        } finally {
            if (request.data != null) {
                release(request.data);
            }
            underWay.release();
        }
    }

    private void closeQuietly() {
        try {
            wire.close();
        } catch (IOException _) {
            // It is closed all the same.
        }
    }

    private void act(Request request) throws IOException {
        int wrong = check(request);
        if (wrong != 0) {
            error(request, wrong, "");
            return;
        }
        switch (request.type) {
            case Nbd.CMD_READ -> attempt(request, this::read);
            case Nbd.CMD_WRITE -> attempt(request, r -> change(r, image.write(r.offset, r.data.asSlice(0, r.length))));
            case Nbd.CMD_FLUSH -> attempt(request, r -> change(r, image.flush()));
            case Nbd.CMD_TRIM -> attempt(request, r -> change(r, image.discard(r.offset, r.length)));
            case Nbd.CMD_WRITE_ZEROES -> attempt(request,
                    r -> change(r, image.writeZeroes(r.offset, r.length, !r.has(Nbd.NO_HOLE))));
            case Nbd.CMD_BLOCK_STATUS -> attempt(request, this::blockStatus);
            default -> error(request, Nbd.EINVAL, "unknown command");
        }
    }

    private int check(Request r) {
        boolean change = r.type == Nbd.CMD_WRITE || r.type == Nbd.CMD_TRIM || r.type == Nbd.CMD_WRITE_ZEROES;
        if (change && !choice.export().writable()) {
            return Nbd.EPERM;
        }
        if (r.type == Nbd.CMD_FLUSH) {
            return 0;
        }
        boolean outside = r.offset < 0 || r.offset > image.size() || r.length > image.size() - r.offset;
        boolean unaligned = ((r.offset | r.length) & image.blockSize() - 1) != 0;
        if (outside || unaligned || r.type == Nbd.CMD_READ && r.length > Nbd.MAX_PAYLOAD) {
            return outside && r.type == Nbd.CMD_WRITE ? Nbd.ENOSPC : Nbd.EINVAL;
        }
        return r.type == Nbd.CMD_BLOCK_STATUS && (choice.contextId() < 0 || r.length == 0) ? Nbd.EINVAL : 0;
    }

    /** What the image refuses is the reply; what the wire refuses ends the connection. */
    private void attempt(Request request, Action action) throws IOException {
        try {
            action.run(request);
        } catch (ImageException e) {
            error(request, e.getCause() instanceof NoSpaceException ? Nbd.ENOSPC : Nbd.EIO, e.getCause().getMessage());
        }
    }

    /** The image's failure, told from the wire's. */
    private static final class ImageException extends IOException {
        private static final long serialVersionUID = 1L;

        ImageException(Throwable cause) {
            super(cause);
        }
    }

    private static void await(CompletableFuture<Void> request) throws ImageException {
        try {
            request.join();
        } catch (CompletionException e) {
            throw new ImageException(e.getCause());
        }
    }

    private void change(Request request, CompletableFuture<Void> change) throws IOException {
        await(change);
        if (request.has(Nbd.FUA)) {
            await(image.flush());
        }
        done(request);
    }

    private void read(Request request) throws IOException {
        MemorySegment buffer = buffer(request.length);
        try {
            MemorySegment data = buffer.asSlice(0, request.length);
            await(image.read(request.offset, data));
            if (choice.structured() && request.length > 0) {
                send(chunk(request, Nbd.CHUNK_OFFSET_DATA, 8 + (int) request.length, 8).putLong(request.offset).flip(),
                        data.asByteBuffer());
            } else if (choice.structured()) {
                done(request);
            } else {
                send(simple(request, 0), data.asByteBuffer());
            }
        } finally {
            release(buffer);
        }
    }

    private void blockStatus(Request request) throws IOException {
        ByteBuffer extents = ByteBuffer.allocate(8 * (request.has(Nbd.REQ_ONE) ? 1 : MAX_EXTENTS));
        long at = request.offset;
        long end = request.offset + request.length;
        while (at < end && extents.hasRemaining()) {
            BlockStatus status = status(at, end - at);
            extents.putInt((int) status.length()).putInt(flags(status));
            at += status.length();
        }
        extents.flip();
        send(chunk(request, Nbd.CHUNK_BLOCK_STATUS, 4 + extents.remaining(), 4).putInt(choice.contextId()).flip(), extents);
    }

    /** Merges stretches of the same kind. */
    private BlockStatus status(long offset, long length) throws ImageException {
        try {
            BlockStatus first = image.status(offset, length);
            long end = first.length();
            while (end < length) {
                BlockStatus next = image.status(offset + end, length - end);
                if (flags(next) != flags(first)) {
                    break;
                }
                end += next.length();
            }
            return new BlockStatus(offset, end, first.depth(), first.kind(), BlockStatus.NO_OFFSET, first.file());
        } catch (IOException e) {
            throw new ImageException(e);
        }
    }

    /** What no image of the chain has is a hole; what one says is zero takes no room worth telling either. */
    private static int flags(BlockStatus status) {
        return status.zero() ? Nbd.STATE_HOLE | Nbd.STATE_ZERO : 0;
    }

    private void done(Request request) throws IOException {
        send(choice.structured() ? chunk(request, Nbd.CHUNK_NONE, 0, 0).flip() : simple(request, 0));
    }

    private void error(Request request, int number, String why) throws IOException {
        if (!choice.structured()) {
            send(simple(request, number));
            return;
        }
        byte[] all = (why == null ? "" : why).getBytes(StandardCharsets.UTF_8);
        int length = Math.min(all.length, Nbd.MAX_TEXT);
        send(chunk(request, Nbd.CHUNK_ERROR, 6 + length, 6 + length).putInt(number).putShort((short) length)
                .put(all, 0, length).flip());
    }

    private static ByteBuffer simple(Request request, int error) {
        return ByteBuffer.allocate(16).putInt(Nbd.SIMPLE_REPLY).putInt(error).putLong(request.cookie).flip();
    }

    /** The last chunk of a reply, with room for {@code more} bytes of its payload of {@code length}. */
    private static ByteBuffer chunk(Request request, int type, int length, int more) {
        return ByteBuffer.allocate(20 + more).putInt(Nbd.STRUCTURED_REPLY).putShort((short) Nbd.CHUNK_DONE)
                .putShort((short) type).putLong(request.cookie).putInt(length);
    }

    private void send(ByteBuffer... parts) throws IOException {
        writing.lock();
        try {
            wire.write(parts);
        } finally {
            writing.unlock();
        }
    }
}
