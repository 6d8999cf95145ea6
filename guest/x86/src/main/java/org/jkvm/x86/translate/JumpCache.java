package org.jkvm.x86.translate;

import org.jkvm.linux.RawMemory;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;

/**
 * Where indirect branches find the translation of their target: RIP to host address, direct-mapped, one table a soft TLB,
 * behind the TLBs in native memory. What is found there checks itself where its page is now, so that nothing has to be
 * flushed with a TLB.
 */
final class JumpCache {
    /** Entries a table; a power of two. */
    static final int ENTRIES = 4096;
    /** The index is RIP XOR RIP shifted by this, modulo {@link #ENTRIES}. */
    static final int HASH_SHIFT = 10;
    private static final int TABLES = 4;
    private static final int START = CpuState.SIZE + Mmu.TLB_SIZE;
    private static final int TABLE_SIZE = ENTRIES * 8;
    /** Bytes behind the TLBs. */
    static final int SIZE = TABLES * 2 * TABLE_SIZE;
    /** No branch that the miss stub would not serve has this target: it is not canonical. */
    private static final long ABSENT = 0x8000_0000_0000_0001L;

    // SAFETY: SIZE bytes behind the TLBs of the processor's struct; indexes are masked with ENTRIES - 1.
    private final long struct;
    private final long miss;
    private final int[] modes = new int[TABLES];

    JumpCache(long struct, long miss) {
        this.struct = struct;
        this.miss = miss;
        clear();
    }

    /** Offset from the native struct of the tags for TLB {@code tlb}. */
    static int tags(int tlb) {
        return START + tlb * 2 * TABLE_SIZE;
    }

    /** Offset from the native struct of the host addresses for TLB {@code tlb}. */
    static int targets(int tlb) {
        return tags(tlb) + TABLE_SIZE;
    }

    private static long index(long rip) {
        return (rip ^ (rip & 0xffff_ffffL) >>> HASH_SHIFT) & ENTRIES - 1;
    }

    /**
     * Says which mode the code that is about to run has. Modes that share a TLB share a table, in which only translations of
     * the present one may be found.
     */
    void select(int tlb, int mode) {
        if (modes[tlb] != mode) {
            clear(tlb);
            modes[tlb] = mode;
        }
    }

    /** Enters a translation's guarded entry. */
    void put(int tlb, long rip, long target) {
        long slot = 8 * index(rip);
        RawMemory.putLong(struct + tags(tlb) + slot, rip);
        RawMemory.putLong(struct + targets(tlb) + slot, target);
    }

    /** Forgets {@code rip}. */
    void remove(int tlb, long rip) {
        long slot = 8 * index(rip);
        if (RawMemory.getLong(struct + tags(tlb) + slot) == rip) {
            RawMemory.putLong(struct + tags(tlb) + slot, ABSENT);
            RawMemory.putLong(struct + targets(tlb) + slot, miss);
        }
    }

    /** Forgets everything. */
    void clear() {
        for (int tlb = 0; tlb < TABLES; tlb++) {
            clear(tlb);
        }
    }

    private void clear(int tlb) {
        for (int slot = 0; slot < TABLE_SIZE; slot += 8) {
            RawMemory.putLong(struct + tags(tlb) + slot, ABSENT);
            RawMemory.putLong(struct + targets(tlb) + slot, miss);
        }
    }
}
