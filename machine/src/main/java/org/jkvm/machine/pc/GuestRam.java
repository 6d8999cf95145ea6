package org.jkvm.machine.pc;

import java.nio.file.Path;
import java.util.Optional;
import org.jkvm.linux.SharedMemory;

/**
 * The memory that a machine is given.
 *
 * @param bytes        in whole MiB
 * @param folder       where the file is that it is made of, for huge pages a hugetlbfs; empty for an anonymous file
 * @param preallocated whether the host gives all of it its pages at the start
 */
public record GuestRam(long bytes, Optional<Path> folder, boolean preallocated) {
    /** An anonymous file's, whose pages come when they are touched. */
    public static GuestRam of(long bytes) {
        return new GuestRam(bytes, Optional.empty(), false);
    }

    /** Allocates {@code size} bytes. */
    SharedMemory allocate(long size) {
        SharedMemory ram = folder.map(f -> SharedMemory.allocateIn(f, size)).orElseGet(() -> SharedMemory.allocate("pc.ram", size));
        if (preallocated) {
            preallocate(ram);
        }
        return ram;
    }

    private static void preallocate(SharedMemory ram) {
        try {
            ram.preallocate();
        } catch (RuntimeException e) {
            ram.close();
            throw e;
        }
    }
}
