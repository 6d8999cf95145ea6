package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.STRUCT;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;
import static org.jkvm.x86.translate.HostRegisters.slot;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Size;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/**
 * The code of one block while it is written: assembler, place of the flags, what comes out of line behind it, and memory
 * operands, which every family of instructions needs.
 */
final class BlockCode {
    static final int PAGE_SHIFT_TO_ENTRY = 7;
    static final int ENTRY_MASK = (Mmu.ENTRIES - 1) * Mmu.ENTRY_SIZE;
    private static final int PAGE = 4096;

    final Assembler a;
    final FlagKeeper flags;
    final Block block;
    private final FlagFuture future;
    final CodeMode mode;
    /** RIP of the block's first instruction. */
    final long rip;
    private final List<Runnable> cold = new ArrayList<>();
    private final Label leave = new Label();
    private final Relocations relocations = new Relocations();
    private int number;
    private Label step;
    private Insn x87Last;
    private final Spans spans;

    BlockCode(Block block, Assembler a, Recipe... recipes) {
        this.future = new FlagFuture(block, recipes);
        this.spans = new Spans(block, recipes);
        this.block = block;
        this.mode = new CodeMode(block.mode);
        this.rip = block.rip();
        this.a = a;
        this.flags = new FlagKeeper(a, FlagKeeper.Place.MEMORY);
    }

    /** Begins with instruction {@code n} of the block. */
    void begin(int n) {
        number = n;
        step = null;
    }

    /** The number of the instruction being written. */
    int number() {
        return number;
    }

    /** RIP of what follows {@code i}. */
    long next(Insn i) {
        return mode.wrapOffset(rip + i.end);
    }

    /** Puts {@code address}, which moves with the block, into {@code to}. */
    void address(Gpr to, long address) {
        a.mov(to, address);
        relocations.address(a.length(), address);
    }

    /** What has to be changed when the block is placed again for another linear address. */
    Relocations relocations() {
        return relocations;
    }

    // ---- exits ----

    /** Writes {@code code} behind the block. */
    void outOfLine(Runnable code) {
        cold.add(code);
    }

    /** Where to jump, flags {@linkplain #spareFlags spared}, to have the interpreter execute the present instruction. */
    Label step() {
        if (step == null) {
            step = exit(ExitReason.STEP.at(number), () -> { });
        }
        return step;
    }

    /** Where to jump, flags spared, to leave before the present instruction, {@code first} being done. */
    private Label exit(int reason, Runnable first) {
        Label label = new Label();
        Insn x87 = x87Last;
        FlagSource pending = flags.pending();
        outOfLine(() -> {
            a.bind(label);
            first.run();
            recordX87(x87);
            leave(reason, pending);
        });
        return label;
    }

    /** Leaves with {@code reason}, flags in memory or, if that is not null, to be had from {@code source}. */
    void leave(int reason, FlagSource source) {
        if (source != null) {
            source.write(a);
            FlagKeeper.writeSave(a);
        }
        leave(reason);
    }

    /** Leaves with {@code reason}, flags in memory. */
    void leave(int reason) {
        a.mov(DWORD, field(CpuState.EXIT_REASON), reason);
        a.jmp(leave);
    }

    /** Writes what was put out of line, and the exit of all. */
    void finish(Stubs stubs, int id) {
        for (int n = 0; n < cold.size(); n++) {
            cold.get(n).run(); // May put more out of line.
        }
        a.bind(leave);
        a.mov(DWORD, field(CpuState.EXIT_BLOCK), id);
        relocations.id(a.length());
        a.jmp(stubs.exit);
        relocations.outward(a.outwardDisplacements());
    }

    // ---- flags ----

    /** The host's flags are about to be clobbered; the instruction may leave by {@link #step} from here on. */
    void spareFlags() {
        FlagSource source = flags.source();
        if (source != null && future.keeps(source.registers(), number)) {
            flags.forget();
        } else if (source != null && future.comeBack(number)) {
            flags.keepSource();
        } else {
            flags.clobber();
        }
    }

    /** What the flags are of that {@code i}, the present instruction and about to be executed, sets; null where that is lost. */
    FlagSource source(Insn i) {
        return !FlagSource.isShift(i) ? FlagSource.of(i) : future.isInterrupted(number) ? FlagSource.beforeShift(i, a) : null;
    }

    /** What comes next in this block wants flags that the present instruction leaves. */
    boolean wantsFlagsNext() {
        return future.wantedNext(number);
    }

    /** {@code i}, the present instruction, comes next. */
    void needFlags(Insn i) {
        if (!Effects.needsFlags(i) || !Effects.reads(i) && future.overwritesAll(number)) {
            return;
        }
        if (Effects.needsCarryOnly(i)) {
            flags.needCarry();
        } else {
            flags.need();
        }
    }

