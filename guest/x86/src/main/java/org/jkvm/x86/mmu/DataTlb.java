package org.jkvm.x86.mmu;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putLong;

/**
 * Translations for loads and stores, in native memory as {@link Mmu} and generated code look them up: {@link Mmu#READ_TAG},
 * {@link Mmu#WRITE_TAG}, {@link Mmu#ADDEND}.
 */
final class DataTlb {
    private static final int MAX_FILLED = 4096;

    // SAFETY: Mmu.ENTRY_SIZE bytes for each of the entries, inside the processor's struct; an index is below their number.
    private final long tables;
    private final long[] physical;
    private final boolean[] global;
    private final Writers writers;
    private final Filled locals;
    private final Filled globals;

    /** {@code entries} translations from the address {@code tables} on. */
    DataTlb(long tables, int entries) {
        this.tables = tables;
        this.physical = new long[entries];
        this.global = new boolean[entries];
        this.writers = new Writers(entries);
        this.locals = new Filled(entries, MAX_FILLED);
        this.globals = new Filled(entries, MAX_FILLED);
        for (int index = 0; index < entries; index++) {
            putLong(entry(index) + Mmu.READ_TAG, absent(index));
            putLong(entry(index) + Mmu.WRITE_TAG, absent(index));
        }
    }

    /** Lets {@code linearPage} be read at {@code host}, where the guest physical {@code page} is; and written, if it was there. */
    void fill(int index, long linearPage, long page, long host, boolean isGlobal) {
        long entry = entry(index);
        if (physical[index] != page || getLong(entry + Mmu.ADDEND) != host - linearPage) {
            drop(index);
        }
        physical[index] = page;
        global[index] = isGlobal;
        putLong(entry + Mmu.ADDEND, host - linearPage);
        putLong(entry + Mmu.HOST_PAGE, host);
        putLong(entry + Mmu.READ_TAG, linearPage);
        (isGlobal ? globals : locals).add(index);
    }

    /** Lets what may be read there be written too, or not any more. */
    void permitWrites(int index, boolean permitted) {
        long entry = entry(index);
        if (getLong(entry + Mmu.WRITE_TAG) != absent(index)) {
            writers.remove(physical[index], index);
        }
        if (permitted) {
            writers.add(physical[index], index);
        }
        putLong(entry + Mmu.WRITE_TAG, permitted ? getLong(entry + Mmu.READ_TAG) : absent(index));
    }

    /** Drops the write tags of a guest physical page. */
    void protect(long physicalPage) {
        writers.forEach(physicalPage, index -> protect(index, physicalPage));
    }

    private void protect(int index, long physicalPage) {
        if (physical[index] == physicalPage) {
            permitWrites(index, false);
        }
    }

    void drop(int index) {
        putLong(entry(index) + Mmu.READ_TAG, absent(index));
        permitWrites(index, false);
    }

    /** Drops every entry; or, without {@code globalToo}, those of pages that are not global. */
    void flush(boolean globalToo) {
        locals.forEach(globalToo ? this::drop : this::dropLocal);
        locals.clear();
        if (globalToo) {
            globals.forEach(this::drop);
            globals.clear();
        }
    }

    private void dropLocal(int index) {
        if (!global[index]) {
            drop(index);
        }
    }

    /**
     * A page that is never looked for in entry {@code index}: it belongs into another one, and not into the next either, where
     * an access that crosses pages ends.
     */
    private static long absent(int index) {
        return (long) ((index ^ Mmu.ENTRIES / 2) & Mmu.ENTRIES - 1) << 12;
    }

    private long entry(int index) {
        return tables + (long) index * Mmu.ENTRY_SIZE;
    }
}
