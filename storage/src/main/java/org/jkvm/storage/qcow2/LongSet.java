package org.jkvm.storage.qcow2;

/** A set of numbers, without boxing: open addressing, linear probing. Zero is always in it. */
final class LongSet {
    private static final long GOLDEN = 0x9e3779b97f4a7c15L;
    private long[] slots = new long[64];
    private int size;

    boolean contains(long value) {
        return slots[slot(slots, value)] == value;
    }

    void add(long value) {
        if (size * 2 >= slots.length) {
            resize();
        }
        int slot = slot(slots, value);
        if (slots[slot] != value) {
            slots[slot] = value;
            size++;
        }
    }

    /** Removes {@code value} and closes the gap (Knuth, TAOCP 3, 6.4, algorithm R). */
    void remove(long value) {
        int gap = slot(slots, value);
        if (slots[gap] != value) {
            return;
        }
        size--;
        slots[gap] = 0;
        for (int i = next(gap); slots[i] != 0; i = next(i)) {
            long moved = slots[i];
            slots[i] = 0;
            slots[slot(slots, moved)] = moved;
        }
    }

    private int next(int slot) {
        return slot + 1 & slots.length - 1;
    }

    private void resize() {
        long[] larger = new long[slots.length * 2];
        for (long value : slots) {
            if (value != 0) {
                larger[slot(larger, value)] = value;
            }
        }
        slots = larger;
    }

    /** Where {@code value} is, or would be put. */
    private static int slot(long[] table, long value) {
        int slot = (int) (value * GOLDEN >>> Long.SIZE - Integer.numberOfTrailingZeros(table.length));
        while (table[slot] != 0 && table[slot] != value) {
            slot = slot + 1 & table.length - 1;
        }
        return slot;
    }
}
