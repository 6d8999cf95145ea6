package org.jkvm.x86.mmu;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Small numbers for pairs of linear and physical page that generated code was made for. A jump of generated code to another
 * page compares one such number to know that its target is still where it was. A number lives as long as somebody holds it.
 */
final class CodePageIds {
    /** What pairs have that nobody holds: no pair's number. */
    static final int NOBODYS = -1;

    private final Map<Pair, Held> ids = new HashMap<>();
    private final Deque<Integer> free = new ArrayDeque<>();
    private int last = Byte.MAX_VALUE; // Instructions that name one have one length: the immediate never fits a byte.

    private record Pair(long linearPage, long physicalPage) {
    }

    private static final class Held {
        private final int id;
        private int holders;

        private Held(int id) {
            this.id = id;
        }
    }

    /** The number of a pair, or {@link #NOBODYS}. */
    int of(long linearPage, long physicalPage) {
        Held held = ids.get(new Pair(linearPage, physicalPage));
        return held == null ? NOBODYS : held.id;
    }

    /** The number of a pair, once more held; never zero, never another pair's. */
    int hold(long linearPage, long physicalPage) {
        Held held = ids.computeIfAbsent(new Pair(linearPage, physicalPage), pair -> new Held(next()));
        held.holders++;
        return held.id;
    }

    private int next() {
        return free.isEmpty() ? ++last : free.pop();
    }

    /**
     * Takes one {@link #hold} back.
     *
     * @return whether it was the last: the number may be another pair's from now on
     */
    boolean release(long linearPage, long physicalPage) {
        Pair pair = new Pair(linearPage, physicalPage);
        Held held = ids.get(pair);
        if (--held.holders > 0) {
            return false;
        }
        ids.remove(pair);
        free.push(held.id);
        return true;
    }

    /** How many pairs have numbers. */
    int size() {
        return ids.size();
    }
}
