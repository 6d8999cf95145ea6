package org.jkvm.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jkvm.base.HostException;

/**
 * Memory made of an anonymous file (memfd_create(2)) and mapped shared: guest RAM. It reads as zeroes, takes host
 * memory only where touched, and its descriptor can be handed to other processes.
 */
public final class SharedMemory implements AutoCloseable {
    /** Pages may be read (sys/mman.h). */
    public static final int PROT_READ = 1;
    /** Pages may be written (sys/mman.h). */
    public static final int PROT_WRITE = 2;
    /** Pages may be executed (sys/mman.h). */
    public static final int PROT_EXEC = 4;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MAP_FIXED_NOREPLACE = 0x100000;
    private static final int MFD_CLOEXEC = 1;
    private static final int MADV_REMOVE = 9;
    /** Linux 5.14. */
    private static final int MADV_POPULATE_WRITE = 23;

    private static final MethodHandle MEMFD_CREATE = Native.link("memfd_create");
    private static final MethodHandle FTRUNCATE = Native.link("ftruncate");
    private static final MethodHandle MMAP = Native.link("mmap");
    private static final MethodHandle MUNMAP = Native.link("munmap");
    private static final MethodHandle MADVISE = Native.link("madvise");

    private final int descriptor;
    private final MemorySegment segment;

    private SharedMemory(int descriptor, MemorySegment segment) {
        this.descriptor = descriptor;
        this.segment = segment;
    }

    /**
     * Allocates {@code size} bytes, a multiple of the page size.
     *
     * @throws org.jkvm.base.HostException when the host has no room for it
     */
    public static SharedMemory allocate(String name, long size) {
        int fd = memfd(name);
        if (truncate(fd, size) != 0) {
            throw Native.failure("ftruncate(" + name + ", " + size + ")", "give the guest less memory (-m)");
        }
        return new SharedMemory(fd, map(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd));
    }

    /**
     * Allocates {@code size} bytes in a file without a name in {@code folder}: of huge pages, where that is on a hugetlbfs.
     * The host reserves them at once there, so that it can't run out of them later.
     *
     * @param size a multiple of the file system's page size
     * @throws org.jkvm.base.HostException when the file can't be made, or the host has no room for it
     */
    public static SharedMemory allocateIn(Path folder, long size) {
        int fd = temporary(folder);
        try {
            if (truncate(fd, size) != 0) {
                throw Native.failure("ftruncate(a file in " + folder + ", " + size + ")",
                        "give the guest (-m) a multiple of that file system's page size, and no more than it has room for");
            }
            return new SharedMemory(fd, map(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd));
        } catch (HostException e) {
            Descriptors.close(fd);
            throw e.errno() != Errno.ENOMEM ? e : new HostException(folder + ": no " + size + " bytes of guest memory to be had "
                    + "there; give the guest less (-m), or a hugetlbfs more huge pages (sysctl vm.nr_hugepages)", e.errno());
        }
    }

    private static int temporary(Path folder) {
        try {
            Path file = Files.createTempFile(folder, "jkvm-", ".ram");
            try {
                return HostFile.open(file, HostFile.Access.READ_WRITE).descriptor();
            } finally {
                Files.delete(file);
            }
        } catch (NoSuchFileException e) {
            throw new HostException(folder + ": there is no such folder", Errno.ENOENT);
        } catch (IOException e) {
            throw new HostException(folder + ": no file for guest memory can be made there: " + e);
        }
    }

    /** Maps private anonymous memory with protection {@code prot}; it lives until {@link #unmap}. */
    public static MemorySegment mapAnonymous(long size, int prot) {
        return map(0, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    }

    /**
     * Maps private anonymous memory at exactly {@code address}, a multiple of the page size; it lives until {@link #unmap}.
     *
     * @throws org.jkvm.base.HostException when something is mapped there already (EEXIST)
     */
    public static MemorySegment mapAnonymousAt(long address, long size, int prot) {
        return map(address, size, prot,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1);
    }

    /** Maps the same memory once more, with protection {@code prot}; the mapping lives until {@link #unmap}. */
    public MemorySegment mapAgain(int prot) {
        return map(0, segment.byteSize(), prot, MAP_SHARED | MAP_NORESERVE, descriptor);
    }

    /** Maps a driver's memory. */
    static MemorySegment mapShared(int descriptor, long size) {
        return map(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor);
    }

    /** Gives back memory from {@link #mapAnonymous}. Nothing may use it any more. */
    public static void unmap(MemorySegment memory) {
        Native.call(MUNMAP, memory.address(), memory.byteSize());
    }

    /** The memory. */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * Gives {@code length} bytes from {@code offset} on back to the host, both multiples of the page size: they read as
     * zeroes and take no host memory until they are written again. A hint: failure changes nothing.
     */
    public void discard(long offset, long length) {
        Native.call(MADVISE, segment.asSlice(offset, length).address(), length, MADV_REMOVE);
    }

    /**
     * Has the host give all of it its pages now, rather than one by one when they are touched.
     *
     * @throws HostException where it has not as many, or is older than Linux 5.14
     */
    public void preallocate() {
        if (Native.callInt(MADVISE, segment.address(), segment.byteSize(), MADV_POPULATE_WRITE) != 0) {
            throw Native.failure("madvise(MADV_POPULATE_WRITE) of " + segment.byteSize() + " bytes",
                    "give the guest less memory (-m), or leave -mem-prealloc out");
        }
    }

    /** The file descriptor. */
    public int descriptor() {
        return descriptor;
    }

    @Override
    public void close() {
        unmap(segment);
        Descriptors.close(descriptor);
    }

    private static int memfd(String name) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Native.callInt(MEMFD_CREATE, Native.string(arena, name).address(), MFD_CLOEXEC);
            if (fd < 0) {
                throw Native.failure("memfd_create(" + name + ")", "check the limit of open files (ulimit -n)");
            }
            return fd;
        }
    }

    private static int truncate(int fd, long size) {
        return Native.callInt(FTRUNCATE, fd, size);
    }

    private static MemorySegment map(long where, long size, int prot, int flags, int fd) {
        long at = Native.call(MMAP, where, size, prot, flags, fd, 0);
        if (at == -1) {
            throw Native.failure("mmap of " + size + " bytes", "check the limit of virtual memory (ulimit -v)");
        }
        // SAFETY: the kernel just mapped exactly this range; it stays mapped until unmap().
        return MemorySegment.ofAddress(at).reinterpret(size);
    }
}
