package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.STRUCT;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Mem;
import org.jkvm.x86.Vector;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.trap.CodeSegments;
import org.jkvm.x86.trap.Segments;
import org.jkvm.x86.trap.Transfers;

/**
 * Far jumps, calls and returns in real and virtual-8086 mode, where base and selector of CS change and its limit stays;
 * INT and IRET in real mode (SDM vol. 3B, sections 20.1.4 and 20.2). Which number the new code segment has is looked up. All
 * else is the interpreter's.
 */
final class FarCode {
    private static final int CS = CpuState.segment(Segment.CS);
    private static final int OPERAND = 2;
    /** IP, CS and FLAGS, 2 bytes each. */
    private static final int FRAME = 6;
    private static final int FRAME_CS = 2;
    private static final int FRAME_FLAGS = 4;
    private static final int CLEARED = Rflags.IF | Rflags.TF | Rflags.AC | Rflags.RF;

    private final BlockCode code;
    private final Assembler a;
    private final StackCode stack;
    private final BranchCode branch;
    private final SystemCode system;
    private final Stubs stubs;

    FarCode(BlockCode code, StackCode stack, BranchCode branch, SystemCode system, Stubs stubs) {
        this.code = code;
        this.a = code.a;
        this.stack = stack;
        this.branch = branch;
        this.system = system;
        this.stubs = stubs;
    }

    private long limit() {
        return code.block.segment.limit() & 0xffff_ffffL;
    }

    /** JMP and CALL far. */
    boolean jump(Insn i, boolean call) {
        if (!code.mode.paragraphs()) {
            return false;
        }
        requireUsual();
        if (i.dst == Insn.MEM) {
            loadTarget(i);
        } else if ((i.imm & mask(i)) > limit()) {
            return false;
        } else {
            a.mov(QWORD, field(CpuState.EXIT_TARGET), (int) (i.imm & mask(i)));
            a.mov(QWORD, field(CpuState.CARRIED), i.imm2 & 0xffff);
        }
        if (call) {
            pushReturn(i);
        }
        a.mov(QWORD, OTHER, field(CpuState.CARRIED));
        go();
        return true;
    }

    private static long mask(Insn i) {
        return i.operandSize == OPERAND ? 0xffff : 0xffff_ffffL;
    }

    private void loadTarget(Insn i) {
        Mem from = code.memory.operand(i, i.operandSize + 2, false, false);
        loadOffset(from, i.operandSize);
        a.movzx(DWORD, OTHER, WORD, from.plus(i.operandSize));
        a.mov(QWORD, field(CpuState.CARRIED), OTHER);
    }

    /** {@link CpuState#EXIT_TARGET} becomes the offset at {@code from}; leaves where it is beyond the limit. */
    private void loadOffset(Mem from, int size) {
        if (size == OPERAND) {
            a.movzx(DWORD, OTHER, WORD, from);
        } else {
            a.mov(DWORD, OTHER, from);
        }
        if (limit() < (size == OPERAND ? 0xffff : 0xffff_ffffL)) {
            a.cmp(DWORD, OTHER, (int) limit());
            a.j(Cond.A, code.step());
        }
        a.mov(QWORD, field(CpuState.EXIT_TARGET), OTHER);
    }

    private void pushReturn(Insn i) {
        int size = i.operandSize;
        Mem top = stack.reserve(2 * size);
        a.movzx(DWORD, TEMP, WORD, field(CS + CpuState.SELECTOR));
        a.mov(IntegerCode.size(size), top.plus(size), TEMP);
        a.mov(IntegerCode.size(size), top, (int) code.next(i));
        code.relocations().fix();
        stack.drop(-2 * size);
    }

    /** RET far. */
    boolean ret(Insn i) {
        if (!code.mode.paragraphs()) {
            return false;
        }
        requireUsual();
        int size = i.operandSize;
        Mem top = stack.top(2 * size);
        loadOffset(top, size);
        a.movzx(DWORD, OTHER, WORD, top.plus(size));
        stack.drop(2 * size + (int) (i.imm & 0xffff));
        go();
        return true;
    }

    /** INT3. */
    boolean breakpoint(Insn i) {
        return interrupt(i, Vector.BP);
    }

    /** INT n. */
    boolean interrupt(Insn i) {
        return interrupt(i, (int) i.imm & 0xff);
    }

