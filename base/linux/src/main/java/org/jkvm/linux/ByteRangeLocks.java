package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;

/**
 * Open-file-description locks on single bytes of a file (fcntl(2), "Open file description locks"): they belong to the
 * {@link HostFile}, exclude other processes and other opens in this one, and vanish when it is closed.
 */
public final class ByteRangeLocks {
    // include/uapi/asm-generic/fcntl.h
    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;
    // struct flock where off_t has 64 bits: l_type, l_whence (SEEK_SET is 0), l_start, l_len, l_pid.
    private static final int SIZE = 32;
    private static final int L_TYPE = 0;
    private static final int L_START = 8;
    private static final int L_LEN = 16;

    private static final MethodHandle FCNTL = Native.link("fcntl");

    private final HostFile file;

    /** Locks on {@code file}. */
    public ByteRangeLocks(HostFile file) {
        this.file = file;
    }

    /** Takes a shared lock on the byte at {@code offset}. Returns false where another holds an exclusive one. */
    public boolean lockShared(long offset) {
        return lock(F_RDLCK, offset);
    }

    /** Gives up the lock on the byte at {@code offset}. */
    public void unlock(long offset) {
        lock(F_UNLCK, offset);
    }

    /** Whether somebody else holds any lock on the byte at {@code offset}. */
    public boolean heldByOther(long offset) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flock = flock(arena, F_WRLCK, offset);
            if (call(F_OFD_GETLK, flock) < 0) {
                throw Native.failure("fcntl(F_OFD_GETLK) on " + file.path(), "the file system may not have locks");
            }
            return flock.asByteBuffer().order(ByteOrder.nativeOrder()).getShort(L_TYPE) != F_UNLCK;
        }
    }

    private boolean lock(short type, long offset) {
        try (Arena arena = Arena.ofConfined()) {
            int result = call(F_OFD_SETLK, flock(arena, type, offset));
            if (result < 0 && Native.errno() != Errno.EAGAIN && Native.errno() != Errno.EACCES) {
                throw Native.failure("fcntl(F_OFD_SETLK) on " + file.path(), "the file system may not have locks");
            }
            return result == 0;
        }
    }

    private static MemorySegment flock(Arena arena, short type, long offset) {
        MemorySegment flock = arena.allocate(SIZE, Long.BYTES);
        flock.asByteBuffer().order(ByteOrder.nativeOrder()).putShort(L_TYPE, type).putLong(L_START, offset).putLong(L_LEN, 1);
        return flock;
    }

    private int call(int command, MemorySegment flock) {
        return Native.callInt(FCNTL, file.descriptor(), command, flock.address());
    }
}
