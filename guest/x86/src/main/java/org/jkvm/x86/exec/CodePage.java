package org.jkvm.x86.exec;

import java.util.ArrayList;
import java.util.List;

/** The blocks decoded from one guest physical page, and which of its 64-byte lines they cover. */
final class CodePage {
    private static final int MOST_DATA_WRITES = 256;

    /** Guest physical. */
    final long address;
    private final List<Block> blocks = new ArrayList<>();
    private long lines;
    private int dataWrites;
    private CodePage previous = this;
    private CodePage next = this;

    CodePage(long address) {
        this.address = address;
    }

    /** The one behind it in its ring. */
    CodePage next() {
        return next;
    }

    /** Puts it, which is alone, into the ring of {@code other}. */
    void insertBefore(CodePage other) {
        previous = other.previous;
        next = other;
        previous.next = this;
        next.previous = this;
    }

    /** Takes it out of its ring. */
    void takeOut() {
        previous.next = next;
        next.previous = previous;
        previous = this;
        next = this;
    }

    /** Adds a block that covers offsets {@code from} to {@code to} (inclusive) of this page. */
    void add(Block block, int from, int to) {
        blocks.add(block);
        lines |= lineMask(from, to);
    }

    /** Forgets a block; what it covers may stay covered. */
    void remove(Block block) {
        blocks.remove(block);
    }

    /** Whether a write of offsets {@code from} to {@code to} may hit code. */
    boolean covers(int from, int to) {
        return (lines & lineMask(from, to)) != 0;
    }

    /** Forgets the blocks that have bytes from offset {@code from} to {@code to} of this page, and names them. */
    List<Block> take(int from, int to) {
        List<Block> hit = new ArrayList<>();
        blocks.removeIf(b -> isHit(b, from, to) && hit.add(b));
        return hit;
    }

    /** A block begins on this page, or on the one before it, or both. */
    private static boolean isHit(Block block, int from, int to) {
        int first = (int) (block.physical & 4095);
        int end = first + block.length;
        boolean within = from < end && to >= first;
        return within || block.secondPage != BlockCache.NO_PAGE && from < end - 4096;
    }

    /**
     * Whether so many writes were looked at that it is cheaper to decode the page again than to look at each. Counts one.
     */
    boolean isMostlyData() {
        return ++dataWrites > MOST_DATA_WRITES;
    }

    /** Forgets the blocks that have no translation, and names them. */
    List<Block> takeCold() {
        List<Block> cold = new ArrayList<>();
        blocks.removeIf(b -> b.translation == null && cold.add(b));
        return cold;
    }

    /** Whether nothing on it was executed so often that it is translated. */
    boolean isCold() {
        for (Block b : blocks) {
            if (b.translation != null) {
                return false;
            }
        }
        return true;
    }

    /** Whether one of its translations was entered since it was last asked. */
    boolean wasUsed() {
        boolean used = false;
        for (Block b : blocks) {
            used |= b.used;
            b.used = false;
        }
        return used;
    }

    boolean isEmpty() {
        return blocks.isEmpty();
    }

    List<Block> blocks() {
        return blocks;
    }

    private static long lineMask(int from, int to) {
        int first = from >>> 6;
        int last = Math.min(to, 4095) >>> 6;
        return -1L << first & -1L >>> 63 - last;
    }
}
