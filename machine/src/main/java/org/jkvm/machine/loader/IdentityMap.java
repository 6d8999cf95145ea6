package org.jkvm.machine.loader;

import java.nio.ByteBuffer;
import org.jkvm.machine.memory.MemoryMap;

/** Page tables that map the first 4 GiB onto themselves in 2 MiB pages (SDM vol. 3A, section 4.5). */
final class IdentityMap {
    private static final int PAGE = 4096;
    private static final int ENTRIES = 512;
    private static final long LARGE_PAGE = 2L << 20;
    private static final int DIRECTORIES = (int) (MemoryMap.FOUR_GIB / (LARGE_PAGE * ENTRIES));
    private static final long PRESENT_WRITABLE = 3;
    private static final long PAGE_SIZE = 0x80;

    private IdentityMap() {
    }

    /** Puts the tables into low memory; returns the root's address, for CR3. */
    static long place(LoadArea area) {
        ByteBuffer tables = LoadArea.buffer((2 + DIRECTORIES) * PAGE);
        long root = area.claimLow("page tables", tables.capacity(), PAGE, LoadArea.LOWEST);
        tables.putLong(0, root + PAGE | PRESENT_WRITABLE);
        for (int i = 0; i < DIRECTORIES; i++) {
            tables.putLong(PAGE + i * Long.BYTES, root + (2L + i) * PAGE | PRESENT_WRITABLE);
        }
        for (int i = 0; i < DIRECTORIES * ENTRIES; i++) {
            tables.putLong(2 * PAGE + i * Long.BYTES, i * LARGE_PAGE | PAGE_SIZE | PRESENT_WRITABLE);
        }
        area.write(root, tables);
        return root;
    }
}
