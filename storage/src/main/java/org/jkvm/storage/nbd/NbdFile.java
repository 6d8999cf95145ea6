package org.jkvm.storage.nbd;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jkvm.base.Bits;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.RangeLocks;

/**
 * An export of an NBD server. Where the connection fails, requests wait while it is made again, for as long as the address
 * says, and are then made again: all of the protocol's commands may be. So is what was done before and not flushed: the
 * server may have crashed ({@link Unflushed}). An export cannot change its size.
 */
public final class NbdFile implements ImageFile {
    private static final System.Logger LOG = System.getLogger(NbdFile.class.getName());
    private static final long RETRY_MILLIS = 250;
    private static final int MOST_ATTEMPTS = 5;
    private static final int ZERO_CHUNK = 1 << 30;

    private final NbdAddress address;
    private final boolean unsafe;
    // Whether changes become stable only by a flush.
    private final boolean flushes;
    private final RangeLocks locks = new RangeLocks();
    private final Unflushed unflushed = new Unflushed();
    private final ReentrantLock makingRoom = new ReentrantLock();
    private final AtomicBoolean flushingSoon = new AtomicBoolean();
    // What a flush that nobody asked for has met: told to who asks for the next one.
    private final AtomicReference<IOException> unheard = new AtomicReference<>();
    private final ExportInfo info;
    // Guarded by this, but for reads of the field.
    private volatile NbdLink link;
    private boolean closed;
    private boolean reconnecting;
    private long givenUp;
    private volatile boolean changed;

    private NbdFile(NbdAddress address, NbdLink link, CacheMode cache) {
        this.address = address;
        this.link = link;
        this.info = link.info();
        this.unsafe = cache == CacheMode.UNSAFE;
        this.flushes = info.has(Nbd.SEND_FLUSH) && !info.has(Nbd.READ_ONLY);
    }

    /**
     * Connects to an export.
     *
     * @throws IOException with one line that says what is wrong
     */
    public static NbdFile open(NbdAddress address, boolean readOnly, CacheMode cache) throws IOException {
        NbdLink link = NbdLink.open(address);
        if (!readOnly && link.info().has(Nbd.READ_ONLY)) {
            link.close();
            throw new IOException("the server's export is read-only (readonly=on)");
        }
        return new NbdFile(address, link, cache);
    }

    @Override
    public long size() {
        return info.size();
    }

    @Override
    public boolean growsWithZeroes() {
        return false;
    }

    @Override
    public void read(long offset, MemorySegment target) throws IOException {
        long there = Math.clamp(info.size() - offset, 0, target.byteSize());
        for (long done = 0; done < there; done += info.maxPayload()) {
            readPiece(offset + done, target.asSlice(done, Math.min(info.maxPayload(), there - done)));
        }
        target.asSlice(there).fill((byte) 0);
    }

    private void readPiece(long offset, MemorySegment target) throws IOException {
        if (aligned(offset, target.byteSize()) && NbdLink.reaches(target)) {
            retried(l -> l.read(offset, target));
            return;
        }
        long first = Bits.alignDown(offset, info.minBlock());
        try (Arena arena = Arena.ofShared()) {
            MemorySegment copy = arena.allocate(Bits.alignUp(offset + target.byteSize(), info.minBlock()) - first);
            retried(l -> l.read(first, copy));
            target.copyFrom(copy.asSlice(offset - first, target.byteSize()));
        }
    }

    @Override
    public void write(long offset, MemorySegment source) throws IOException {
        if (offset + source.byteSize() > info.size()) {
            throw new IOException("the export ends at " + info.size() + ": it cannot grow");
        }
        long most = Math.min(info.maxPayload(), Unflushed.PIECE);
        for (long done = 0; done < source.byteSize(); done += most) {
            writePiece(offset + done, source.asSlice(done, Math.min(most, source.byteSize() - done)));
        }
    }

    /**
     * What covers the server's blocks in part reads them first. Locks keep that from undoing another change, and changes
     * that overlap in one order, here and at the server.
     */
    private void writePiece(long offset, MemorySegment source) throws IOException {
        long first = Bits.alignDown(offset, info.minBlock());
        long end = Bits.alignUp(offset + source.byteSize(), info.minBlock());
        try (RangeLocks.Held _ = locks.exclusive(first, end - 1)) {
            if (aligned(offset, source.byteSize())) {
                writeWhole(offset, source);
                return;
            }
            try (Arena arena = Arena.ofShared()) {
                MemorySegment copy = arena.allocate(end - first);
                retried(l -> l.read(first, copy));
                copy.asSlice(offset - first, source.byteSize()).copyFrom(source);
                writeWhole(first, copy);
            }
        }
    }

