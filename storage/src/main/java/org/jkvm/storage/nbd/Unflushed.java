package org.jkvm.storage.nbd;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.storage.layer.Buffers;

/**
 * The changes of an export that no flush covers yet. A server that crashes may lose them (proto.md, NBD_CMD_FLUSH, is about
 * what one server has replied to), and what comes back in its place would flush without a word: so they are made again
 * there. There is room for so much; whoever wants more flushes first. Thread-safe.
 *
 * <pre>
 *   begin() --sent, answered--> done --a flush that began after that succeeds--> forgotten
 *      |                                                                            ^
 *      +--failed: whoever asked for it knows----------------------------------------+
 * </pre>
 *
 * Time is counted in flushes that have begun.
 */
final class Unflushed {
    /** The most data of a change. */
    static final int PIECE = 4 << 20;
    /** The most bytes that are remembered. */
    static final long MOST = 32 << 20;
    /** From here on a flush is worth it that nobody asked for. */
    private static final long MUCH = MOST / 2;
    /** Counted for a change beside its data. */
    private static final int OVERHEAD = 128;
    private static final int CHUNK = 1 << 20;

    private final ArrayDeque<Change> changes = new ArrayDeque<>();
    private final ArrayDeque<Chunk> free = new ArrayDeque<>();
    private Chunk current;
    private long bytes;
    private long begun;
    private String lost;

    /** Memory for copies, filled from its start; used again when nothing is in it any more. */
    private static final class Chunk {
        private final MemorySegment memory = Buffers.allocate(CHUNK);
        private long used;
        private int parts;

        MemorySegment take(long length) {
            MemorySegment part = memory.asSlice(used, length);
            used += length;
            parts++;
            return part;
        }
    }

    /** A part of a change's data. */
    private record Part(Chunk chunk, MemorySegment data) {
    }

    /** What may have to be made again. */
    static final class Change {
        private final int type;
        private final int flags;
        private final long offset;
        private final long length;
        private final List<Part> parts;
        private long doneAt = Long.MAX_VALUE;

        private Change(int type, int flags, long offset, long length, List<Part> parts) {
            this.type = type;
            this.flags = flags;
            this.offset = offset;
            this.length = length;
            this.parts = parts;
        }

        private void make(NbdLink link) throws IOException {
            if (type != Nbd.CMD_WRITE) {
                link.command(type, flags, offset, length);
            }
            long at = offset;
            for (Part part : parts) {
                link.write(at, part.data);
                at += part.data.byteSize();
            }
        }
    }

    /**
     * A write of {@link #PIECE} at most is about to be sent; nothing that overlaps with it is under way. Returns null,
     * remembering nothing, where there is no room.
     */
    Change begin(long offset, MemorySegment source) {
        List<Part> parts = room(source.byteSize());
        if (parts == null) {
            return null;
        }
        long at = 0;
        for (Part part : parts) {
            part.data.copyFrom(source.asSlice(at, part.data.byteSize()));
            at += part.data.byteSize();
        }
        return add(new Change(Nbd.CMD_WRITE, 0, offset, source.byteSize(), parts));
    }

    /** The same for a command without data. */
    Change begin(int type, int flags, long offset, long length) {
        List<Part> none = room(0);
        return none == null ? null : add(new Change(type, flags, offset, length, none));
    }

    private synchronized List<Part> room(long length) {
        if (bytes + OVERHEAD + length > MOST) {
            return null;
        }
        bytes += OVERHEAD + length;
        List<Part> parts = new ArrayList<>(2);
        for (long left = length; left > 0; left -= parts.getLast().data.byteSize()) {
            Chunk chunk = chunk();
            parts.add(new Part(chunk, chunk.take(Math.min(left, CHUNK - chunk.used))));
        }
        return parts;
    }

    private Chunk chunk() {
        if (current == null || current.used == CHUNK) {
            Chunk next = free.poll();
            current = next == null ? new Chunk() : next;
        }
        return current;
    }

    private synchronized Change add(Change change) {
        changes.add(change);
        return change;
    }

    /** The server has answered that it is {@code done}, or it failed, which who asked for it knows. */
    synchronized void end(Change change, boolean done) {
        if (done) {
            change.doneAt = begun;
        } else if (changes.remove(change)) {
            release(change);
        }
    }

    /** A flush is about to be sent. Returns what {@link #flushed} wants to know. */
    synchronized long beginFlush() {
        return ++begun;
    }

    /** The flush that was begun at {@code at} has succeeded: what was done before it is on stable storage. */
    synchronized void flushed(long at) {
        changes.removeIf(change -> {
            boolean covered = change.doneAt < at;
            if (covered) {
                release(change);
            }
            return covered;
        });
    }

    private void release(Change change) {
        bytes -= OVERHEAD;
        for (Part part : change.parts) {
            bytes -= part.data.byteSize();
            release(part.chunk);
        }
    }

    private void release(Chunk chunk) {
        if (--chunk.parts == 0) {
            chunk.used = 0;
            if (chunk != current) {
                free.push(chunk);
            }
        }
    }

    /** Whether there is so much that it should be flushed. */
    synchronized boolean much() {
        return bytes >= MUCH;
    }

    /**
     * Makes all changes again, in their order, on a new connection that nobody else uses yet: also those that are under way,
     * which the server before may have answered to. Nothing is begun, done or forgotten meanwhile. Returns how many bytes
     * they changed.
     *
     * @throws NbdLink.LinkException where the connection fails; to be done once more on another one
     */
    synchronized long repeat(NbdLink link) throws IOException {
        long sum = 0;
        for (Change change : changes) {
            try {
                change.make(link);
                sum += change.length;
            } catch (NbdLink.LinkException e) {
                throw e;
            } catch (IOException e) {
                lose(e.getMessage());
            }
        }
        return sum;
    }

    /** Something that was done may be lost. */
    synchronized void lose(String why) {
        lost = why;
    }

    /** Why something that was done may be lost; null where nothing is. */
    synchronized String lost() {
        return lost;
    }
}
