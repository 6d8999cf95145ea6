package org.jkvm.x86.mmu;

/**
 * Where the large pages are that translations were made from: one naturally aligned range that holds them all. INVLPG of an
 * address in a large page has to drop all of it (SDM vol. 3A, section 4.10.4.1), of which the TLBs know 4 KiB pages.
 */
final class LargePages {
    private static final long NONE = -1;
    private static final long SMALL = 4096;

    private long base = NONE;
    private long mask;

    /** A translation of {@code linear} was made from a page of {@code size} bytes. */
    void note(long linear, long size) {
        if (size <= SMALL) {
            return;
        }
        if (base == NONE) {
            base = linear & -size;
            mask = -size;
            return;
        }
        long joint = mask & -size;
        while (((linear ^ base) & joint) != 0) {
            joint <<= 1;
        }
        mask = joint;
        base &= joint;
    }

    /** Whether {@code linear} may lie in a large page. */
    boolean mayHold(long linear) {
        return base != NONE && (linear & mask) == base;
    }

    /** No translation is left. */
    void forget() {
        base = NONE;
    }
}
