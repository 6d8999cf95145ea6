package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.jkvm.base.HostException;
import org.jkvm.base.backend.Pieces;

/**
 * A regular file or block device, opened by open(2) and accessed at explicit offsets. Any number of threads may use it
 * at once; {@link #close} must come after the last of them. Memory segments may be on or off the heap; with O_DIRECT
 * they must be native and aligned as {@link FileStatus} says. Failures are {@link HostException}s with the errno.
 */
public final class HostFile implements AutoCloseable {
    /** How a file is opened. */
    public enum Access {
        /** For reading. */
        READ(0),
        /** For reading and writing. */
        READ_WRITE(O_RDWR),
        /** For reading and writing; made, empty, where it does not exist. What is in it stays. */
        CREATE(O_RDWR | O_CREAT);

        private final int flags;

        Access(int flags) {
            this.flags = flags;
        }
    }

    // include/uapi/asm-generic/fcntl.h; arm64 has an O_DIRECT of its own (arch/arm64/include/uapi/asm/fcntl.h).
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0x40;
    private static final int O_CLOEXEC = 0x80000;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_DIRECT = "aarch64".equals(System.getProperty("os.arch")) ? 0x10000 : 0x4000;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int NEW_FILE_MODE = 0644;
    private static final int SEEK_END = 2;
    // include/uapi/linux/fs.h
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    // include/uapi/linux/fs.h
    private static final int RWF_NOWAIT = 8;
    // include/uapi/linux/falloc.h
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int FALLOC_FL_ZERO_RANGE = 0x10;

    private static final MethodHandle OPEN = Native.link("open");
    private static final MethodHandle FCNTL = Native.link("fcntl");
    private static final MethodHandle PREADV = Native.link("preadv");
    private static final MethodHandle PREADV2 = Native.link("preadv2");
    private static final MethodHandle FDATASYNC = Native.link("fdatasync");
    private static final MethodHandle FTRUNCATE = Native.link("ftruncate");
    private static final MethodHandle FALLOCATE = Native.link("fallocate");
    private static final MethodHandle LSEEK = Native.link("lseek");
    private static final MethodHandle PREAD = Native.link("pread");
    private static final MethodHandle COPY_FILE_RANGE = Native.link("copy_file_range");
    private static final MethodHandle PWRITE = Native.link("pwrite");
    private static final MethodHandle PWRITEV = Native.link("pwritev");

    private final int descriptor;
    private final Path path;

    private HostFile(int descriptor, Path path) {
        this.descriptor = descriptor;
        this.path = path;
    }

    /**
     * Opens {@code path}.
     *
     * @throws HostException with errno
     */
    public static HostFile open(Path path, Access access) {
        // O_NONBLOCK: a FIFO with no writer must not hang us before its kind is known. It means nothing for disks.
        int flags = access.flags | O_CLOEXEC | O_NONBLOCK;
        try (Arena arena = Arena.ofConfined()) {
            int fd = Native.callInt(OPEN, Native.string(arena, path.toString()).address(), flags, NEW_FILE_MODE);
            if (fd < 0) {
                throw Native.failure("open " + path, "");
            }
            return new HostFile(fd, path);
        }
    }

    /** Bypasses the host's page cache from now on (O_DIRECT). Returns false where the file system has no such thing. */
    public boolean bypassCache() {
        int flags = Native.callInt(FCNTL, descriptor, F_GETFL);
        check(flags, "fcntl(F_GETFL)");
        return Native.callInt(FCNTL, descriptor, F_SETFL, flags | O_DIRECT) >= 0;
    }

    /** The path it was opened by. */
    public Path path() {
        return path;
    }

    /** The file descriptor. */
    public int descriptor() {
        return descriptor;
    }

    /** Kind, size, space and identity. */
    public FileStatus status() {
        return Statx.of(this);
    }

    /** The offset of the end: bytes in a file, capacity of a block device. */
    public long end() {
        return check(Native.call(LSEEK, descriptor, 0, SEEK_END), "lseek");
    }

