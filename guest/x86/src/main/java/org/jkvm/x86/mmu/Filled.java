package org.jkvm.x86.mmu;

import java.util.function.IntConsumer;

/** Which entries of a TLB were filled since it was flushed, as long as they are few: flushing need not look at all of it. */
final class Filled {
    private final int entries;
    private final int[] list;
    private int count;

    /** For {@code entries} entries, of which up to {@code most} are listed; none is filled at first. */
    Filled(int entries, int most) {
        this.entries = entries;
        this.list = new int[most];
    }

    /** Notes that entry {@code index} was filled. */
    void add(int index) {
        if (count < list.length) {
            list[count] = index;
        }
        count = Math.min(count + 1, list.length + 1);
    }

    /** Names every entry that was filled, some perhaps twice; and others, where they were too many. */
    void forEach(IntConsumer action) {
        boolean listed = count <= list.length;
        int all = listed ? count : entries;
        for (int n = 0; n < all; n++) {
            action.accept(listed ? list[n] : n);
        }
    }

    /** The entries were flushed. */
    void clear() {
        count = 0;
    }
}
