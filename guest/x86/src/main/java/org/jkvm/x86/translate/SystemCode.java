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
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Size;
import org.jkvm.x86.Msrs;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.trap.Transfers;

/** What kernels do all the time with RFLAGS: at CPL 0, and as long as nothing but IF, DF and the arithmetic flags changes. */
final class SystemCode {
    private static final int NEVER_PUSHED = Rflags.VM | Rflags.RF;
    private static final int EASY = Rflags.ARITHMETIC | Rflags.IF | Rflags.DF | NEVER_PUSHED;
    private static final int OVERFLOW_BIT = 11;
    private static final int CR4 = 32;
    private static final int LAST_CONTROL = 4;
    private static final int ABSENT_CONTROL = 1;

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
    void leaveIfRequested() {
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

    /** STAC and CLAC: they change the TLB, and so the mode of what follows, where SMAP is on. Flags must be in memory. */
    boolean alignment(Insn i, boolean on, BranchCode branch) {
        if (!code.mode.kernel()) {
            return false;
        }
        boolean changes = !code.mode.equals(code.mode.overriding(on));
        if (on) {
            a.alu(Alu.OR, DWORD, field(CpuState.RFLAGS), Rflags.AC);
        } else {
            a.and(DWORD, field(CpuState.RFLAGS), ~Rflags.AC);
        }
        if (changes) {
            changeTlb(i, on, branch);
        }
        branch.fallThrough(i);
        return true;
    }

    private void changeTlb(Insn i, boolean override, BranchCode branch) {
        Label same = new Label();
        a.test(DWORD, field(CpuState.CONTROL + CR4), (int) Control.CR4_SMAP);
        a.j(Cond.E, same);
        a.alu(Alu.OR, DWORD, field(CpuState.TRANSFERS), Transfers.ALIGNMENT);
        branch.fallThrough(i, code.mode.overriding(override));
        a.bind(same);
    }

    /** MOV from CR0, CR2, CR3 and CR4. */
    boolean readControl(Insn i) {
        if (!code.mode.kernel() || i.src > LAST_CONTROL || i.src == ABSENT_CONTROL) {
            return false;
        }
        a.mov(i.bits64 ? QWORD : DWORD, TEMP, field(CpuState.CONTROL + 8 * i.src));
        code.set(i.dst, 8, TEMP);
        return true;
    }

    /** RDTSC and RDTSCP, which end a block: vector registers are not where they were. */
    boolean readTime(boolean auxiliary, Stubs stubs) {
        if (!stubs.offerTime()) {
            return false;
        }
        if (!code.mode.kernel()) {
            a.test(DWORD, field(CpuState.CONTROL + CR4), (int) Control.CR4_TSD);
            a.j(Cond.NE, code.step());
        }
        a.cmp(DWORD, field(CpuState.TIME_SOURCE), Msrs.TimeSource.BUS.ordinal());
        a.j(Cond.E, code.step());
        a.call(stubs.readTime);
        a.mov(DWORD, Gpr.RAX, ADDRESS);
        a.shift(Shift.SHR, QWORD, ADDRESS, Integer.SIZE);
        a.mov(QWORD, Gpr.RDX, ADDRESS);
        if (auxiliary) {
            a.mov(DWORD, Gpr.RCX, field(CpuState.TSC_AUX));
        }
        return true;
    }

    /** RDFSBASE and RDGSBASE. */
    boolean readBase(Insn i, int segment) {
        requireBases();
        a.mov(IntegerCode.size(i.operandSize), TEMP, field(CpuState.segment(segment)));
        code.set(i.dst, 8, TEMP);
        return true;
    }

    /** WRFSBASE and WRGSBASE. */
    boolean writeBase(Insn i, int segment) {
        requireBases();
        Gpr from = code.load(i.dst - CpuState.GENERAL >> 3, ADDRESS);
        a.mov(IntegerCode.size(i.operandSize), OTHER, from);
        code.requireCanonical(OTHER);
        a.mov(QWORD, field(CpuState.segment(segment)), OTHER);
        return true;
    }

    private void requireBases() {
        a.test(DWORD, field(CpuState.CONTROL + CR4), (int) Control.CR4_FSGSBASE);
        a.j(Cond.E, code.step());
    }

    boolean pushf(Insn i) {
        if (!stack.isNatural(i.operandSize) || code.mode.virtual8086()) {
            return false;
        }
        code.flags.clobber();
        Mem top = stack.reserve(i.operandSize);
        image(NEVER_PUSHED);
        a.mov(IntegerCode.size(i.operandSize), top, OTHER);
        stack.drop(-i.operandSize);
        return true;
    }

    /** Puts RFLAGS into OTHER, {@code without} some; flags must be in memory. TEMP is used. */
    void image(int without) {
        a.movzx(DWORD, OTHER, BYTE, field(CpuState.FLAGS + 1));
        a.movzx(DWORD, TEMP, BYTE, field(CpuState.FLAGS));
        a.shift(Shift.SHL, DWORD, TEMP, OVERFLOW_BIT);
        a.and(DWORD, OTHER, Rflags.ARITHMETIC);
        a.alu(Alu.OR, DWORD, OTHER, TEMP);
        a.mov(DWORD, TEMP, field(CpuState.RFLAGS));
        a.and(DWORD, TEMP, ~(Rflags.ARITHMETIC | without));
        a.alu(Alu.OR, DWORD, OTHER, TEMP);
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
        load(Rflags.ALL & ~NEVER_PUSHED);
        return true;
    }

    /** Makes RFLAGS what is in OTHER of the flags {@code possible}; flags are in memory then. TEMP is used. */
    void load(int possible) {
        a.mov(DWORD, TEMP, OTHER);
        a.and(DWORD, TEMP, possible & ~Rflags.ARITHMETIC);
        a.alu(Alu.OR, DWORD, TEMP, Rflags.RESERVED_ONE);
        a.mov(DWORD, field(CpuState.RFLAGS), TEMP);
        arithmetic();
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
