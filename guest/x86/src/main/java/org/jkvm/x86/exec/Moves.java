package org.jkvm.x86.exec;

import java.lang.invoke.VarHandle;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/** Data movement: MOV and its kin, stack, segment registers, conversions. */
public final class Moves {
    private static final int RAX = CpuState.GENERAL;
    private static final int RDX = CpuState.GENERAL + 16;
    private static final int AH = RAX + 1;

    private Moves() {
    }

    /** MOV. */
    public static void mov(X86Cpu c, Insn i) {
        c.setDst(i, c.src(i));
    }

    /** MOV r32/r64 from a register. */
    public static void movzx(X86Cpu c, Insn i) {
        c.setReg(i.dst, i.dstSize, c.src(i));
    }

    /** MOVSX, MOVSXD. */
    public static void movsx(X86Cpu c, Insn i) {
        int shift = 64 - 8 * i.srcSize;
        c.setReg(i.dst, i.dstSize, c.src(i) << shift >> shift);
    }

    /** LEA. */
    public static void lea(X86Cpu c, Insn i) {
        c.setReg(i.dst, i.dstSize, c.effective(i));
    }

    /** CBW, CWDE, CDQE. */
    public static void cbw(X86Cpu c, Insn i) {
        int half = i.operandSize / 2;
        int shift = 64 - 8 * half;
        c.setReg(RAX, i.operandSize, c.reg(RAX, half) << shift >> shift);
    }

    /** CWD, CDQ, CQO. */
    public static void cwd(X86Cpu c, Insn i) {
        int shift = 64 - 8 * i.operandSize;
        c.setReg(RDX, i.operandSize, c.reg(RAX, i.operandSize) << shift >> 63);
    }

    /** CLFLUSH, CLFLUSHOPT and CLWB: there is no cache, but the segment is checked. */
    public static void flush(X86Cpu c, Insn i) {
        c.linearRead(i, 1);
    }

    /** NOP with a ModRM operand, PREFETCH, and the like: no access at all. */
    public static void nop(X86Cpu c, Insn i) {
        // Nothing happens.
    }

    /** MFENCE: stores before it are seen by all before loads after it are made (SDM vol. 3A, section 8.2.5). */
    public static void mfence(X86Cpu c, Insn i) {
        VarHandle.fullFence();
    }

    /** LFENCE: loads before it are made before anything after it. */
    public static void lfence(X86Cpu c, Insn i) {
        VarHandle.acquireFence();
    }

    /** SFENCE: stores before it are seen before stores after it. */
    public static void sfence(X86Cpu c, Insn i) {
        VarHandle.releaseFence();
    }

    /** XLAT. */
    public static void xlat(X86Cpu c, Insn i) {
        long offset = c.general(3) + c.reg(RAX, 1) & i.addressMask;
        c.setReg(RAX, 1, c.mmu.load(c.linear(i.segment, offset, 1, false), 1));
    }

    // ---- flags ----

    /** LAHF: on the first 64-bit processors not in 64-bit mode. */
    public static void lahf(X86Cpu c, Insn i) {
        requireLahf(c);
        c.setReg(AH, 1, c.arithmeticFlags() & 0xff | Rflags.RESERVED_ONE);
    }

    private static void requireLahf(X86Cpu c) {
        if (c.codeBits == 64) {
            c.require(Feature.LAHF_LM);
        }
    }

    /** SAHF: OF stays. */
    public static void sahf(X86Cpu c, Insn i) {
        requireLahf(c);
        c.setArithmeticFlags(c.reg(AH, 1) & 0xd5 | (c.of() ? Rflags.OF : 0));
    }

    /** CLC. */
    public static void clc(X86Cpu c, Insn i) {
        c.setCf(false);
    }

    /** STC. */
    public static void stc(X86Cpu c, Insn i) {
        c.setCf(true);
    }

    /** CMC. */
    public static void cmc(X86Cpu c, Insn i) {
        c.setCf(!c.cf());
    }

    /** CLD. */
    public static void cld(X86Cpu c, Insn i) {
        c.setFlag(Rflags.DF, false);
    }