    private void writeWhole(long offset, MemorySegment source) throws IOException {
        change(() -> unflushed.begin(offset, source), l -> l.write(offset, source));
    }

    /** A command without data. */
    private void command(int type, int flags, long offset, long length) throws IOException {
        try (RangeLocks.Held _ = locks.exclusive(offset, offset + length - 1)) {
            change(() -> unflushed.begin(type, flags, offset, length), l -> l.command(type, flags, offset, length));
        }
    }

    /** Makes a request that changes the export, and has it remembered where that is of use. */
    private void change(Supplier<Unflushed.Change> begin, Request request) throws IOException {
        if (!flushes || unsafe) {
            retried(request);
            changed = true;
            return;
        }
        Unflushed.Change change = begin.get();
        for (; change == null; change = begin.get()) {
            makeRoom();
        }
        boolean done = false;
        try {
            retried(request);
            done = true;
        } finally {
            unflushed.end(change, done);
        }
        if (unflushed.much() && flushingSoon.compareAndSet(false, true)) {
            Thread.ofVirtual().start(this::makeRoomSoon);
        }
    }

    private boolean aligned(long offset, long length) {
        return ((offset | length) & info.minBlock() - 1) == 0;
    }

    @Override
    public void flush() throws IOException {
        if (flushes && !unsafe) {
            flushNow();
        }
        IOException failure = unheard.getAndSet(null);
        if (failure != null) {
            throw failure;
        }
        if (unflushed.lost() != null) {
            throw new IOException("what was written to NBD server " + address.server() + " before it went away may be lost ("
                    + unflushed.lost() + "): nothing can be flushed until the disk is opened again");
        }
    }

    private void flushNow() throws IOException {
        long begun = unflushed.beginFlush();
        retried(l -> l.command(Nbd.CMD_FLUSH, 0, 0, 0));
        unflushed.flushed(begun);
    }

    /** A flush that nobody asked for, unless another has just made room. */
    private void makeRoom() throws IOException {
        makingRoom.lock();
        try {
            if (unflushed.much()) {
                flushNow();
            }
        } catch (GoneException e) {
            throw e;
        } catch (IOException e) {
            unheard.compareAndSet(null, e);
            throw e;
        } finally {
            makingRoom.unlock();
        }
    }

    private void makeRoomSoon() {
        try {
            makeRoom();
        } catch (IOException _) {
            // Whoever flushes next is told, or finds out that the server is gone.
        } finally {
            flushingSoon.set(false);
        }
    }

    @Override
    public void setSize(long size) throws IOException {
        throw new IOException("the size of an NBD export is the server's business");
    }

    @Override
    public boolean punch(long offset, long length) throws IOException {
        if (info.has(Nbd.SEND_WRITE_ZEROES)) {
            return zero(0, offset, length);
        }
        if (info.has(Nbd.SEND_TRIM) && aligned(offset, length)) {
            chunks(offset, length, (at, part) -> command(Nbd.CMD_TRIM, 0, at, part));
        }
        return false;
    }

    @Override
    public boolean zero(long offset, long length) throws IOException {
        return info.has(Nbd.SEND_WRITE_ZEROES) && zero(Nbd.NO_HOLE, offset, length);
    }

    private boolean zero(int flags, long offset, long length) throws IOException {
        if (!aligned(offset, length)) {
            return false;
        }
        chunks(offset, length, (at, part) -> command(Nbd.CMD_WRITE_ZEROES, flags, at, part));
        return true;
    }

    /** The server's file may be smaller: nobody can ask it. */
    @Override
    public long allocated() {
        return info.size();
    }

    @Override
    public long nextData(long offset) throws IOException {
        return find(offset, false);
    }

    @Override
    public long nextHole(long offset) throws IOException {
        return find(offset, true);
    }

