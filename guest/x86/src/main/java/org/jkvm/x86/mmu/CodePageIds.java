package org.jkvm.x86.mmu;

import java.util.HashMap;
import java.util.Map;

/**
 * Small numbers for pairs of linear and physical page. A jump of generated code to another page compares one such number to
 * know that its target is still where it was.
 */
final class CodePageIds {
    private static final int MOST = 1 << 20;

    private final Map<Pair, Integer> ids = new HashMap<>();
    private int last;

    private record Pair(long linearPage, long physicalPage) {
    }

    /** The number of a pair; never zero, never another pair's. */
    int of(long linearPage, long physicalPage) {
        if (ids.size() >= MOST) {
            ids.clear(); // Old numbers are not given again: what still compares with them is looked up anew.
        }
        return ids.computeIfAbsent(new Pair(linearPage, physicalPage), pair -> next());
    }

    private int next() {
        last = last == -1 ? 1 : last + 1;
        return last;
    }
}