    private boolean interrupt(Insn i, int vector) {
        if (!code.mode.real() || stubs.logsInterrupts) {
            return false;
        }
        a.test(DWORD, field(CpuState.RFLAGS), Rflags.AC);
        a.j(Cond.NE, code.step()); // It is cleared, and may stand for another TLB.
        a.cmp(QWORD, field(CpuState.IDTR + 8), 4 * vector + 3);
        a.j(Cond.B, code.step());
        a.mov(QWORD, ADDRESS, field(CpuState.IDTR));
        a.add(QWORD, ADDRESS, 4 * vector);
        Mem entry = code.memory.translateForSystem(4);
        a.mov(DWORD, OTHER, entry);
        a.mov(QWORD, field(CpuState.CARRIED), OTHER);
        pushFrame(i);
        a.and(DWORD, field(CpuState.RFLAGS), ~CLEARED);
        a.movzx(DWORD, OTHER, WORD, field(CpuState.CARRIED));
        a.mov(QWORD, field(CpuState.EXIT_TARGET), OTHER);
        a.mov(DWORD, OTHER, field(CpuState.CARRIED));
        a.shift(Shift.SHR, DWORD, OTHER, Short.SIZE);
        go();
        return true;
    }

    private void pushFrame(Insn i) {
        Mem top = stack.reserve(FRAME);
        system.image(0);
        a.mov(WORD, top.plus(FRAME_FLAGS), OTHER);
        a.movzx(DWORD, TEMP, WORD, field(CS + CpuState.SELECTOR));
        a.mov(WORD, top.plus(FRAME_CS), TEMP);
        a.mov(WORD, top, (int) code.next(i));
        code.relocations().fix();
        stack.drop(-FRAME);
    }

    /** IRET with 16-bit operands; wider ones change more flags. */
    boolean iret(Insn i) {
        if (!code.mode.real() || i.operandSize != OPERAND) {
            return false;
        }
        system.leaveIfRequested();
        Mem top = stack.top(FRAME);
        a.test(WORD, top.plus(FRAME_FLAGS), Rflags.TF);
        a.j(Cond.NE, code.step());
        loadOffset(top, OPERAND);
        a.movzx(DWORD, OTHER, WORD, top.plus(FRAME_CS));
        a.mov(QWORD, field(CpuState.CARRIED), OTHER);
        a.mov(DWORD, OTHER, field(CpuState.RFLAGS)); // Of which the upper half stays.
        a.mov(WORD, OTHER, top.plus(FRAME_FLAGS));
        system.load(Rflags.ALL);
        stack.drop(FRAME);
        a.alu(Alu.OR, DWORD, field(CpuState.TRANSFERS), Transfers.RETURN);
        a.mov(QWORD, OTHER, field(CpuState.CARRIED));
        go();
        return true;
    }

    /** In virtual-8086 mode the access word is set too: to what it is, or else the interpreter does it. */
    private void requireUsual() {
        if (code.mode.virtual8086()) {
            a.cmp(DWORD, field(CS + CpuState.ACCESS), Segments.V86);
            a.j(Cond.NE, code.step());
        }
    }

    /** Goes to {@link CpuState#EXIT_TARGET} in the segment whose selector is in OTHER. */
    private void go() {
        a.mov(DWORD, field(CS + CpuState.SELECTOR), OTHER);
        a.mov(DWORD, TEMP, OTHER);
        a.shift(Shift.SHL, DWORD, TEMP, Segment.PARAGRAPH_SHIFT);
        a.mov(QWORD, field(CS), TEMP);
        a.alu(Alu.OR, DWORD, field(CpuState.TRANSFERS), Transfers.CODE);
        branch.lookAtRequests();
        a.mov(ADDRESS, CodeSegments.key(0, limit()));
        a.xor(QWORD, ADDRESS, TEMP);
        a.mov(DWORD, TEMP, OTHER);
        a.shift(Shift.SHR, DWORD, TEMP, CodeSegments.HASH_SHIFT);
        a.xor(DWORD, TEMP, OTHER);
        a.and(DWORD, TEMP, CodeSegments.HASH_MASK);
        a.shift(Shift.SHL, DWORD, TEMP, CodeSegments.ENTRY_SHIFT);
        a.cmp(QWORD, Mem.at(STRUCT, TEMP, 1, CpuState.CODE_SEGMENTS), ADDRESS);
        a.j(Cond.NE, stubs.indirectMiss);
        a.mov(QWORD, OTHER, Mem.at(STRUCT, TEMP, 1, CpuState.CODE_SEGMENTS + 8));
        a.mov(QWORD, ADDRESS, field(CpuState.EXIT_TARGET));
        JumpLookup.writeWithin(a, code.mode, stubs);
    }
}