    /** The first offset from {@code offset} on of which the server says that it reads as zeroes, or does not say that. */
    private long find(long offset, boolean zeroes) throws IOException {
        if (info.contextId() < 0) {
            return zeroes ? info.size() : Math.min(offset, info.size());
        }
        long at = Bits.alignDown(offset, info.minBlock());
        while (at < info.size()) {
            for (NbdLink.Extent extent : status(at, Math.min(ZERO_CHUNK, info.size() - at))) {
                if ((extent.flags() & Nbd.STATE_ZERO) != 0 == zeroes) {
                    return Math.max(at, offset);
                }
                at += extent.length();
            }
        }
        return info.size();
    }

    private List<NbdLink.Extent> status(long offset, long length) throws IOException {
        return ask(l -> l.status(offset, length));
    }

    private interface Chunk {
        void run(long offset, long length) throws IOException;
    }

    private static void chunks(long offset, long length, Chunk chunk) throws IOException {
        for (long done = 0; done < length; done += ZERO_CHUNK) {
            chunk.run(offset + done, Math.min(ZERO_CHUNK, length - done));
        }
    }

    private interface Request {
        void run(NbdLink link) throws IOException;
    }

    private interface Question<T> {
        T ask(NbdLink link) throws IOException;
    }

    private void retried(Request request) throws IOException {
        ask(l -> {
            request.run(l);
            return null;
        });
    }

    /** A request that one connection after the other fails on is not made for ever. */
    private <T> T ask(Question<T> question) throws IOException {
        IOException last = null;
        for (int i = 0; i < MOST_ATTEMPTS; i++) {
            NbdLink now = link;
            try {
                return question.ask(now);
            } catch (NbdLink.LinkException e) {
                last = e;
                reconnect(now, e);
            }
        }
        throw gone(last);
    }

    /** Replaces {@code old} unless somebody has; throws where the server stays away. One thread tries, others wait for it. */
    private synchronized void reconnect(NbdLink old, IOException why) throws IOException {
        while (reconnecting) {
            pause();
        }
        long now = System.nanoTime();
        if (closed || link == old && givenUp != 0 && now - givenUp < TimeUnit.SECONDS.toNanos(1)) {
            throw gone(why);
        }
        if (link != old) {
            return;
        }
        if (givenUp == 0) {
            LOG.log(System.Logger.Level.WARNING, "NBD server {0}: connection lost ({1}); trying again", address.server(),
                    why.getMessage());
        }
        reconnecting = true;
        try {
            tryUntil(givenUp != 0 ? now : now + TimeUnit.SECONDS.toNanos(address.reconnectDelay()));
        } finally {
            reconnecting = false;
            notifyAll();
        }
    }

    private void tryUntil(long end) throws IOException {
        IOException last;
        do {
            try {
                link = restored(NbdLink.open(address));
                givenUp = 0;
                return;
            } catch (IOException e) {
                last = e;
                pause();
            }
        } while (System.nanoTime() < end && !closed);
        givenUp = System.nanoTime();
        throw gone(last);
    }

    /** A new connection, on which everything is as it was on the one before. */
    private NbdLink restored(NbdLink found) throws IOException {
        try {
            check(found.info());
            if (changed && unsafe && flushes) {
                unflushed.lose("cache=unsafe: nothing was flushed");
            }
            long again = unflushed.repeat(found);
            LOG.log(System.Logger.Level.WARNING, "NBD server {0}: connected again{1}", address.server(),
                    again == 0 ? "" : "; " + again + " bytes that it had not flushed are written again");
            return found;
        } catch (IOException | RuntimeException e) {
            found.close();
            throw e;
        }
    }

    /** The export that comes back must be the one that went. */
    private void check(ExportInfo now) throws IOException {
        if (now.size() != info.size() || now.minBlock() > info.minBlock() || now.maxPayload() < info.maxPayload()
                || (info.flags() & ~now.flags()) != 0 || now.has(Nbd.READ_ONLY) && !info.has(Nbd.READ_ONLY)
                || info.contextId() >= 0 && now.contextId() < 0) {
            throw new IOException("what the server exports now is not what it exported before");
        }
    }

    private void pause() throws IOException {
        try {
            wait(RETRY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while reconnecting", e);
        }
    }

    /** The server stays away. */
    private static final class GoneException extends IOException {
        private static final long serialVersionUID = 1L;

        GoneException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private IOException gone(IOException why) {
        return new GoneException("NBD server " + address.server() + " is gone: " + why.getMessage(), why);
    }

    @Override
    public void close() {
        NbdLink last;
        synchronized (this) {
            closed = true;
            last = link;
            notifyAll();
        }
        last.close();
    }
}
