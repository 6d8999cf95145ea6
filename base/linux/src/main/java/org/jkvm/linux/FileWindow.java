package org.jkvm.linux;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * A stretch of a file mapped into memory for reading, until closed: its pages are the page cache's own, nothing is copied.
 * Where somebody makes the file shorter meanwhile, reading what was cut off by single values or by bulk copies throws
 * {@link InternalError}, and a system call that is to read it fails with EFAULT; searching it ({@code mismatch}) would end
 * the process and must not be done. For one thread.
 */
public final class FileWindow implements AutoCloseable {
    // include/uapi/asm-generic/mman-common.h, include/uapi/linux/mman.h
    private static final int PROT_READ = 1;
    private static final int MAP_SHARED = 1;
    private static final long MAP_FAILED = -1;
    /** At least the page size of any architecture that the JDK runs on. */
    private static final long PAGE = 65536;
    // include/uapi/linux/fadvise.h
    private static final int POSIX_FADV_WILLNEED = 3;

    private static final MethodHandle MMAP = Native.linkLongs("mmap");
    private static final MethodHandle MUNMAP = Native.linkLongs("munmap");
    private static final MethodHandle POSIX_FADVISE = Native.linkLongs("posix_fadvise");

    private final long address;
    private final long length;
    private final MemorySegment segment;

    private FileWindow(long address, long length, MemorySegment segment) {
        this.address = address;
        this.length = length;
        this.segment = segment;
    }

    /**
     * Maps {@code length} bytes of {@code file}, at least 1, from {@code offset}, any; all of them lie before its end.
     *
     * @throws org.jkvm.base.HostException where the host can't
     */
    public static FileWindow of(HostFile file, long offset, long length) {
        long start = offset & -PAGE;
        long mapped = offset - start + length;
        long address = Native.call(MMAP, 0, mapped, PROT_READ, MAP_SHARED, file.descriptor(), start);
        if (address == MAP_FAILED) {
            throw Native.failure("mmap of " + length + " bytes at " + offset + " of " + file.path(), "");
        }
        // SAFETY: mmap(2) has just mapped so many bytes there; they are unmapped only by close.
        MemorySegment all = MemorySegment.ofAddress(address).reinterpret(mapped).asReadOnly();
        return new FileWindow(address, mapped, all.asSlice(offset - start, length));
    }

    /** Has the host read a stretch of {@code file} into its cache soon. A hint. */
    public static void prefetch(HostFile file, long offset, long length) {
        Native.call(POSIX_FADVISE, file.descriptor(), offset, length, POSIX_FADV_WILLNEED);
    }

    /** The bytes. */
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public void close() {
        Native.call(MUNMAP, address, length);
    }
}
