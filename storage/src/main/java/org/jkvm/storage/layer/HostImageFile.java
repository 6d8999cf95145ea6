package org.jkvm.storage.layer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jkvm.base.HostException;
import org.jkvm.base.backend.NoSpaceException;
import org.jkvm.base.backend.Pieces;
import org.jkvm.linux.Errno;
import org.jkvm.linux.FileStatus;
import org.jkvm.linux.HostFile;
import org.jkvm.storage.CacheMode;

/** A regular file or block device of the host, accessed as {@code cache=} says. */
public final class HostImageFile implements ImageFile {
    /** Of include/uapi/linux/magic.h. */
    private static final long EXT4_SUPER_MAGIC = 0xef53;
    /** Writes of that many bytes and more have their storage reserved where {@link #filling} found that it pays. */
    private static final int LARGE = 256 << 10;

    private final HostFile file;
    private final boolean unsafe;
    private final boolean blockDevice;
    private final DirectIo direct;
    private final AtomicLong end;
    private boolean reserves;

    /** Takes over {@code file}; {@code isDirect} says that it was opened with O_DIRECT. */
    public HostImageFile(HostFile file, FileStatus status, CacheMode cache, boolean isDirect) {
        this.file = file;
        this.unsafe = cache == CacheMode.UNSAFE;
        this.blockDevice = status.kind() == FileStatus.Kind.BLOCK_DEVICE;
        this.direct = isDirect ? new DirectIo(file, status) : null;
        this.end = new AtomicLong(status.size());
    }

    /**
     * Prepares for being filled by large writes; before any other thread knows it. Where storage is not reserved ext4 enters
     * each 4 KiB of a write into a tree, and takes as long for that as for the copying; reserving takes one entry.
     */
    public HostImageFile filling() {
        reserves = !blockDevice && direct == null && file.fileSystem() == EXT4_SUPER_MAGIC;
        return this;
    }

    @Override
    public long size() {
        return end.get();
    }

    @Override
    public boolean growsWithZeroes() {
        return !blockDevice;
    }

    @Override
    public void read(long offset, MemorySegment target) throws IOException {
        read(offset, Pieces.of(target));
    }

    @Override
    public void read(long offset, Pieces target) throws IOException {
        run(() -> {
            long there = end.get();
            long n = direct == null ? file.read(offset, target) : direct.read(offset, target);
            refuseTruncated(offset, n, Math.min(target.byteSize(), there - offset));
            target.slice(n).fill((byte) 0);
        });
    }

    @Override
    public boolean readNow(long offset, Pieces target) {
        return direct == null && target.isNative() && file.readNow(offset, target);
    }

    /** What was in the file and is not any more was taken away by somebody else: zeroes would hide the loss. */
    private void refuseTruncated(long offset, long got, long expected) {
        if (got < expected && !blockDevice && offset + got < end.get()) {
            throw new HostException("read of " + file.path() + " at " + offset + ": somebody has truncated the file to "
                    + file.end() + " bytes, it had " + end.get(), Errno.EIO);
        }
    }

    @Override
    public void write(long offset, MemorySegment source) throws IOException {
        write(offset, Pieces.of(source));
    }

    @Override
    public void write(long offset, Pieces source) throws IOException {
        try {
            run(() -> writeAll(offset, source));
            grown(offset + source.byteSize());
        } catch (IOException e) {
            // Part of it may have been written: what lies there must not be taken for the zeroes after the end.
            grown(file.end());
            throw e;
        }
    }

    private void writeAll(long offset, Pieces source) {
        if (direct != null) {
            direct.write(offset, source);
            return;
        }
        if (reserves && source.byteSize() >= LARGE) {
            file.reserveForWrite(offset, source.byteSize());
        }
        file.write(offset, source);
    }

    @Override
    public void flush() throws IOException {
        if (!unsafe) {
            run(file::sync);
        }
    }

    @Override
    public void setSize(long size) throws IOException {
        run(() -> file.setSize(size));
        end.set(size);
    }

    @Override
    public boolean punch(long offset, long length) throws IOException {
        return ask(() -> file.punchHole(offset, length));
    }

    @Override
    public boolean zero(long offset, long length) throws IOException {
        return ask(() -> file.zeroRange(offset, length));
    }

    @Override
    public boolean reserve(long offset, long length) throws IOException {
        boolean done = ask(() -> file.reserve(offset, length));
        grown(done ? offset + length : 0);
        return done;
    }

    @Override
    public boolean copy(long offset, Path from, long start, long length) throws IOException {
        boolean done = direct == null && ask(() -> {
            try (HostFile source = HostFile.open(from, HostFile.Access.READ)) {
                return file.copyFrom(source, start, offset, length);
            }
        });
        grown(done ? offset + length : 0);
        return done;
    }

    @Override
    public long allocated() throws IOException {
        return call(() -> file.status().allocated());
    }

    @Override
    public long nextData(long offset) throws IOException {
        return call(() -> file.nextData(offset));
    }

    @Override
    public long nextHole(long offset) throws IOException {
        return call(() -> file.nextHole(offset));
    }

    @Override
    public void close() {
        file.close();
    }

    private void grown(long newEnd) {
        if (!blockDevice) {
            end.accumulateAndGet(newEnd, Math::max);
        }
    }

    private interface Call {
        void run();
    }

    private interface Question {
        boolean ask();
    }

    private static long call(LongSupplier call) throws IOException {
        try {
            return call.getAsLong();
        } catch (HostException e) {
            throw failure(e);
        }
    }

    private static void run(Call call) throws IOException {
        try {
            call.run();
        } catch (HostException e) {
            throw failure(e);
        }
    }

    private static boolean ask(Question question) throws IOException {
        try {
            return question.ask();
        } catch (HostException e) {
            throw failure(e);
        }
    }

    private static IOException failure(HostException e) {
        return e.errno() == Errno.ENOSPC ? new NoSpaceException(e.getMessage(), e) : new IOException(e.getMessage(), e);
    }
}
