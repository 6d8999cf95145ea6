package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.STRUCT;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import java.util.List;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Size;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;

/**
 * Memory operands: what addresses they have, and by the soft TLB where on the host that is. All of them are the interpreter's
 * where the TLB does not know.
 */
final class MemoryCode {
    private static final int PAGE_SHIFT_TO_ENTRY = 7;
    static final int ENTRY_MASK = (Mmu.ENTRIES - 1) * Mmu.ENTRY_SIZE;
    static final int PAGE = 4096;

    private final BlockCode code;
    private final Assembler a;
    private final CodeMode mode;
    private Spans spans;

    MemoryCode(BlockCode code, Recipe... recipes) {
        this.code = code;
        this.a = code.a;
        this.mode = code.mode;
        this.spans = new Spans(code.block, recipes);
    }

    /** From here on {@code checked} are good for any number of turns: {@link LoopCode}. */
    void beginLoop(List<Spans.Span> checked) {
        spans = spans.inLoop(code.block, checked);
    }

    // ---- addresses ----

    /** Computes the effective address of {@code i} in {@code to}, changing no flags; may use TEMP. */
    void effective(Insn i, Gpr to) {
        if (i.ripRelative || i.baseNumber < 0 && i.indexNumber < 0) {
            constant(i, to, constant(i));
        } else {
            sum(i.addressSize == 8 ? QWORD : DWORD, to, i.baseNumber, i.indexNumber, i.scale, (int) i.disp);
            if (i.addressSize == 2) {
                a.movzx(DWORD, to, WORD, to);
            }
        }
    }

    /** The effective address of {@code i} where no register is part of it, but for RIP. */
    private long constant(Insn i) {
        return (i.ripRelative ? code.rip + i.disp : i.disp) & i.addressMask;
    }

    /** Puts {@code address}, which moves with the block where {@link #constant(Insn) that} of {@code i} does, into {@code to}. */
    private void constant(Insn i, Gpr to, long address) {
        if (i.ripRelative) {
            code.address(to, address);
        } else {
            a.mov(to, address);
        }
    }

    /** Sums up base and index, either -1 for none, in {@code to}; may use TEMP. */
    private void sum(Size size, Gpr to, int base, int index, int scale, int disp) {
        Gpr first = base < 0 ? null : code.load(base, to);
        if (first != null && index < 0 && disp == 0) {
            if (first != to || size != QWORD) {
                a.mov(size, to, first);
            }
        } else {
            a.lea(size, to, new Mem(first, index < 0 ? null : code.load(index, TEMP), 1 << scale, disp));
        }
    }

    /** Puts the linear address of the memory operand, {@code size} bytes, into ADDRESS; flags are spared from here on. */
    void linear(Insn i, int size, boolean write) {
        code.spareFlags();
        effective(i, ADDRESS);
        addSegment(i, size, write);
    }

    /** Adds the base that the struct has at {@code field} to {@code to}, in 64-bit mode; flags must be spared. */
    private void addBase(Gpr to, int field) {
        if (field != CpuState.ZERO) {
            a.alu(Alu.ADD, QWORD, to, HostRegisters.field(field));
        }
    }

    /** As {@link #addSegment(int, int, boolean)} for the memory operand of {@code i}. */
    void addSegment(Insn i, int size, boolean write) {
        if (mode.is64()) {
            addBase(ADDRESS, i.segmentBase);
        } else {
            addSegment(i.segment, size, write);
        }
    }

    /**
     * Makes the offset of {@code size} bytes in ADDRESS, outside 64-bit mode, a linear address; what the segment does not permit,
     * or does not permit from 0 on, is the interpreter's. Flags must be spared. TEMP is used.
     */
    void addSegment(int segment, int size, boolean write) {
        if (!mode.whole(segment)) {
            a.lea(QWORD, TEMP, Mem.at(ADDRESS, size - 1));
            a.alu(Alu.CMP, QWORD, TEMP, field(CpuState.limit(segment, write)));
            a.j(Cond.G, code.step());
        }
        if (!mode.zeroBase(segment)) {
            a.alu(Alu.ADD, DWORD, ADDRESS, field(CpuState.segment(segment)));
        }
    }

    /**
     * The memory operand of {@code i}: {@code size} bytes, checked; an operand of the next instruction that is written and no
     * other, since it may name registers of the guest. ADDRESS and TEMP are used.
     */
    Mem operand(Insn i, int size, boolean write, boolean aligned) {
        if (mode.is64() && Access.isFixed(i)) {
            return fixed(i, size, write ? Mmu.WRITE_TAG : Mmu.READ_TAG, aligned);
        }
        Access.Key key = Access.key(i);
        Mem shared = key == null ? null : shared(new Access(key, (int) i.disp, size, write), aligned);
        if (shared != null) {
            return shared;
        }
        linear(i, size, write);
        return translate(write ? Mmu.WRITE_TAG : Mmu.READ_TAG, size, aligned);
    }

