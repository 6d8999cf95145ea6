package org.jkvm.x86.translate;

import java.util.BitSet;
import java.util.stream.Stream;
import org.jkvm.linux.RawMemory;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;

/**
 * Where indirect branches find the translation of their target: RIP to host address, one table a soft TLB, behind the TLBs in
 * native memory, two places for each RIP. What is found there checks itself where its page is now, so that nothing has to be
 * flushed with a TLB. Outside 64-bit mode the upper half of a tag is the code segment's number, so that nothing has to be when
 * code of several calls each other.
 */
final class JumpCache {
    /** Sets a table, of two places; a power of two. */
    private static final int SETS = 8192;
    private static final int ENTRY_SIZE = 16;
    private static final int SET_SIZE = 2 * ENTRY_SIZE;
    /** A set's offset is 8 times what {@link #MASK} leaves of RIP XOR RIP shifted by this. */
    static final int HASH_SHIFT = 10;
    /** See {@link #HASH_SHIFT}. */
    static final int MASK = (SETS - 1) * SET_SIZE / 8;
    /** One a soft TLB. */
    static final int TABLES = 4;
    private static final int SEGMENT_SHIFT = 32;
    private static final int START = CpuState.SIZE + Mmu.TLB_SIZE;
    private static final int TABLE_SIZE = SETS * SET_SIZE;
    /** Behind the tables: for which mode each of them is. */
    private static final int MODES = START + TABLES * TABLE_SIZE;
    /** Bytes behind the TLBs. */
    static final int SIZE = MODES - START + TABLES * Long.BYTES;
    /** No branch that the miss stub would not serve has this target: it is not canonical. */
    private static final long ABSENT = 0x8000_0000_0000_0001L;

    // SAFETY: SIZE bytes behind the TLBs of the processor's struct; offsets are masked with MASK.
    private final long struct;
    private final long miss;
    /** Sets that are not empty, or were not when they were entered here. */
    private final BitSet[] filled = Stream.generate(() -> new BitSet(SETS)).limit(TABLES).toArray(BitSet[]::new);

    JumpCache(long struct, long miss) {
        this.struct = struct;
        this.miss = miss;
        for (int tlb = 0; tlb < TABLES; tlb++) {
            filled[tlb].set(0, SETS);
        }
        clear();
    }

    /** Offset from the native struct of a tag for TLB {@code tlb}: in the first or the second ({@code 1}) place of a set. */
    static int tags(int tlb, int place) {
        return START + tlb * TABLE_SIZE + place * ENTRY_SIZE;
    }

    /** Offset from the native struct of the host address that belongs to a tag. */
    static int targets(int tlb, int place) {
        return tags(tlb, place) + 8;
    }

    /** Offset from the native struct of the mode, without its segment's number, that TLB {@code tlb}'s table is for. */
    static int mode(int tlb) {
        return MODES + tlb * Long.BYTES;
    }

    private static int offset(long rip) {
        return 8 * (((int) rip ^ (int) rip >>> HASH_SHIFT) & MASK);
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
        if (RawMemory.getLong(struct + mode(tlb)) != common) {
            clear(tlb);
            RawMemory.putLong(struct + mode(tlb), common);
        }
    }

    /** Enters a translation's guarded entry. What stood first in its set stands second from now on. */
    void put(Block block, long target) {
        int tlb = new CodeMode(block.mode).tlb();
        int offset = offset(block.rip());
        long set = struct + tags(tlb, 0) + offset;
        if (RawMemory.getLong(set) != tag(block)) {
            write(set + ENTRY_SIZE, RawMemory.getLong(set), RawMemory.getLong(set + 8));
            filled[tlb].set(offset / SET_SIZE);
        }
        write(set, tag(block), target);
    }

    private static void write(long entry, long tag, long target) {
        RawMemory.putLong(entry, tag);
        RawMemory.putLong(entry + 8, target);
    }

    /** Forgets a block. */
    void remove(Block block) {
        int tlb = new CodeMode(block.mode).tlb();
        long set = struct + tags(tlb, 0) + offset(block.rip());
        for (long entry = set; entry < set + SET_SIZE; entry += ENTRY_SIZE) {
            if (RawMemory.getLong(entry) == tag(block)) {
                write(entry, ABSENT, miss);
            }
        }
    }

    /** Forgets everything. */
    void clear() {
        for (int tlb = 0; tlb < TABLES; tlb++) {
            clear(tlb);
        }
    }

    private void clear(int tlb) {
        filled[tlb].stream().forEach(number -> {
            long set = struct + tags(tlb, 0) + (long) number * SET_SIZE;
            write(set, ABSENT, miss);
            write(set + ENTRY_SIZE, ABSENT, miss);
        });
        filled[tlb].clear();
    }
}
