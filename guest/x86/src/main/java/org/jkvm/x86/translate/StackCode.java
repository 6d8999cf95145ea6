package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
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

/** Pushes and pops, on stacks of the code's own width. RSP changes last, so that a fault leaves it as it was. */
final class StackCode {
    private static final int RSP = CpuState.GENERAL + 32;
    private static final int RBP = 5;

    private final BlockCode code;
    private final Assembler a;

    StackCode(BlockCode code) {
        this.code = code;
        this.a = code.a;
    }

    /** Whether {@code bytes} are what this mode pushes unless told otherwise. */
    boolean isNatural(int bytes) {
        return bytes == (code.mode.is64() ? 8 : 4) && code.mode.plainStack();
    }

    boolean push(Insn i) {
        if (!isNatural(i.operandSize) || i.row.map() != 0 || i.row.code() < 0x40) {
            return false; // Segment registers are the interpreter's.
        }
        Size size = IntegerCode.size(i.operandSize);
        if (i.dst == Insn.MEM) {
            a.mov(size, TEMP, code.readable(i, i.operandSize));
            a.mov(QWORD, field(CpuState.CARRIED), TEMP);
            a.mov(QWORD, TEMP, pushed(i.operandSize, CpuState.CARRIED));
            a.mov(size, Mem.at(ADDRESS), TEMP);
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

    /** Makes room as {@link #reserve} does, and names the field whose value goes there. */
    private Mem pushed(int bytes, int carried) {
        reserve(bytes);
        return field(carried);
    }

    /** The stack's next {@code bytes}, checked for writing; RSP stays. */
    Mem reserve(int bytes) {
        code.spareFlags();
        a.lea(width(), ADDRESS, Mem.at(STACK_POINTER, -bytes));
        return code.translate(Mmu.WRITE_TAG, bytes, false);
    }

    /** The stack's top {@code bytes}, checked for reading; RSP stays. */
    Mem top(int bytes) {
        code.spareFlags();
        a.mov(width(), ADDRESS, STACK_POINTER);
        return code.translate(Mmu.READ_TAG, bytes, false);
    }

    /** Moves RSP; flags stay. */
    void drop(int bytes) {
        a.lea(width(), STACK_POINTER, Mem.at(STACK_POINTER, bytes));
    }

    private Size width() {
        return code.mode.is64() ? QWORD : DWORD;
    }

    boolean pop(Insn i) {
        if (!isNatural(i.operandSize) || i.row.map() != 0 || i.row.hasModrm() || i.row.code() < 0x40) {
            return false;
        }
        Size size = IntegerCode.size(i.operandSize);
        int number = i.dst - CpuState.GENERAL >> 3;
        Mem top = top(i.operandSize);
        if (i.dst == RSP) {
            a.mov(size, STACK_POINTER, top);
            return true;
        }
        Gpr host = HostRegisters.of(number);
        a.mov(size, host == null ? TEMP : host, top);
        code.store(number, TEMP);
        drop(i.operandSize);
        return true;
    }

    boolean leave(Insn i) {
        if (!isNatural(i.operandSize)) {
            return false;
        }
        Gpr frame = HostRegisters.of(RBP);
        code.spareFlags();
        a.mov(width(), ADDRESS, frame);
        Mem saved = code.translate(Mmu.READ_TAG, i.operandSize, false);
        a.lea(width(), STACK_POINTER, Mem.at(frame, i.operandSize));
        a.mov(width(), frame, saved);
        return true;
    }
}
