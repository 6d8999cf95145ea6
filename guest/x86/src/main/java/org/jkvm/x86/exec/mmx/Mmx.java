package org.jkvm.x86.exec.mmx;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putByte;
import static org.jkvm.linux.RawMemory.putLong;
import static org.jkvm.linux.RawMemory.putShort;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.exec.x87.X87Ops;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;

/**
 * What all MMX instructions share. MMn is the significand of x87 register Rn: executing one sets TOP to 0, marks all
 * registers as in use, and writing one sets its sign and exponent to ones (SDM vol. 1, 9.2.2; vol. 3A, 12.2).
 */
final class Mmx {
    private static final long NOT_NOW = Control.CR0_EM | Control.CR0_TS;
    private static final int ALL_IN_USE = 0xff;
    private static final int TOP = 0x3800;
    private static final int EXPONENT = 8;

    private Mmx() {
    }

    /** Raises #UD if CR0.EM is set, #NM if CR0.TS is set, and pending x87 errors (SDM vol. 3A, 12.1 and 12.5). */
    static void check(X86Cpu c) {
        if ((c.control(0) & NOT_NOW) != 0) {
            throw c.fault((c.control(0) & Control.CR0_EM) != 0 ? Vector.UD : Vector.NM);
        }
        if (c.x87.state().isPending()) {
            X87Ops.raisePending(c);
        }
    }

    /** The second operand: a register, or 8 bytes of memory. */
    static long source(X86Cpu c, Insn i) {
        return i.src >= 0 ? getLong(c.st + i.src) : c.mmu.load64(c.linearRead(i, 8));
    }

    /** Turns the x87 registers into MMX registers; to be called when nothing can fault any more. */
    static void enter(X86Cpu c) {
        int status = c.x87.state().status();
        if ((status & TOP) != 0) {
            putShort(c.st + CpuState.FSW, status & ~TOP);
        }
        putByte(c.st + CpuState.FTW, ALL_IN_USE);
    }

    /** Writes the register at {@code offset} in the struct. */
    static void set(X86Cpu c, int offset, long value) {
        putLong(c.st + offset, value);
        putShort(c.st + offset + EXPONENT, 0xffff);
    }

    /** {@link #enter}s, and writes the first operand. */
    static void finish(X86Cpu c, Insn i, long value) {
        enter(c);
        set(c, i.dst, value);
    }
}