    /** What {@code access}, which is no operand's, is of; otherwise as {@link #operand}. */
    Mem access(Access access) {
        Mem shared = shared(access, false);
        if (shared != null) {
            return shared;
        }
        code.spareFlags();
        sum(access.key(), access.disp());
        return translate(access.write() ? Mmu.WRITE_TAG : Mmu.READ_TAG, access.size(), false);
    }

    // ---- spans ----

    /** Accesses that are checked together. */
    Spans spans() {
        return spans;
    }

    /** An access in a span; null where it would be the only one. */
    private Mem shared(Access access, boolean aligned) {
        Spans.Span span = spans.covering(access);
        if (span == null) {
            // Not behind an access of the same instruction that may be stepped over, and the check with it: PUSH from memory.
            span = !code.mayStep() ? spans.begin(code.number(), access) : null;
            if (span == null) {
                return null;
            }
            check(span);
            Spans.Span other = spans.ahead(code.number());
            if (other == null) {
                return operand(span, access, aligned);
            }
            for (; other != null; other = spans.ahead(code.number())) {
                check(other);
            }
        }
        a.mov(QWORD, ADDRESS, field(span.field));
        return operand(span, access, aligned);
    }

    /** What {@code access} is of, ADDRESS being what turns addresses in {@code span} into the host's. */
    private Mem operand(Spans.Span span, Access access, boolean aligned) {
        Mem memory = inSpan(access);
        return aligned && !span.isAligned(access) ? aligned(memory, access.size()) : memory;
    }

    /** Checks a span by the soft TLB, and leaves what turns addresses in it into the host's in ADDRESS and its field. */
    private void check(Spans.Span span) {
        code.spareFlags();
        linear(span);
        find(span);
        a.j(Cond.A, code.exit(ExitReason.SPAN.at(spans.checks().size() - 1), () -> {
            a.alu(Alu.ADD, QWORD, ADDRESS, ofEntry(span.tag()));
            a.mov(QWORD, field(CpuState.EXIT_TARGET), ADDRESS);
        }));
        a.mov(QWORD, ADDRESS, ofEntry(Mmu.ADDEND));
        addBase(ADDRESS, span.key.segmentBase());
        a.mov(QWORD, field(span.field), ADDRESS);
    }

    /**
     * Looks a span, whose first byte's address is in ADDRESS, up in the soft TLB: above is where it is not or not whole in a
     * page. Flags must be spared. ADDRESS has the offset into the page then, and TEMP the entry.
     */
    private void find(Spans.Span span) {
        entry(ADDRESS);
        a.alu(Alu.SUB, QWORD, ADDRESS, ofEntry(span.tag()));
        a.cmp(QWORD, ADDRESS, PAGE - span.size());
    }

    /** Puts the linear address of a span's first byte into ADDRESS. Flags must be spared. */
    private void linear(Spans.Span span) {
        sum(span.key, span.low());
        addBase(ADDRESS, span.key.segmentBase());
    }

    /** Checks a span of a loop, as {@link #check}, and jumps to {@code fails}; leaves the offset into the page in ADDRESS. */
    void checkForLoop(Spans.Span span, Label fails) {
        linear(span);
        if (span.alignment() != 1) {
            a.lea(DWORD, TEMP, Mem.at(ADDRESS, span.alignedAt()));
            a.test(DWORD, TEMP, span.alignment() - 1);
            a.j(Cond.NE, fails);
        }
        find(span);
        a.j(Cond.A, fails);
        a.mov(QWORD, TEMP, ofEntry(Mmu.ADDEND));
        addBase(TEMP, span.key.segmentBase());
        a.mov(QWORD, field(span.field), TEMP);
    }

    /** A field of the soft TLB's entry that TEMP has the offset of. */
    Mem ofEntry(int field) {
        return ofEntry(mode.tlb(), field);
    }

    private static Mem ofEntry(int tlb, int field) {
        return Mem.at(STRUCT, TEMP, 1, Mmu.entriesOffset(tlb) + field);
    }

    /** Sums up an address in ADDRESS, without the segment's base. */
    private void sum(Access.Key key, int disp) {
        if (key.base() < 0 && key.index() < 0) {
            a.mov(ADDRESS, disp);
            return;
        }
        sum(QWORD, ADDRESS, key.base(), key.index(), key.scale(), disp);
    }

