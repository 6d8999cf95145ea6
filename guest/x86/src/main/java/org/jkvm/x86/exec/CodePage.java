package org.jkvm.x86.exec;

import java.util.ArrayList;
import java.util.List;

/** The blocks decoded from one guest physical page, and which of its 64-byte lines they cover. */
final class CodePage {
    private static final int MOST_DATA_WRITES = 256;

    private final List<Block> blocks = new ArrayList<>();
    private long lines;
    private int dataWrites;

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

    /**
     * Whether so many writes missed the code that it is cheaper to decode it again than to look at each write. Counts one.
     */
    boolean isMostlyData() {
        return ++dataWrites > MOST_DATA_WRITES;
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
