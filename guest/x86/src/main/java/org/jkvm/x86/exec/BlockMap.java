package org.jkvm.x86.exec;

import java.util.function.Predicate;
import org.jkvm.x86.mmu.PageWalker;

/**
 * Blocks by physical address and mode. Those seen at several linear addresses, as code that programs share is, are twins in
 * one list, the newest first; they may share their instructions. One thread.
 */
final class BlockMap {
    /** Linear addresses that a block is kept for: so many programs at a time run a library's code quickly. */
    static final int MOST_TWINS = 8;
    /** What a block weighs beside its instructions, in instructions. */
    private static final int BLOCK_WEIGHT = 2;
    /** A Linux guest's boot needs as many. */
    private static final int SLOTS = 1 << 17;

    private final LongMap<Block> newest = new LongMap<>(SLOTS);
    /** By {@link #key}. Two that share one, which only a guest that looks for them has, may hide each other here. */
    private final LongMap<Block> exact = new LongMap<>(SLOTS);
    private int size;
    private int weight;

    /**
     * Those that have the same differ in linear address or code segment at most: a physical address has
     * {@link PageWalker#PHYSICAL_BITS} bits.
     */
    static long place(long physical, long mode) {
        return physical | CodeMode.common(mode) << PageWalker.PHYSICAL_BITS;
    }

    private static long key(long linear, long physical, long mode) {
        return place(physical, mode) + linear * 0xd6e8_feb8_6659_fd93L + (mode ^ CodeMode.common(mode)) * 0xa076_1d64_78bd_642fL;
    }

    private static long key(Block b) {
        return key(b.linear, b.physical, b.mode);
    }

    /** The block of that mode at these addresses whose second page {@code holds}, or null. */
    Block find(long linear, long physical, long mode, Predicate<Block> holds) {
        Block found = exact.get(key(linear, physical, mode));
        if (found == null || isAt(found, linear, physical, mode) && holds.test(found)) {
            return found;
        }
        Block b = newest(physical, mode);
        while (b != null && !(isAt(b, linear, physical, mode) && holds.test(b))) {
            b = b.twin;
        }
        return b;
    }

    private static boolean isAt(Block b, long linear, long physical, long mode) {
        return b.linear == linear && b.physical == physical && b.mode == mode;
    }

    /** The newest block there, or null. */
    Block newest(long physical, long mode) {
        return newest.get(place(physical, mode));
    }

    /** The oldest of so many twins of {@code b} that it has to make way, or null. */
    Block surplus(Block b) {
        int twins = 0;
        Block oldest = b;
        while (oldest.twin != null) {
            oldest = oldest.twin;
            twins++;
        }
        return twins > MOST_TWINS ? oldest : null;
    }

    /** Adds a block. */
    void add(Block b) {
        long key = b.place();
        b.twin = newest.get(key);
        b.weight = BLOCK_WEIGHT + (shares(b, b.twin) ? 0 : b.insns.length);
        newest.put(key, b);
        exact.put(key(b), b);
        size++;
        weight += b.weight;
    }

    /** Removes a block that is there. */
    void remove(Block b) {
        if (exact.get(key(b)) == b) {
            exact.remove(key(b));
        }
        long key = b.place();
        Block first = newest.get(key);
        if (first == b) {
            removeFirst(key, b);
        } else {
            Block newer = first;
            while (newer.twin != b) {
                newer = newer.twin;
            }
            newer.twin = b.twin;
            if (shares(newer, b)) { // Who has the instructions now bears their weight.
                weight += b.weight - BLOCK_WEIGHT;
                newer.weight += b.weight - BLOCK_WEIGHT;
            }
        }
        b.twin = null;
        size--;
        weight -= b.weight;
    }

    private void removeFirst(long key, Block b) {
        if (b.twin == null) {
            newest.remove(key);
        } else {
            newest.put(key, b.twin);
        }
    }

    private static boolean shares(Block b, Block other) {
        return other != null && other.insns == b.insns;
    }

    /** Blocks in it. */
    int size() {
        return size;
    }

    /** Instructions in it, and what weighs as much. */
    int weight() {
        return weight;
    }

    /** Forgets everything. */
    void clear() {
        newest.clear();
        exact.clear();
        size = 0;
        weight = 0;
    }
}