    /** The host's address of {@code access}, ADDRESS being as for {@link #operand(Spans.Span, Access, boolean)}. */
    private Mem inSpan(Access access) {
        Access.Key key = access.key();
        if (key.index() < 0 && key.base() >= 0 && code.isHeld(key.base())) {
            return new Mem(HostRegisters.of(key.base()), ADDRESS, 1, access.disp());
        }
        if (key.base() >= 0) {
            a.lea(QWORD, ADDRESS, new Mem(code.load(key.base(), TEMP), ADDRESS, 1, 0));
        }
        if (key.index() < 0) {
            return Mem.at(ADDRESS, access.disp());
        }
        Mem sum = new Mem(ADDRESS, code.load(key.index(), TEMP), 1 << key.scale(), access.disp());
        if (code.isHeld(key.index())) {
            return sum;
        }
        a.lea(QWORD, ADDRESS, sum);
        return Mem.at(ADDRESS);
    }

    /** Leaves to the interpreter where {@code memory} is no multiple of {@code size}: as in the guest, so on the host. */
    private Mem aligned(Mem memory, int size) {
        code.spareFlags();
        a.lea(QWORD, ADDRESS, memory);
        a.test(QWORD, ADDRESS, size - 1);
        a.j(Cond.NE, code.step());
        return Mem.at(ADDRESS);
    }

    // ---- single accesses ----

    /** The operand of {@code i}, whose address is known, and so where the soft TLB has its page. */
    private Mem fixed(Insn i, int size, int tag, boolean aligned) {
        long linear = constant(i);
        int offset = (int) linear & PAGE - 1;
        code.spareFlags();
        if (offset > PAGE - size) {
            constant(i, ADDRESS, linear);
            return translate(tag, size, aligned);
        }
        if (aligned && (offset & size - 1) != 0) {
            a.jmp(code.step());
        }
        constant(i, ADDRESS, linear - offset);
        int entry = entryOffset(mode.tlb(), linear);
        a.alu(Alu.CMP, QWORD, ADDRESS, field(entry + tag));
        entryMoves(i, linear, tag);
        a.j(Cond.NE, code.step());
        a.mov(QWORD, ADDRESS, field(entry + Mmu.HOST_PAGE));
        entryMoves(i, linear, Mmu.HOST_PAGE);
        return Mem.at(ADDRESS, offset);
    }

    /** The displacement just written is that of a field of the soft TLB's entry for an address that moves with the block. */
    private void entryMoves(Insn i, long linear, int field) {
        if (i.ripRelative) {
            code.relocations().entry(a.length(), new Relocations.Entry(mode.tlb(), linear - code.block.linear, field));
        }
    }

    /**
     * Turns the linear address in ADDRESS into the host's by the soft TLB, or into that of a copy where it is in two pages
     * ({@link Crossing}), or leaves to the interpreter. Flags must be spared. TEMP is used. An address minus the entry's tag is an
     * offset into the page, or more than any.
     *
     * @param tag     offset of the tag in the TLB's entries
     * @param aligned whether an address that is no multiple of {@code size} is the interpreter's too
     */
    Mem translate(int tag, int size, boolean aligned) {
        return translate(mode.tlb(), tag, size, aligned);
    }

    /** The same for reading descriptor tables: as at CPL 0, and by CR4.SMAP (SDM vol. 3A, section 4.6). */
    Mem translateForSystem(int size) {
        return translate(Mmu.SUPERVISOR, Mmu.READ_TAG, size, false);
    }

    private Mem translate(int tlb, int tag, int size, boolean aligned) {
        entry(ADDRESS);
        a.alu(Alu.SUB, QWORD, ADDRESS, ofEntry(tlb, tag));
        Crossing crossing = aligned ? null : code.crossing(tlb, tag, size);
        if (aligned) {
            a.test(QWORD, ADDRESS, -PAGE | size - 1);
            a.j(Cond.NE, code.step());
        } else {
            a.cmp(QWORD, ADDRESS, PAGE - size);
            a.j(Cond.A, crossing == null ? code.step() : crossing.begin());
        }
        a.alu(Alu.ADD, QWORD, ADDRESS, ofEntry(tlb, Mmu.HOST_PAGE));
        if (crossing != null) {
            crossing.bindBack();
        }
        return Mem.at(ADDRESS);
    }

    /** Offset from the native struct of soft TLB {@code tlb}'s entry for {@code linear}: what {@link #entry} computes. */
    static int entryOffset(int tlb, long linear) {
        return Mmu.entriesOffset(tlb) + ((int) linear >>> PAGE_SHIFT_TO_ENTRY & ENTRY_MASK);
    }

    /** Puts the offset of the soft TLB's entry for the linear address in {@code linear} into TEMP. */
    void entry(Gpr linear) {
        a.mov(DWORD, TEMP, linear);
        a.shift(Shift.SHR, DWORD, TEMP, PAGE_SHIFT_TO_ENTRY);
        a.and(DWORD, TEMP, ENTRY_MASK);
    }
}
