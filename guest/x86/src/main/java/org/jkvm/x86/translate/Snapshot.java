package org.jkvm.x86.translate;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;

import java.lang.foreign.MemorySegment;
import org.jkvm.linux.RawMemory;
import org.jkvm.linux.SharedMemory;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/** What instructions may change of a processor, without what other threads change: a copy to compare, or to go back to. */
final class Snapshot implements AutoCloseable {
    private static final String[] NAMES = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"};
    /** What stands between is the executors' own, or requests. */
    private static final int FIRST_END = CpuState.RFLAGS + 8;
    private static final int GENERAL_END = CpuState.ZERO + 8;

    private final X86Cpu cpu;
    private final MemorySegment struct;
    private final MemorySegment copy;
    private boolean wide;
    private long flagResult;
    private long flagCarry;
    private long flagAux;
    private int flags;
    private long rip;
    private int level;
    private boolean nmiBlocked;
    private int tlb;

    Snapshot(X86Cpu cpu) {
        this.cpu = cpu;
        // SAFETY: the processor's struct, which outlives the translator.
        this.struct = RawMemory.segment(cpu.st, CpuState.SIZE);
        this.copy = SharedMemory.mapAnonymous(CpuState.SIZE, SharedMemory.PROT_READ | SharedMemory.PROT_WRITE);
    }

    /** Copies the processor; {@code all} of it, or what integer instructions change. */
    void take(boolean all) {
        wide = all;
        copy(struct, copy);
        flagResult = cpu.flagResult;
        flagCarry = cpu.flagCarry;
        flagAux = cpu.flagAux;
        flags = cpu.arithmeticFlags();
        rip = cpu.rip;
        level = cpu.cpl;
        nmiBlocked = cpu.nmiBlocked;
        tlb = cpu.mmu.selected();
    }

    /** Makes the processor what it was. */
    void restore() {
        copy(copy, struct);
        cpu.flagResult = flagResult;
        cpu.flagCarry = flagCarry;
        cpu.flagAux = flagAux;
        cpu.rip = rip;
        cpu.nmiBlocked = nmiBlocked;
        if (wide) {
            for (int n = Segment.ES; n <= Segment.GS; n++) {
                cpu.segments.transferred(n);
            }
        }
        cpu.cpl = level;
        cpu.mmu.selectTlb();
    }

    private void copy(MemorySegment from, MemorySegment to) {
        MemorySegment.copy(from, 0, to, 0, FIRST_END);
        if (wide) {
            MemorySegment.copy(from, CpuState.SEGMENTS, to, CpuState.SEGMENTS, CpuState.X87_IMAGE - CpuState.SEGMENTS);
        }
    }

    /**
     * Whether both are the same but for undefined flags, and upper halves of registers outside 64-bit mode, which are undefined
     * there too (SDM vol. 1, section 3.4.1.1); RIP where {@code withRip}. RF, which there is for one instruction only, may be
     * gone already.
     */
    boolean agrees(Snapshot other, int undefinedFlags, boolean is64, boolean withRip) {
        return (is64 ? isSame(other, 0, GENERAL_END) : lowHalvesAreSame(other))
                && (!wide || isSame(other, CpuState.SEGMENTS, CpuState.LANES) && isSame(other, CpuState.X87, CpuState.X87_IMAGE))
                && ((system() ^ other.system()) & ~(Rflags.ARITHMETIC | Rflags.RF)) == 0
                && level == other.level && nmiBlocked == other.nmiBlocked && tlb == other.tlb
                && ((flags ^ other.flags) & ~undefinedFlags) == 0 && (!withRip || rip == other.rip);
    }

    private boolean lowHalvesAreSame(Snapshot other) {
        for (int offset = 0; offset < GENERAL_END; offset += 8) {
            if ((int) getLong(copy.address() + offset) != (int) getLong(other.copy.address() + offset)) {
                return false;
            }
        }
        return true;
    }

    private boolean isSame(Snapshot other, long from, long to) {
        return MemorySegment.mismatch(copy, from, to, other.copy, from, to) < 0;
    }

    private long system() {
        return getLong(copy.address() + CpuState.RFLAGS);
    }

    /** Three of them beside each other. */
    static String describe(Snapshot before, Snapshot expected, Snapshot found) {
        StringBuilder text = new StringBuilder("%-6s %33s %33s %33s%n".formatted("", "before", "interpreter", "translator"));
        for (int n = 0; n < 16; n++) {
            int offset = CpuState.GENERAL + 8 * n;
            line(text, n < 8 ? NAMES[n] : "r" + n, before.word(offset), expected.word(offset), found.word(offset));
        }
        line(text, "rip", hex(before.rip), hex(expected.rip), hex(found.rip));
        line(text, "flags", hex(before.flags), hex(expected.flags), hex(found.flags));
        line(text, "rflags", before.word(CpuState.RFLAGS), expected.word(CpuState.RFLAGS), found.word(CpuState.RFLAGS));
        line(text, "level", hex(before.level), hex(expected.level), hex(found.level));
        line(text, "tlb", hex(before.tlb), hex(expected.tlb), hex(found.tlb));
        line(text, "mxcsr", before.mxcsr(), expected.mxcsr(), found.mxcsr());
        for (int n = 0; n < 16; n++) {
            int offset = CpuState.vector(n);
            line(text, "xmm" + n, before.wide(offset), expected.wide(offset), found.wide(offset));
        }
        for (int offset = CpuState.SEGMENTS; offset < CpuState.SIZE; offset += 8) {
            if (!expected.word(offset).equals(found.word(offset))) {
                line(text, "%x".formatted(offset), before.word(offset), expected.word(offset), found.word(offset));
            }
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String name, String before, String expected, String found) {
        text.append("%-6s %33s %33s %33s%s%n".formatted(name, before, expected, found, expected.equals(found) ? "" : "  <--"));
    }

    private String word(int offset) {
        return hex(getLong(copy.address() + offset));
    }

    private String wide(int offset) {
        return hex(getLong(copy.address() + offset + 8)) + ":" + word(offset);
    }

    private String mxcsr() {
        return hex(getInt(copy.address() + CpuState.MXCSR));
    }

    private static String hex(long value) {
        return "%016x".formatted(value);
    }

    @Override
    public void close() {
        SharedMemory.unmap(copy);
    }
}