    // ---- pointers to the last x87 instruction ----

    /** {@code i} is the last x87 instruction so far; to be recorded when the block is left. */
    void executedX87(Insn i) {
        x87Last = i;
    }

    /** The block is about to end: records its last x87 instruction. */
    void endX87() {
        recordX87(x87Last);
        x87Last = null;
    }

    /** FOP, FCS and FIP (SDM vol. 1, section 8.1.8); changes no flags. */
    private void recordX87(Insn i) {
        if (i != null) {
            a.mov(WORD, field(CpuState.FOP), (i.row.code() & 7) << 8 | i.modrm);
            address(ADDRESS, rip + i.start);
            a.mov(QWORD, field(CpuState.FIP), ADDRESS);
            copySelector(Segment.CS, CpuState.FCS);
        }
    }

    /** Copies a segment's selector to a field of the struct; uses ADDRESS. */
    void copySelector(int segment, int to) {
        a.movzx(DWORD, ADDRESS, WORD, field(CpuState.segment(segment) + CpuState.SELECTOR));
        a.mov(WORD, field(to), ADDRESS);
    }

    // ---- guest registers ----

    /** The host register that holds guest register {@code number}; one of the struct is loaded into {@code scratch}. */
    Gpr load(int register, Gpr scratch) {
        Gpr host = HostRegisters.of(register);
        if (host != null) {
            return host;
        }
        a.mov(QWORD, scratch, slot(register));
        return scratch;
    }

    /** Stores a guest register that {@link #load} put into {@code holder} and the code changed. */
    void store(int register, Gpr holder) {
        if (HostRegisters.of(register) == null) {
            a.mov(QWORD, slot(register), holder);
        }
    }

    /** Whether guest register {@code register} is in a register of the host's; none is. */
    boolean isHeld(int register) {
        return register < 0 || HostRegisters.of(register) != null;
    }

    // ---- memory operands ----

    /** Computes the effective address of {@code i} in {@code to}, changing no flags; may use TEMP. */
    void effective(Insn i, Gpr to) {
        if (i.ripRelative) {
            address(to, rip + i.disp & i.addressMask);
        } else if (i.baseNumber < 0 && i.indexNumber < 0) {
            a.mov(to, i.disp & i.addressMask);
        } else {
            sum(i.addressSize == 8 ? QWORD : DWORD, to, i.baseNumber, i.indexNumber, i.scale, (int) i.disp);
            if (i.addressSize == 2) {
                a.movzx(DWORD, to, WORD, to);
            }
        }
    }

    /** Sums up base and index, either -1 for none, in {@code to}; may use TEMP. */
    private void sum(Size size, Gpr to, int base, int index, int scale, int disp) {
        Gpr first = base < 0 ? null : load(base, to);
        if (first != null && index < 0 && disp == 0) {
            if (first != to || size != QWORD) {
                a.mov(size, to, first);
            }
        } else {
            a.lea(size, to, new Mem(first, index < 0 ? null : load(index, TEMP), 1 << scale, disp));
        }
    }

    /** Puts the linear address of the memory operand, {@code size} bytes, into ADDRESS; flags are spared from here on. */
    void linear(Insn i, int size, boolean write) {
        spareFlags();
        effective(i, ADDRESS);
        addSegment(i, size, write);
    }

    /** Adds the base that the struct has at {@code field} to ADDRESS, in 64-bit mode; flags must be spared. */
    private void addBase(int field) {
        if (field != CpuState.ZERO) {
            a.alu(Alu.ADD, QWORD, ADDRESS, HostRegisters.field(field));
        }
    }

    /** As {@link #addSegment(int, int, boolean)} for the memory operand of {@code i}. */
    void addSegment(Insn i, int size, boolean write) {
        if (mode.is64()) {
            addBase(i.segmentBase);
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
            a.j(Cond.G, step());
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
        spareFlags();
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
            span = step == null ? spans.begin(number, access) : null;
            if (span == null) {
                return null;
            }
            check(span);
        } else {
            a.mov(QWORD, ADDRESS, field(span.field));
        }
        Mem memory = inSpan(access);
        return aligned ? aligned(memory, access.size()) : memory;
    }

    /** Checks a span by the soft TLB, and leaves what turns addresses in it into the host's in ADDRESS and its field. */
    private void check(Spans.Span span) {
        spareFlags();
        sum(span.key, span.low());
        addBase(span.key.segmentBase());
        entry();
        Mem tag = Mem.at(STRUCT, TEMP, 1, Mmu.entriesOffset(mode.tlb()) + span.tag());
        a.alu(Alu.SUB, QWORD, ADDRESS, tag);
        a.cmp(QWORD, ADDRESS, PAGE - span.size());
        a.j(Cond.A, exit(ExitReason.SPAN.at(spans.checks().size() - 1), () -> {
            a.alu(Alu.ADD, QWORD, ADDRESS, tag);
            a.mov(QWORD, field(CpuState.EXIT_TARGET), ADDRESS);
        }));
        a.mov(QWORD, ADDRESS, Mem.at(STRUCT, TEMP, 1, Mmu.entriesOffset(mode.tlb()) + Mmu.ADDEND));
        addBase(span.key.segmentBase());
        a.mov(QWORD, field(span.field), ADDRESS);
    }

