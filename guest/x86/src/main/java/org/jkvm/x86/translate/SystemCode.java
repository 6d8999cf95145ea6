package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.BYTE;
import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.OTHER;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Size;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/** What kernels do all the time with RFLAGS: at CPL 0, and as long as nothing but IF, DF and the arithmetic flags changes. */
final class SystemCode {
    private static final int NEVER_PUSHED = Rflags.VM | Rflags.RF;
    private static final int EASY = Rflags.ARITHMETIC | Rflags.IF | Rflags.DF | NEVER_PUSHED;
    private static final int OVERFLOW_BIT = 11;

    private final BlockCode code;
    private final Assembler a;
    private final StackCode stack;

    SystemCode(BlockCode code, StackCode stack) {
        this.code = code;
        this.a = code.a;
        this.stack = stack;
    }

    boolean cli() {
        if (!code.mode.kernel()) {
            return false;
        }
        code.flags.clobber();
        a.and(DWORD, field(CpuState.RFLAGS), ~Rflags.IF);
        return true;
    }

    /**
     * STI holds interrupts back for one instruction, which is in this block too: between the two nobody looks at requests
     * that come from now on.
     *
     * @param last whether it is not
     */
    boolean sti(boolean last) {
        if (!code.mode.kernel() || last) {
            return false;
        }
        code.flags.clobber();
        leaveIfRequested();
        a.alu(Alu.OR, DWORD, field(CpuState.RFLAGS), Rflags.IF);
        return true;
    }

    /** Where something waits for IF already, the interpreter knows when it is due: at the right instruction. */
    private void leaveIfRequested() {
        a.cmp(DWORD, field(CpuState.REQUESTS), 0);
        a.j(Cond.NE, code.step());
    }

    boolean swapgs() {
        if (!code.mode.kernel()) {
            return false;
        }
        int base = CpuState.segment(Segment.GS);
        a.mov(QWORD, ADDRESS, field(base));
        a.mov(QWORD, TEMP, field(CpuState.KERNEL_GS_BASE));
        a.mov(QWORD, field(base), TEMP);
        a.mov(QWORD, field(CpuState.KERNEL_GS_BASE), ADDRESS);
        return true;
    }

    boolean pushf(Insn i) {
        if (!stack.isNatural(i.operandSize) || code.mode.virtual8086()) {
            return false;
        }
        code.flags.clobber();
        Mem top = stack.reserve(i.operandSize);
        a.movzx(DWORD, OTHER, BYTE, field(CpuState.FLAGS + 1));
        a.movzx(DWORD, TEMP, BYTE, field(CpuState.FLAGS));
        a.shift(Shift.SHL, DWORD, TEMP, OVERFLOW_BIT);
        a.and(DWORD, OTHER, Rflags.ARITHMETIC);
        a.alu(Alu.OR, DWORD, OTHER, TEMP);
        a.mov(DWORD, TEMP, field(CpuState.RFLAGS));
        a.and(DWORD, TEMP, ~(Rflags.ARITHMETIC | NEVER_PUSHED));
        a.alu(Alu.OR, DWORD, TEMP, OTHER);
        a.mov(IntegerCode.size(i.operandSize), top, TEMP);
        stack.drop(-i.operandSize);
        return true;
    }

    boolean popf(Insn i) {
        if (!stack.isNatural(i.operandSize) || !code.mode.kernel()) {
            return false;
        }
        Size size = IntegerCode.size(i.operandSize);
        code.flags.clobber();
        leaveIfRequested();
        Mem top = stack.top(i.operandSize);
        if (i.operandSize == 2) {
            a.mov(DWORD, OTHER, field(CpuState.RFLAGS)); // Of which the upper half stays.
        }
        a.mov(size, OTHER, top);
        a.mov(DWORD, TEMP, OTHER);
        a.alu(Alu.XOR, DWORD, TEMP, field(CpuState.RFLAGS));
        a.and(DWORD, TEMP, Rflags.ALL & ~EASY);
        a.j(Cond.NE, code.step());
        stack.drop(i.operandSize);
        a.mov(DWORD, TEMP, OTHER);
        a.and(DWORD, TEMP, Rflags.ALL & ~Rflags.ARITHMETIC & ~NEVER_PUSHED);
        a.alu(Alu.OR, DWORD, TEMP, Rflags.RESERVED_ONE);
        a.mov(DWORD, field(CpuState.RFLAGS), TEMP);
        arithmetic();
        return true;
    }

    /** Makes the arithmetic flags in OTHER the guest's. */
    private void arithmetic() {
        a.mov(QWORD, TEMP, Gpr.RAX);
        a.mov(DWORD, Gpr.RAX, OTHER);
        a.shift(Shift.SHL, DWORD, Gpr.RAX, Byte.SIZE);
        a.shift(Shift.SHR, DWORD, OTHER, OVERFLOW_BIT);
        a.and(DWORD, OTHER, 1);
        a.alu(Alu.OR, DWORD, Gpr.RAX, OTHER);
        a.mov(WORD, field(CpuState.FLAGS), Gpr.RAX);
        a.mov(QWORD, Gpr.RAX, TEMP);
    }
}
