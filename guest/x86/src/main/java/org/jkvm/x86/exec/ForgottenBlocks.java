package org.jkvm.x86.exec;

/**
 * Blocks that were dropped with a page that was written: some of them, by physical address. What is decoded there again is as
 * warm, if it is the same, so that code beside data is translated in the end.
 */
final class ForgottenBlocks {
    private static final int ENTRIES = 1024;

    private final Block[] blocks = new Block[ENTRIES];

    private static int slot(Block b) {
        return (int) (b.physical ^ b.physical >>> 12) & ENTRIES - 1;
    }

    void add(Block b) {
        blocks[slot(b)] = b;
    }

    /** Warms {@code b}, which was just decoded. */
    void warm(Block b) {
        Block before = blocks[slot(b)];
        if (before != null && before.physical == b.physical && before.isLike(b)) {
            b.heat = Math.max(b.heat, before.heat);
        }
    }
}
