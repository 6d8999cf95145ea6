package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Rm;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.trap.Segments;

/**
 * Segment registers: read everywhere, pushed outside 64-bit mode, loaded in real and virtual-8086 mode, where that changes nothing
 * but selector and base, and so nothing that code takes for granted. Loads of CS and SS are the interpreter's. Each method
 * writes what {@link #possible} says can be written.
 */
final class SegmentCode {
    private static final int V86_LIMIT = 0xffff;

    private final BlockCode code;
    private final Assembler a;
    private final StackCode stack;

    SegmentCode(BlockCode code, StackCode stack) {
        this.code = code;
        this.a = code.a;
        this.stack = stack;
    }

    /** Whether {@code i} loads a segment register, in one of the ways that data segments are loaded. */
    static boolean loads(Insn i) {
        return switch (i.row.mnemonic()) {
            case "MOV", "POP" -> isSegment(i.dst);
            case "LES", "LDS", "LSS", "LFS", "LGS" -> true;
            default -> false;
        };
    }

    /** Whether what {@code i} does with segment registers, if anything, can be written in {@code mode}. */
    static boolean possible(Insn i, CodeMode mode) {
        return switch (i.row.mnemonic()) {
            case "MOV", "POP" -> (!isSegment(i.dst) || isLoadable(number(i.dst), mode))
                    && (!isSegment(i.src) || number(i.src) <= Segment.GS);
            case "PUSH" -> !isSegment(i.dst) || !mode.is64();
            case "LES", "LDS", "LFS", "LGS" -> mode.paragraphs();
            default -> true;
        };
    }

    private static boolean isLoadable(int segment, CodeMode mode) {
        return mode.paragraphs() && segment <= Segment.GS && segment != Segment.CS && segment != Segment.SS;
    }

    /** Whether the operand at {@code location} is a segment register, or one of the two that there are not. */
    static boolean isSegment(int location) {
        return location >= CpuState.SEGMENTS && location < CpuState.CONTROL;
    }

    private static int number(int location) {
        return (location - CpuState.SEGMENTS) / CpuState.SEGMENT_SIZE;
    }

    /** MOV from a segment register. */
    boolean store(Insn i) {
        Mem selector = field(i.src + CpuState.SELECTOR);
        if (i.dst == Insn.MEM) {
            Mem to = code.memory.operand(i, 2, true, false);
            a.movzx(DWORD, TEMP, WORD, selector);
            a.mov(WORD, to, TEMP);
        } else {
            a.movzx(DWORD, TEMP, WORD, selector);
            code.set(i.dst, i.operandSize == 2 ? 2 : 8, TEMP);
        }
        return true;
    }

    /** MOV to a segment register. */
    boolean load(Insn i) {
        code.spareFlags();
        Rm from = i.src == Insn.MEM ? code.memory.operand(i, 2, false, false) : general(i.src);
        a.movzx(DWORD, OTHER, WORD, from);
        set(i.reg());
        return true;
    }

    boolean push(Insn i) {
        Mem top = stack.reserve(i.operandSize);
        a.movzx(DWORD, TEMP, WORD, field(i.dst + CpuState.SELECTOR));
        a.mov(IntegerCode.size(i.operandSize), top, TEMP);
        stack.drop(-i.operandSize);
        return true;
    }

    /** POP: of a wide operand the lower half is read alone. */
    boolean pop(Insn i) {
        int segment = number(i.dst);
        a.movzx(DWORD, OTHER, WORD, stack.top(2));
        set(segment);
        stack.drop(i.operandSize);
        return true;
    }

    /** LES, LDS, LFS, LGS. */
    boolean loadFar(Insn i, int segment) {
        code.memory.operand(i, i.operandSize + 2, false, false);
        a.movzx(DWORD, OTHER, WORD, Mem.at(ADDRESS, i.operandSize));
        set(segment);
        a.mov(IntegerCode.size(i.operandSize), general(i.dst), Mem.at(ADDRESS));
        return true;
    }

    /** The holder of a general register; all that there are outside 64-bit mode have one. */
    private static Gpr general(int location) {
        return HostRegisters.of(location - CpuState.GENERAL >> 3);
    }

    /** Loads {@code segment} with the selector in OTHER; flags must be spared. TEMP is used. */
    private void set(int segment) {
        int at = CpuState.segment(segment);
        if (code.mode.virtual8086()) {
            a.cmp(DWORD, field(at + CpuState.LIMIT), V86_LIMIT);
            a.j(Cond.NE, code.step());
            a.cmp(DWORD, field(at + CpuState.ACCESS), Segments.V86);
            a.j(Cond.NE, code.step());
        } else { // Limit and rights stay, but for those of a null selector from protected mode, or none at all.
            a.mov(DWORD, TEMP, field(at + CpuState.ACCESS));
            a.lea(DWORD, TEMP, Mem.at(TEMP, -1));
            a.cmp(DWORD, TEMP, Segment.UNUSABLE - 1);
            a.j(Cond.AE, code.step());
        }
        a.mov(DWORD, field(at + CpuState.SELECTOR), OTHER);
        a.shift(Shift.SHL, DWORD, OTHER, Segment.PARAGRAPH_SHIFT);
        a.mov(QWORD, field(at), OTHER);
    }
}
