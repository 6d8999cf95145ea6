package org.jkvm.x86.mmu;

import java.util.Arrays;
import org.jkvm.linux.RawMemory;

/**
 * Translations for fetches, apart from those for data, so that code and data do not displace each other. Generated code knows
 * an entry by the code page id that stands for it in native memory: {@link CodePageIds}, zero where there is no entry.
 */
final class FetchTlb {
    private static final long ABSENT = -1;
    private static final int MAX_FILLED = 1024;

    // SAFETY: 4 bytes for each of the entries, inside the processor's struct; an index is below their number.
    private final long idsAddress;
    private final long[] linear;
    private final long[] physical;
    private final boolean[] global;
    private final int[] filled = new int[MAX_FILLED];
    private final CodePageIds ids = new CodePageIds();
    private int filledCount;

    /** {@code entries} translations, with their ids from {@code idsAddress} on. */
    FetchTlb(long idsAddress, int entries) {
        this.idsAddress = idsAddress;
        this.linear = new long[entries];
        this.physical = new long[entries];
        this.global = new boolean[entries];
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
        if (filledCount < MAX_FILLED) {
            filled[filledCount] = index;
        }
        filledCount = Math.min(filledCount + 1, MAX_FILLED + 1);
    }

    void drop(int index) {
        linear[index] = ABSENT;
        RawMemory.putInt(idsAddress + 4L * index, 0);
    }

    /** Drops every entry; or, without {@code globalToo}, those of pages that are not global. */
    void flush(boolean globalToo) {
        int kept = 0;
        boolean listed = filledCount <= MAX_FILLED;
        int count = listed ? filledCount : linear.length;
        for (int n = 0; n < count; n++) {
            int index = listed ? filled[n] : n;
            if (globalToo || !global[index]) {
                drop(index);
            } else if (listed) {
                filled[kept++] = index;
            }
        }
        filledCount = listed ? kept : filledCount;
    }
}
