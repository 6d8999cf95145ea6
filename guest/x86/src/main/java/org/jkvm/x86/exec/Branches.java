package org.jkvm.x86.exec;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.trap.FarTransfer;

/** Branches, calls, returns and software interrupts. {@code cpu.rip} is that of the next instruction on entry. */
public final class Branches {
    private static final int RCX = CpuState.GENERAL + 8;

    private Branches() {
    }

    private static void go(X86Cpu c, Insn i, long target) {
        long to = i.operandSize == 8 ? target : i.operandSize == 4 ? target & 0xffff_ffffL : target & 0xffff;
        if (c.codeBits != 64 && to > c.segments.limit(Segment.CS)) {
            throw c.fault(Vector.GP, 0);
        }
        c.rip = to;
    }

    /** JMP relative. */
    public static void jmp(X86Cpu c, Insn i) {
        go(c, i, c.rip + i.imm);
    }

    /** JMP through a register or memory. */
    public static void jmpIndirect(X86Cpu c, Insn i) {
        go(c, i, c.dst(i));
    }

    /** Jcc. */
    public static void jcc(X86Cpu c, Insn i) {
        if (c.condition(i.condition)) {
            go(c, i, c.rip + i.imm);
        }
    }

    /** CALL relative. */
    public static void call(X86Cpu c, Insn i) {
        callTo(c, i, c.rip + i.imm);
    }

    /** CALL through a register or memory. */
    public static void callIndirect(X86Cpu c, Insn i) {
        callTo(c, i, c.dst(i));
    }

    private static void callTo(X86Cpu c, Insn i, long target) {
        long back = c.rip;
        go(c, i, target);
        c.push(i.operandSize, back);
    }

    /** RET near, with what it releases. */
    public static void ret(X86Cpu c, Insn i) {
        go(c, i, c.peek(i.operandSize, 0));
        c.setStackPointer(c.stackPointer() + i.operandSize + (i.imm & 0xffff));
    }

    /** LOOP. */
    public static void loop(X86Cpu c, Insn i) {
        loopIf(c, i, true);
    }

    /** LOOPE. */
    public static void loope(X86Cpu c, Insn i) {
        loopIf(c, i, c.zf());
    }

    /** LOOPNE. */
    public static void loopne(X86Cpu c, Insn i) {
        loopIf(c, i, !c.zf());
    }

    private static void loopIf(X86Cpu c, Insn i, boolean condition) {
        long count = c.reg(RCX, i.addressSize) - 1 & i.addressMask;
        if (condition && count != 0) {
            go(c, i, c.rip + i.imm);
        }
        c.setReg(RCX, i.addressSize, count);
    }

    /** JCXZ, JECXZ, JRCXZ. */
    public static void jcxz(X86Cpu c, Insn i) {
        if (c.reg(RCX, i.addressSize) == 0) {
            go(c, i, c.rip + i.imm);
        }
    }

    // ---- far ----

    /** JMP ptr16:16/32. */
    public static void jmpFar(X86Cpu c, Insn i) {
        FarTransfer.jump(c, i.imm2 & 0xffff, i.imm, i.operandSize);
    }

    /** CALL ptr16:16/32. */
    public static void callFar(X86Cpu c, Insn i) {
        FarTransfer.call(c, i.imm2 & 0xffff, i.imm, i.operandSize);
    }

    /** JMP m16:16/32/64. */
    public static void jmpFarIndirect(X86Cpu c, Insn i) {
        long linear = c.linearRead(i, i.operandSize + 2);
        long offset = c.mmu.load(linear, i.operandSize);
        FarTransfer.jump(c, (int) c.mmu.load(linear + i.operandSize, 2), offset, i.operandSize);
    }

    /** CALL m16:16/32/64. */
    public static void callFarIndirect(X86Cpu c, Insn i) {
        long linear = c.linearRead(i, i.operandSize + 2);
        long offset = c.mmu.load(linear, i.operandSize);
        FarTransfer.call(c, (int) c.mmu.load(linear + i.operandSize, 2), offset, i.operandSize);
    }

    /** RET far. */
    public static void retFar(X86Cpu c, Insn i) {
        FarTransfer.ret(c, i.operandSize, (int) i.imm & 0xffff);
    }

    /** IRET. */
    public static void iret(X86Cpu c, Insn i) {
        FarTransfer.iret(c, i.operandSize);
    }

    // ---- software interrupts ----

    /** INT n; in virtual-8086 mode it needs IOPL 3. */
    public static void interrupt(X86Cpu c, Insn i) {
        if (c.virtual8086() && (c.systemFlags() & Rflags.IOPL) != Rflags.IOPL) {
            throw c.fault(Vector.GP, 0);
        }
        c.interrupts.software((int) i.imm & 0xff);
    }

    /** INT3. */
    public static void int3(X86Cpu c, Insn i) {
        c.interrupts.software(Vector.BP);
    }

    /** INT1, ICEBP: a #DB trap without privilege checks. */
    public static void int1(X86Cpu c, Insn i) {
        c.interrupts.raise(Vector.DB, -1);
    }

    /** INTO. */
    public static void into(X86Cpu c, Insn i) {
        if (c.of()) {
            c.interrupts.software(Vector.OF);
        }
    }

    /** BOUND. */
    public static void bound(X86Cpu c, Insn i) {
        int size = i.operandSize;
        int shift = 64 - 8 * size;
        long linear = c.linearRead(i, 2 * size);
        long lower = c.mmu.load(linear, size) << shift >> shift;
        long upper = c.mmu.load(linear + size, size) << shift >> shift;
        long index = c.reg(i.dst, size) << shift >> shift;
        if (index < lower || index > upper) {
            throw c.fault(Vector.BR);
        }
    }

    /** UD0, UD1, UD2. */
    public static void undefined(X86Cpu c, Insn i) {
        throw c.fault(Vector.UD);
    }
}