    /** STD. */
    public static void std(X86Cpu c, Insn i) {
        c.setFlag(Rflags.DF, true);
    }

    /** SALC: AL becomes the carry. */
    public static void salc(X86Cpu c, Insn i) {
        c.setReg(RAX, 1, c.cf() ? 0xff : 0);
    }

    // ---- stack ----

    /** PUSH. */
    public static void push(X86Cpu c, Insn i) {
        int size = i.operandSize;
        c.push(size, i.dst == Insn.IMM ? i.imm : i.dst >= 0 ? c.reg(i.dst, size) : c.load(i, size));
    }

    /** PUSH of a segment register. */
    public static void pushSegment(X86Cpu c, Insn i) {
        c.push(i.operandSize, c.reg(i.dst + 16, 2));
    }

    /** POP: with RSP as the base of the operand, RSP is already that after the pop (SDM vol. 2B, POP). */
    public static void pop(X86Cpu c, Insn i) {
        int size = i.operandSize;
        long value = c.peek(size, 0);
        if (i.dst >= 0) {
            c.setStackPointer(c.stackPointer() + size);
            c.setReg(i.dst, size, value);
            return;
        }
        long old = c.general(4);
        c.setStackPointer(c.stackPointer() + size);
        try {
            c.store(i, size, value);
        } catch (RuntimeException leaving) {
            c.setGeneral(4, old);
            throw leaving;
        }
    }

    /** POP of a segment register. */
    public static void popSegment(X86Cpu c, Insn i) {
        int selector = (int) c.peek(2, 0);
        int segment = (i.dst - CpuState.SEGMENTS) / CpuState.SEGMENT_SIZE;
        c.segments.load(segment, selector);
        c.setStackPointer(c.stackPointer() + i.operandSize);
        shadow(c, segment);
    }

    /** PUSHA. */
    public static void pusha(X86Cpu c, Insn i) {
        int size = i.operandSize;
        long sp = c.general(4);
        try {
            for (int n = 0; n < 8; n++) {
                c.push(size, n == 4 ? sp : c.general(n));
            }
        } catch (RuntimeException leaving) {
            c.setGeneral(4, sp);
            throw leaving;
        }
    }

    /** POPA: the saved stack pointer is thrown away. */
    public static void popa(X86Cpu c, Insn i) {
        int size = i.operandSize;
        long[] values = new long[8];
        for (int n = 0; n < 8; n++) {
            values[7 - n] = c.peek(size, (long) n * size);
        }
        c.setStackPointer(c.stackPointer() + 8L * size);
        for (int n = 0; n < 8; n++) {
            if (n != 4) {
                c.setReg(CpuState.GENERAL + 8 * n, size, values[n]);
            }
        }
    }

    /** PUSHF: VM and RF are pushed as zero; in virtual-8086 mode it needs IOPL 3. */
    public static void pushf(X86Cpu c, Insn i) {
        requireIopl(c);
        c.push(i.operandSize, c.rflags() & ~(Rflags.VM | Rflags.RF));
    }

    /** POPF (SDM vol. 2B, table 4-15). */
    public static void popf(X86Cpu c, Insn i) {
        requireIopl(c);
        long value = c.peek(i.operandSize, 0);
        c.setStackPointer(c.stackPointer() + i.operandSize);
        int iopl = (int) (c.systemFlags() & Rflags.IOPL) >> Rflags.IOPL_SHIFT;
        long mask = Rflags.ALL & ~(Rflags.VM | Rflags.RF | Rflags.VIF | Rflags.VIP);
        mask &= c.protectedMode() && c.cpl > iopl ? ~Rflags.IF : -1;
        mask &= c.protectedMode() && (c.cpl > 0 || c.virtual8086()) ? ~Rflags.IOPL : -1;
        mask &= i.operandSize == 2 ? 0xffff : 0xffff_ffffL;
        c.setRflags(c.rflags() & ~mask & ~Rflags.RF | value & mask);
    }

