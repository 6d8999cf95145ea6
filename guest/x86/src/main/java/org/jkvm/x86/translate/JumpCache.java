package org.jkvm.x86.translate;

import org.jkvm.linux.RawMemory;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;

/**
 * Where indirect branches find the translation of their target: RIP to host address, direct-mapped, one table a soft TLB,
 * behind the TLBs in native memory. What is found there checks itself where its page is now, so that nothing has to be
 * flushed with a TLB. Outside 64-bit mode the upper half of a tag is the code segment's number, so that nothing has to be when
 * code of several calls each other.
 */
final class JumpCache {
    /** Entries a table; a power of two. */
    static final int ENTRIES = 4096;
    /** The index is RIP XOR RIP shifted by this, modulo {@link #ENTRIES}. */
    static final int HASH_SHIFT = 10;
    private static final int TABLES = 4;
    private static final int SEGMENT_SHIFT = 32;
    private static final int START = CpuState.SIZE + Mmu.TLB_SIZE;
    private static final int TABLE_SIZE = ENTRIES * 8;
    /** Bytes behind the TLBs. */
    static final int SIZE = TABLES * 2 * TABLE_SIZE;
    /** No branch that the miss stub would not serve has this target: it is not canonical. */
    private static final long ABSENT = 0x8000_0000_0000_0001L;

    // SAFETY: SIZE bytes behind the TLBs of the processor's struct; indexes are masked with ENTRIES - 1.
    private final long struct;
    private final long miss;
    private final long[] modes = new long[TABLES];

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

    /** What the tags of code in {@code mode} have that no RIP has; the rest of the segment's number is the mode's. */
    static long tagBase(CodeMode mode) {
        return mode.segment() << SEGMENT_SHIFT;
    }

    private static long tag(Block block) {
        return block.rip() | tagBase(new CodeMode(block.mode));
    }

    /**
     * Says which mode the code that is about to run has. Modes that share a TLB share a table, in which only translations of
     * the present one may be found; those that differ in what is in the tags are one.
     */
    void select(long bits) {
        long common = CodeMode.common(bits);
        int tlb = new CodeMode(bits).tlb();
        if (modes[tlb] != common) {
            clear(tlb);
            modes[tlb] = common;
        }
    }

    /** Enters a translation's guarded entry. */
    void put(Block block, long target) {
        int tlb = new CodeMode(block.mode).tlb();
        long slot = 8 * index(block.rip());
        RawMemory.putLong(struct + tags(tlb) + slot, tag(block));
        RawMemory.putLong(struct + targets(tlb) + slot, target);
    }

    /** Forgets a block. */
    void remove(Block block) {
        int tlb = new CodeMode(block.mode).tlb();
        long slot = 8 * index(block.rip());
        if (RawMemory.getLong(struct + tags(tlb) + slot) == tag(block)) {
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
