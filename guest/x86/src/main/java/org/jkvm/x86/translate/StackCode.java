package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.STACK_POINTER;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import org.jkvm.x64.Assembler;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Size;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/** Pushes and pops, on stacks of the code's own width. RSP changes last, so that a fault leaves it as it was. */
final class StackCode {
    private static final int RSP = CpuState.GENERAL + 32;
    private static final int RBP = 5;
    private static final int REGISTERS = 8;

    private final BlockCode code;
    private final Assembler a;

    StackCode(BlockCode code) {
        this.code = code;
        this.a = code.a;
    }

    /** Whether {@code bytes} are what this mode pushes: with a prefix 64-bit code pushes 2, which is the interpreter's. */
    boolean isNatural(int bytes) {
        return bytes == 8 || !code.mode.is64();
    }

    boolean push(Insn i) {
        if (!isNatural(i.operandSize)) {
            return false;
        }
        Size size = IntegerCode.size(i.operandSize);
        if (i.dst == Insn.MEM) {
            a.mov(size, TEMP, code.memory.operand(i, i.operandSize, false, false));
            a.mov(QWORD, field(CpuState.CARRIED), TEMP);
            Mem top = reserve(i.operandSize);
            a.mov(QWORD, TEMP, field(CpuState.CARRIED));
            a.mov(size, top, TEMP);
        } else {
            Mem top = reserve(i.operandSize);
            if (i.dst == Insn.IMM) {
                a.mov(size, top, (int) i.imm);
            } else {
                a.mov(size, top, code.load(i.dst - CpuState.GENERAL >> 3, TEMP));
            }
        }
        drop(-i.operandSize);
        return true;
    }

    /** The stack's next {@code bytes}, checked for writing; RSP stays. */
    Mem reserve(int bytes) {
        return bytes == 8 ? code.memory.access(Access.PUSHED) : narrow(STACK_POINTER, -bytes, bytes, true);
    }

    /** The stack's top {@code bytes}, checked for reading; RSP stays. */
    Mem top(int bytes) {
        return bytes == 8 ? code.memory.access(Access.POPPED) : narrow(STACK_POINTER, 0, bytes, false);
    }

    /** So many bytes of the stack outside 64-bit mode. */
    private Mem narrow(Gpr base, int disp, int bytes, boolean write) {
        code.spareFlags();
        a.lea(DWORD, ADDRESS, Mem.at(base, disp));
        if (!code.mode.wideStack()) {
            a.movzx(DWORD, ADDRESS, WORD, ADDRESS);
        }
        code.memory.addSegment(Segment.SS, bytes, write);
        return code.memory.translate(write ? Mmu.WRITE_TAG : Mmu.READ_TAG, bytes, false);
    }

    /** Moves RSP; flags stay. */
    void drop(int bytes) {
        a.lea(width(), STACK_POINTER, Mem.at(STACK_POINTER, bytes));
    }

    /** How much of RSP there is. */
    private Size width() {
        return code.mode.is64() ? QWORD : code.mode.wideStack() ? DWORD : WORD;
    }

    boolean pop(Insn i) {
        if (!isNatural(i.operandSize) || i.row.hasModrm()) {
            return false;
        }
        Size size = IntegerCode.size(i.operandSize);
        int number = i.dst - CpuState.GENERAL >> 3;
        Mem top = top(i.operandSize);
        if (i.dst == RSP) {
            a.mov(size, TEMP, top);
            drop(i.operandSize); // Of which something stays where it is 2.
            a.mov(size, STACK_POINTER, TEMP);
            return true;
        }
        Gpr host = HostRegisters.of(number);
        a.mov(size, host == null ? TEMP : host, top);
        code.store(number, TEMP);
        drop(i.operandSize);
        return true;
    }

    /** PUSHA: all eight are written at once, the one pushed first highest; RSP as it was. */
    boolean pusha(Insn i) {
        int size = i.operandSize;
        Mem top = narrow(STACK_POINTER, -REGISTERS * size, REGISTERS * size, true);
        for (int n = 0; n < REGISTERS; n++) {
            a.mov(IntegerCode.size(size), top.plus((REGISTERS - 1 - n) * size), HostRegisters.of(n));
        }
        drop(-REGISTERS * size);
        return true;
    }

    /** POPA, which skips RSP. */
    boolean popa(Insn i) {
        int size = i.operandSize;
        Mem top = narrow(STACK_POINTER, 0, REGISTERS * size, false);
        for (int n = 0; n < REGISTERS; n++) {
            if (HostRegisters.of(n) != STACK_POINTER) {
                a.mov(IntegerCode.size(size), HostRegisters.of(n), top.plus((REGISTERS - 1 - n) * size));
            }
        }
        drop(REGISTERS * size);
        return true;
    }

    boolean leave(Insn i) {
        if (!isNatural(i.operandSize)) {
            return false;
        }
        Gpr frame = HostRegisters.of(RBP);
        Mem saved = i.operandSize == 8 ? code.memory.access(Access.FRAMED) : narrow(frame, 0, i.operandSize, false);
        a.lea(width(), STACK_POINTER, Mem.at(frame, i.operandSize));
        a.mov(IntegerCode.size(i.operandSize), frame, saved);
        return true;
    }
}