    private static void requireIopl(X86Cpu c) {
        if (c.virtual8086() && (c.systemFlags() & Rflags.IOPL) != Rflags.IOPL) {
            throw c.fault(Vector.GP, 0);
        }
    }

    /** ENTER (SDM vol. 2A): everything is read and probed before RSP and RBP change. */
    public static void enter(X86Cpu c, Insn i) {
        int size = i.operandSize;
        int level = i.imm2 & 31;
        long oldSp = c.general(4);
        long oldBp = c.general(5);
        try {
            c.push(size, oldBp);
            long frame = c.stackPointer();
            copyDisplay(c, size, level, oldBp, frame);
            c.setReg(CpuState.GENERAL + 40, size, frame);
            c.setStackPointer(c.stackPointer() - (i.imm & 0xffff));
            c.mmu.probeWrite(c.linear(Segment.SS, c.stackPointer(), size, true), size);
        } catch (RuntimeException leaving) {
            c.setGeneral(4, oldSp);
            c.setGeneral(5, oldBp);
            throw leaving;
        }
    }

    private static void copyDisplay(X86Cpu c, int size, int level, long oldBp, long frame) {
        long bp = oldBp;
        for (int n = 1; n < level; n++) {
            bp = bp - size & c.stackMask;
            c.push(size, c.mmu.load(c.linear(Segment.SS, bp, size, false), size));
        }
        if (level > 0) {
            c.push(size, frame);
        }
    }

    /** LEAVE. */
    public static void leave(X86Cpu c, Insn i) {
        int size = i.operandSize;
        long bp = c.general(5) & c.stackMask;
        long value = c.mmu.load(c.linear(Segment.SS, bp, size, false), size);
        c.setStackPointer(bp + size);
        c.setReg(CpuState.GENERAL + 40, size, value);
    }

    // ---- segment registers ----

    /** MOV from a segment register: a register operand is written in full, memory gets 16 bits. */
    public static void movFromSegment(X86Cpu c, Insn i) {
        if (i.reg() > Segment.GS) {
            throw c.fault(Vector.UD);
        }
        long selector = c.reg(i.src + 16, 2);
        if (i.dst >= 0) {
            c.setReg(i.dst, i.operandSize, selector);
        } else {
            c.store(i, 2, selector);
        }
    }

    /** MOV to a segment register; CS is #UD. */
    public static void movToSegment(X86Cpu c, Insn i) {
        int segment = i.reg();
        if (segment == Segment.CS || segment > Segment.GS) {
            throw c.fault(Vector.UD);
        }
        c.segments.load(segment, (int) c.src(i) & 0xffff);
        shadow(c, segment);
    }

    /** A load of SS holds back interrupts and debug traps for one instruction (SDM vol. 3A, section 6.8.3). */
    private static void shadow(X86Cpu c, int segment) {
        if (segment == Segment.SS) {
            c.interruptShadow = true;
            c.stackShadow = true;
            c.leaveBlock = true;
        }
    }

    /** LES, LDS, LSS, LFS, LGS. */
    public static void loadFar(X86Cpu c, Insn i, int segment) {
        int size = i.operandSize;
        long linear = c.linearRead(i, size + 2);
        long offset = c.mmu.load(linear, size);
        int selector = (int) c.mmu.load(linear + size, 2);
        c.segments.load(segment, selector);
        c.setReg(i.dst, size, offset);
    }

    /** LES. */
    public static void les(X86Cpu c, Insn i) {
        loadFar(c, i, Segment.ES);
    }

    /** LDS. */
    public static void lds(X86Cpu c, Insn i) {
        loadFar(c, i, Segment.DS);
    }

    /** LSS. */
    public static void lss(X86Cpu c, Insn i) {
        loadFar(c, i, Segment.SS);
        c.leaveBlock = true;
    }

    /** LFS. */
    public static void lfs(X86Cpu c, Insn i) {
        loadFar(c, i, Segment.FS);
    }

    /** LGS. */
    public static void lgs(X86Cpu c, Insn i) {
        loadFar(c, i, Segment.GS);
    }
}
