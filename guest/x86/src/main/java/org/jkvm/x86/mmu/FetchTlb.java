package org.jkvm.x86.mmu;

import java.util.Arrays;
import org.jkvm.linux.RawMemory;

/**
 * Translations for fetches, apart from those for data, so that code and data do not displace each other. Generated code knows
 * an entry by the code page id that stands for it in native memory: {@link CodePageIds}, zero where there is no entry. A number
 * stands in no entry but those of its pair.
 */
final class FetchTlb {
    static final long ABSENT = -1;
    private static final int MAX_FILLED = 1024;

    // SAFETY: 4 bytes for each of the entries, inside the processor's struct; an index is below their number.
    private final long idsAddress;
    private final long[] linear;
    private final long[] physical;
    private final boolean[] global;
    private final CodePageIds ids = new CodePageIds();
    private final Filled locals;
    private final Filled globals;

    /** {@code entries} translations, with their ids from {@code idsAddress} on. */
    FetchTlb(long idsAddress, int entries) {
        this.idsAddress = idsAddress;
        this.linear = new long[entries];
        this.physical = new long[entries];
        this.global = new boolean[entries];
        this.locals = new Filled(entries, MAX_FILLED);
        this.globals = new Filled(entries, MAX_FILLED);
        Arrays.fill(linear, ABSENT);
    }

    /** The guest physical page of {@code linearPage} in entry {@code index}, or -1. */
    long find(int index, long linearPage) {
        return linear[index] == linearPage ? physical[index] : ABSENT;
    }

    void fill(int index, long linearPage, long page, boolean isGlobal) {
        linear[index] = linearPage;
        physical[index] = page;
        global[index] = isGlobal;
        RawMemory.putInt(idsAddress + 4L * index, ids.of(linearPage, page));
        (isGlobal ? globals : locals).add(index);
    }

    /** Puts {@code id} where entry {@code index}, which is there, has another. */
    void identify(int index, int id) {
        RawMemory.putInt(idsAddress + 4L * index, id);
    }

    /** A number for a page's code, once more held. */
    int hold(long linearPage, long physicalPage) {
        return ids.hold(linearPage, physicalPage);
    }

    /** Takes one {@link #hold} back; {@code indexes} are those that {@code linearPage} may have. */
    void release(long linearPage, long physicalPage, int... indexes) {
        int id = ids.of(linearPage, physicalPage);
        if (ids.release(linearPage, physicalPage)) {
            for (int index : indexes) {
                long at = idsAddress + 4L * index;
                RawMemory.putInt(at, RawMemory.getInt(at) == id ? CodePageIds.NOBODYS : RawMemory.getInt(at));
            }
        }
    }

    void drop(int index) {
        linear[index] = ABSENT;
        RawMemory.putInt(idsAddress + 4L * index, 0);
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
}
