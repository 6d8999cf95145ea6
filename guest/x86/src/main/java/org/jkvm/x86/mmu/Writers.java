package org.jkvm.x86.mmu;

import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * Which TLB entries may write to a physical page, listed by a hash of it: taking write permission away from a page whose code
 * is being decoded looks at few.
 */
final class Writers {
    private static final int NONE = -1;
    private static final int SLOTS = 1 << 15;

    private final int[] first = new int[SLOTS];
    private final int[] next;
    private final int[] previous;

    /** For a TLB of {@code entries}. */
    Writers(int entries) {
        Arrays.fill(first, NONE);
        next = new int[entries];
        previous = new int[entries];
    }

    private static int slot(long page) {
        return (int) (page >>> 12 ^ page >>> 27) & SLOTS - 1;
    }

    /** Entry {@code index}, which may write to no page, may write to {@code page} from now on. */
    void add(long page, int index) {
        int slot = slot(page);
        next[index] = first[slot];
        previous[index] = NONE;
        if (first[slot] != NONE) {
            previous[first[slot]] = index;
        }
        first[slot] = index;
    }

    /** Entry {@code index} may not write to {@code page} any more. */
    void remove(long page, int index) {
        if (previous[index] == NONE) {
            first[slot(page)] = next[index];
        } else {
            next[previous[index]] = next[index];
        }
        if (next[index] != NONE) {
            previous[next[index]] = previous[index];
        }
    }

    /** Names every entry that may write to {@code page}, and those of pages with the same hash; {@code action} may remove it. */
    void forEach(long page, IntConsumer action) {
        int index = first[slot(page)];
        while (index != NONE) {
            int following = next[index];
            action.accept(index);
            index = following;
        }
    }
}