    /** The first offset from {@code offset} on that has data of its own; {@link #end} where there is none. */
    public long nextData(long offset) {
        return seek(offset, SEEK_DATA);
    }

    /**
     * The first offset from {@code offset}, which is before the end, where a hole is, {@link #end} at the latest. A file
     * system that knows no holes answers as if there were none.
     */
    public long nextHole(long offset) {
        return seek(offset, SEEK_HOLE);
    }

    private long seek(long offset, int whence) {
        long found = Native.call(LSEEK, descriptor, offset, whence);
        // lseek(2): ENXIO where there is no more data, or the offset is at the end or beyond.
        return found < 0 && Native.errno() == Errno.ENXIO ? end() : check(found, "lseek");
    }

    /**
     * Fills {@code target}, native memory, where that takes no waiting: from the host's cache. Returns false where it would,
     * or the host can't tell; what is in {@code target} is then undefined.
     */
    public boolean readNow(long offset, Pieces target) {
        if (target.count() > IoVector.MOST) {
            return false;
        }
        try {
            return Native.call(PREADV2, descriptor, IoVector.of(target), target.count(), offset, RWF_NOWAIT)
                    == target.byteSize();
        } finally {
            Reference.reachabilityFence(target);
        }
    }

    /** Reads until {@code target} is full or the file ends; returns how many bytes were read. */
    public long read(long offset, MemorySegment target) {
        if (!target.isNative()) {
            return readHeap(offset, target);
        }
        long done = 0;
        while (done < target.byteSize()) {
            long n = transfer(PREAD, "read", offset + done, target.asSlice(done));
            if (n == 0) {
                break;
            }
            done += n;
        }
        return done;
    }

    /** As {@link #read(long, MemorySegment)}, into pieces. */
    public long read(long offset, Pieces target) {
        if (target.count() == 1 || !target.isNative()) {
            return target.eachPart(offset, this::read);
        }
        long done = 0;
        while (done < target.byteSize()) {
            long n = transfer(PREADV, "read", offset + done, target.slice(done));
            if (n == 0) {
                break;
            }
            done += n;
        }
        return done;
    }

    /** Writes all of {@code source}, making the file longer where need be. */
    public void write(long offset, MemorySegment source) {
        if (!source.isNative()) {
            writeHeap(offset, source);
            return;
        }
        long done = 0;
        while (done < source.byteSize()) {
            done += taken(offset + done, transfer(PWRITE, "write", offset + done, source.asSlice(done)));
        }
    }

    /** As {@link #write(long, MemorySegment)}, from pieces. */
    public void write(long offset, Pieces source) {
        if (source.count() == 1 || !source.isNative()) {
            source.eachPart(offset, this::written);
            return;
        }
        long done = 0;
        while (done < source.byteSize()) {
            done += taken(offset + done, transfer(PWRITEV, "write", offset + done, source.slice(done)));
        }
    }

    private long written(long offset, MemorySegment piece) {
        write(offset, piece);
        return piece.byteSize();
    }

    private long taken(long offset, long bytes) {
        if (bytes == 0) {
            throw new HostException("write to " + path + " at " + offset + ": nothing was taken", Errno.EIO);
        }
        return bytes;
    }