    /** Sums up an address in ADDRESS, without the segment's base. */
    private void sum(Access.Key key, int disp) {
        if (key.base() < 0 && key.index() < 0) {
            a.mov(ADDRESS, disp);
            return;
        }
        sum(QWORD, ADDRESS, key.base(), key.index(), key.scale(), disp);
    }

    /** The host's address of {@code access}, ADDRESS being what turns addresses in its span into the host's. */
    private Mem inSpan(Access access) {
        Access.Key key = access.key();
        if (key.index() < 0 && key.base() >= 0 && isHeld(key.base())) {
            return new Mem(HostRegisters.of(key.base()), ADDRESS, 1, access.disp());
        }
        if (key.base() >= 0) {
            a.lea(QWORD, ADDRESS, new Mem(load(key.base(), TEMP), ADDRESS, 1, 0));
        }
        if (key.index() >= 0) {
            a.lea(QWORD, ADDRESS, new Mem(ADDRESS, load(key.index(), TEMP), 1 << key.scale(), 0));
        }
        return Mem.at(ADDRESS, access.disp());
    }

    /** Leaves to the interpreter where {@code memory} is no multiple of {@code size}: as in the guest, so on the host. */
    private Mem aligned(Mem memory, int size) {
        spareFlags();
        a.lea(QWORD, ADDRESS, memory);
        a.test(QWORD, ADDRESS, size - 1);
        a.j(Cond.NE, step());
        return Mem.at(ADDRESS);
    }

    // ---- single accesses ----

    /** The operand of {@code i}, whose address is known, and so where the soft TLB has its page. */
    private Mem fixed(Insn i, int size, int tag, boolean aligned) {
        long linear = (i.ripRelative ? rip + i.disp : i.disp) & i.addressMask;
        int offset = (int) linear & PAGE - 1;
        spareFlags();
        if (offset > PAGE - size || aligned && (offset & size - 1) != 0) {
            a.jmp(step());
        }
        if (i.ripRelative) {
            address(ADDRESS, linear - offset);
        } else {
            a.mov(ADDRESS, linear - offset);
        }
        int entry = Mmu.entryOffset(mode.tlb(), linear);
        a.alu(Alu.CMP, QWORD, ADDRESS, field(entry + tag));
        entryMoves(i, linear, tag);
        a.j(Cond.NE, step());
        a.mov(QWORD, ADDRESS, field(entry + Mmu.HOST_PAGE));
        entryMoves(i, linear, Mmu.HOST_PAGE);
        return Mem.at(ADDRESS, offset);
    }

    /** The displacement just written is that of a field of the soft TLB's entry for an address that moves with the block. */
    private void entryMoves(Insn i, long linear, int field) {
        if (i.ripRelative) {
            relocations.entry(a.length(), new Relocations.Entry(mode.tlb(), linear - block.linear, field));
        }
    }

    /**
     * Turns the linear address in ADDRESS into the host's by the soft TLB, or leaves to the interpreter. Flags must be
     * spared. TEMP is used. An address minus the entry's tag is an offset into the page, or more than any.
     *
     * @param tag     offset of the tag in the TLB's entries
     * @param aligned whether an address that is no multiple of {@code size} is the interpreter's too
     */
    Mem translate(int tag, int size, boolean aligned) {
        int tlb = Mmu.entriesOffset(mode.tlb());
        entry();
        a.alu(Alu.SUB, QWORD, ADDRESS, Mem.at(STRUCT, TEMP, 1, tlb + tag));
        if (aligned) {
            a.test(QWORD, ADDRESS, -PAGE | size - 1);
            a.j(Cond.NE, step());
        } else {
            a.cmp(QWORD, ADDRESS, PAGE - size);
            a.j(Cond.A, step());
        }
        a.alu(Alu.ADD, QWORD, ADDRESS, Mem.at(STRUCT, TEMP, 1, tlb + Mmu.HOST_PAGE));
        return Mem.at(ADDRESS);
    }

    /** Puts the offset of the soft TLB's entry for ADDRESS into TEMP. */
    private void entry() {
        a.mov(DWORD, TEMP, ADDRESS);
        a.shift(Shift.SHR, DWORD, TEMP, PAGE_SHIFT_TO_ENTRY);
        a.and(DWORD, TEMP, ENTRY_MASK);
    }
}
