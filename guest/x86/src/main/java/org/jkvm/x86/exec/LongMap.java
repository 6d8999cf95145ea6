package org.jkvm.x86.exec;

/** A map from longs to objects by open addressing, without boxing. One thread. */
final class LongMap<V> {
    private final int firstSlots;
    private long[] keys;
    private Object[] values;
    private int size;

    /** Empty, with room for half as many as {@code slots}, a power of two. */
    LongMap(int slots) {
        firstSlots = slots;
        clear();
    }

    @SuppressWarnings("unchecked")
    V get(long key) {
        return (V) values[slot(key)];
    }

    void put(long key, V value) {
        if (2 * size >= keys.length) {
            grow();
        }
        int slot = slot(key);
        size += values[slot] == null ? 1 : 0;
        keys[slot] = key;
        values[slot] = value;
    }

    /** Removes a key, moving up what had collided with it. */
    void remove(long key) {
        int hole = slot(key);
        if (values[hole] == null) {
            return;
        }
        values[hole] = null;
        size--;
        int mask = keys.length - 1;
        for (int n = hole + 1 & mask; values[n] != null; n = n + 1 & mask) {
            Object moved = values[n];
            values[n] = null;
            int to = slot(keys[n]);
            keys[to] = keys[n];
            values[to] = moved;
        }
    }

    int size() {
        return size;
    }

    final void clear() {
        keys = new long[firstSlots];
        values = new Object[firstSlots];
        size = 0;
    }

    private int slot(long key) {
        int mask = keys.length - 1;
        long hash = key * 0x9e37_79b9_7f4a_7c15L;
        int n = (int) (hash >>> 40) & mask;
        while (values[n] != null && keys[n] != key) {
            n = n + 1 & mask;
        }
        return n;
    }

    private void grow() {
        long[] oldKeys = keys;
        Object[] oldValues = values;
        keys = new long[2 * oldKeys.length];
        values = new Object[2 * oldKeys.length];
        for (int n = 0; n < oldKeys.length; n++) {
            if (oldValues[n] != null) {
                int slot = slot(oldKeys[n]);
                keys[slot] = oldKeys[n];
                values[slot] = oldValues[n];
            }
        }
    }
}