    /**
     * Has the kernel copy {@code length} bytes at {@code from} of {@code source} to {@code offset}, by sharing storage where
     * the file system can (copy_file_range(2)). Returns false, perhaps having copied some, where it can't or the source ends.
     */
    public boolean copyFrom(HostFile source, long from, long offset, long length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate(Long.BYTES, Long.BYTES);
            MemorySegment out = arena.allocate(Long.BYTES, Long.BYTES);
            in.asByteBuffer().order(ByteOrder.nativeOrder()).putLong(0, from);
            out.asByteBuffer().order(ByteOrder.nativeOrder()).putLong(0, offset);
            long left = length;
            while (left > 0) {
                // Both offsets move on by what was copied.
                long n = Native.call(COPY_FILE_RANGE, source.descriptor, in, descriptor, out.address(), left);
                if (n < 0 && Native.errno() == Errno.ENOSPC) {
                    throw Native.failure("copy of " + left + " bytes to " + path, "");
                }
                if (n == 0 || n < 0 && Native.errno() != Errno.EINTR) {
                    return false;
                }
                left -= Math.max(n, 0);
            }
            return true;
        }
    }

    /** Returns once everything written is on stable storage (fdatasync(2)). */
    public void sync() {
        check(Native.callInt(FDATASYNC, descriptor), "fdatasync");
    }

    /** Cuts a regular file to {@code size}, or makes it longer with a hole. */
    public void setSize(long size) {
        check(Native.callInt(FTRUNCATE, descriptor, size), "ftruncate to " + size);
    }

    /** Gives a range's storage back: it reads as zeroes. Returns false where the file system can't. */
    public boolean punchHole(long offset, long length) {
        return allocation(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
    }

    /** Makes a range read as zeroes and keeps its storage. Returns false where the file system can't. */
    public boolean zeroRange(long offset, long length) {
        return allocation(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length);
    }

    /** Reserves storage for a range, making the file longer where need be. Returns false where the file system can't. */
    public boolean reserve(long offset, long length) {
        return allocation(0, offset, length);
    }

    /** The same, but the file's length stays, and where there is no room nothing is said: a write will say it. */
    public void reserveForWrite(long offset, long length) {
        Native.callInt(FALLOCATE, descriptor, FALLOC_FL_KEEP_SIZE, offset, length);
    }

    /** The kind of file system that it lies in: a number of include/uapi/linux/magic.h. */
    public long fileSystem() {
        return Statfs.type(this);
    }

    @Override
    public void close() {
        Descriptors.close(descriptor);
    }

    private boolean allocation(int mode, long offset, long length) {
        int result;
        do {
            result = Native.callInt(FALLOCATE, descriptor, mode, offset, length);
        } while (result < 0 && Native.errno() == Errno.EINTR);
        if (result < 0 && unsupported(Native.errno())) {
            return false;
        }
        check(result, "fallocate " + length + " bytes at " + offset);
        return true;
    }

    private static boolean unsupported(int errno) {
        return errno == Errno.EOPNOTSUPP || errno == Errno.ENOSYS || errno == Errno.EINVAL;
    }

    private long transfer(MethodHandle call, String name, long offset, MemorySegment memory) {
        return transfer(call, name, offset, memory, memory.byteSize(), memory.byteSize());
    }

    private long transfer(MethodHandle call, String name, long offset, Pieces pieces) {
        try {
            return transfer(call, name, offset, IoVector.of(pieces), IoVector.count(pieces), pieces.byteSize());
        } finally {
            Reference.reachabilityFence(pieces);
        }
    }

    /** pread(2), preadv(2) and their like; {@code count} is of what {@code memory} has: bytes, or pieces. */
    private long transfer(MethodHandle call, String name, long offset, MemorySegment memory, long count, long bytes) {
        long n;
        do {
            n = Native.call(call, descriptor, memory, count, offset, 0);
        } while (n < 0 && Native.errno() == Errno.EINTR);
        if (n < 0) {
            throw Native.failure(name + " of " + bytes + " bytes at " + offset + " of " + path, "");
        }
        return n;
    }

    private long readHeap(long offset, MemorySegment target) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(target.byteSize());
            long n = read(offset, copy);
            MemorySegment.copy(copy, ValueLayout.JAVA_BYTE, 0, target, ValueLayout.JAVA_BYTE, 0, n);
            return n;
        }
    }

    private void writeHeap(long offset, MemorySegment source) {
        try (Arena arena = Arena.ofConfined()) {
            write(offset, arena.allocate(source.byteSize()).copyFrom(source));
        }
    }

    private long check(long result, String call) {
        if (result < 0) {
            throw Native.failure(call + " of " + path, "");
        }
        return result;
    }
}
