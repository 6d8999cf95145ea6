package org.jkvm.x86.mmu;

/**
 * Which TLB entries may write to a physical page, by a hash of it: nearly always none or one, so that taking write permission
 * away from a page whose code is being decoded need not look at every entry.
 */
final class Writers {
    /** No entry may write to the page. */
    static final int NONE = -1;
    /** Any of the entries may. */
    static final int SEVERAL = -2;
    private static final int SLOTS = 1 << 15;

    private final int[] count = new int[SLOTS];
    private final int[] last = new int[SLOTS];

    private static int slot(long page) {
        return (int) (page >>> 12 ^ page >>> 27) & SLOTS - 1;
    }

    /** Entry {@code index} may write to {@code page} from now on. */
    void add(long page, int index) {
        count[slot(page)]++;
        last[slot(page)] = index;
    }

    /** An entry may not write to {@code page} any more. */
    void remove(long page) {
        count[slot(page)]--;
        last[slot(page)] = SEVERAL; // Who is left, if anybody, is not known.
    }

    /** The one entry that may write to a page of this hash, {@link #NONE} or {@link #SEVERAL}. */
    int only(long page) {
        int slot = slot(page);
        return count[slot] == 0 ? NONE : count[slot] == 1 ? last[slot] : SEVERAL;
    }
}
