package org.jkvm.x86.exec;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/** IN and OUT with their permission checks (SDM vol. 1, section 18.5). */
public final class Ports {
    private static final int RAX = CpuState.GENERAL;
    private static final int IO_MAP_BASE = 0x66;

    private Ports() {
    }

    /** Checks IOPL and the I/O permission bitmap. */
    static void check(X86Cpu c, int port, int size) {
        int iopl = (int) (c.systemFlags() & Rflags.IOPL) >> Rflags.IOPL_SHIFT;
        boolean free = !c.protectedMode() || c.cpl <= iopl && !c.virtual8086();
        if (!free && !permitted(c, port, size)) {
            throw c.fault(Vector.GP, 0);
        }
        c.debug.watchPort(port, size);
    }

    private static boolean permitted(X86Cpu c, int port, int size) {
        long limit = c.segments.limit(Segment.TR);
        boolean tss32 = (c.segments.access(Segment.TR) & (Segment.UNUSABLE | 8)) == 8;
        if (!tss32 || limit < IO_MAP_BASE + 1) {
            return false;
        }
        long base = c.segments.base(Segment.TR);
        long at = c.mmu.loadSystem(base + IO_MAP_BASE, 2) + (port >>> 3);
        if (at + 1 > limit) {
            return false;
        }
        long bits = c.mmu.loadSystem(base + at, 2) >>> (port & 7);
        return (bits & (1 << size) - 1) == 0;
    }

    private static int port(X86Cpu c, Insn i, int operand) {
        return operand == Insn.IMM ? (int) i.imm & 0xff : (int) c.reg(operand, 2);
    }

    /** IN. */
    public static void in(X86Cpu c, Insn i) {
        int port = port(c, i, i.src);
        check(c, port, i.dstSize);
        c.setReg(RAX, i.dstSize, c.bus.portRead(port, i.dstSize));
    }

    /** OUT. */
    public static void out(X86Cpu c, Insn i) {
        int port = port(c, i, i.dst);
        check(c, port, i.srcSize);
        c.bus.portWrite(port, i.srcSize, (int) c.reg(RAX, i.srcSize));
    }
}
