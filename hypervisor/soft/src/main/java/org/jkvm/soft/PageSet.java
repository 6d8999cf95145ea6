package org.jkvm.soft;

import java.lang.invoke.VarHandle;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;

/** Guest physical pages, a bit each. One thread adds and removes, any asks. */
final class PageSet {
    /** Pages in a part: 128 MiB. */
    private static final int PART = 1 << 15;

    private final ConcurrentHashMap<Long, AtomicLongArray> parts = new ConcurrentHashMap<>();

    /** Adds the page at {@code address}. What the caller looks at behind this was not looked at before others can see the page. */
    void add(long address) {
        AtomicLongArray part = parts.computeIfAbsent(number(address) / PART, n -> new AtomicLongArray(PART / Long.SIZE));
        long word = part.get(word(address));
        if ((word & bit(address)) == 0) {
            part.set(word(address), word | bit(address));
            VarHandle.fullFence();
        }
    }

    void remove(long address) {
        AtomicLongArray part = parts.get(number(address) / PART);
        if (part != null) {
            part.set(word(address), part.get(word(address)) & ~bit(address));
        }
    }

    boolean contains(long address) {
        AtomicLongArray part = parts.get(number(address) / PART);
        return part != null && (part.get(word(address)) & bit(address)) != 0;
    }

    private static long number(long address) {
        return address >>> 12;
    }

    private static int word(long address) {
        return (int) (number(address) % PART / Long.SIZE);
    }

    private static long bit(long address) {
        return 1L << number(address);
    }
}
