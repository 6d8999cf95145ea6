package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;

/**
 * What all SSE instructions share: whether they may run at all (SDM vol. 3A, table 13-1), and their operands. A source is
 * handed out as the host address of its bytes: of the register, of guest RAM, or of a copy in the struct's scratch. Every
 * fault an operand can raise has been raised when its address is known.
 */
public final class Sse {
    private static final long NOT_NOW = Control.CR0_EM | Control.CR0_TS;

    private Sse() {
    }

    // ---- permission ----

    /** Raises #UD if CR0.EM is set or CR4.OSFXSR is clear, #NM if CR0.TS is set. */
    public static void check(X86Cpu c) {
        if ((c.control(0) & NOT_NOW) != 0 || (c.control(4) & Control.CR4_OSFXSR) == 0) {
            unavailable(c);
        }
    }

    private static void unavailable(X86Cpu c) {
        if (!c.sse.isVex()) {
            boolean emulated = (c.control(0) & Control.CR0_EM) != 0 || (c.control(4) & Control.CR4_OSFXSR) == 0;
            throw c.fault(emulated ? Vector.UD : Vector.NM);
        }
    }

    // ---- sources ----

    /** Checks permission; the address of the 16-byte source, which in memory must be aligned. */
    public static long aligned(X86Cpu c, Insn i) {
        check(c);
        return i.src >= 0 ? c.st + i.src : readable(c, requireAligned(c, c.linearRead(i, 16)));
    }

    /** Checks permission; the address of the 16-byte source, which may lie anywhere. */
    static long unaligned(X86Cpu c, Insn i) {
        check(c);
        return i.src >= 0 ? c.st + i.src : readable(c, c.linearRead(i, 16));
    }

    /** Checks permission; the low 8 bytes of a register source, or 8 bytes of memory. */
    public static long low64(X86Cpu c, Insn i) {
        check(c);
        return i.src >= 0 ? getLong(c.st + i.src) : c.mmu.load64(c.linearRead(i, 8));
    }

    /** Checks permission; the low 4 bytes of a register source, or 4 bytes of memory. */
    static int low32(X86Cpu c, Insn i) {
        check(c);
        return i.src >= 0 ? getInt(c.st + i.src) : (int) c.mmu.load32(c.linearRead(i, 4));
    }

    private static long requireAligned(X86Cpu c, long linear) {
        if ((linear & 15) != 0) {
            throw c.fault(Vector.GP, 0);
        }
        return linear;
    }

    private static long readable(X86Cpu c, long linear) {
        long host = c.mmu.hostForRead(linear, 16);
        return host != 0 ? host : copied(c, linear);
    }

    private static long copied(X86Cpu c, long linear) {
        long low = c.mmu.load64(linear);
        long high = c.mmu.load64(next(c, linear));
        putLong(c.st + CpuState.SCRATCH, low);
        putLong(c.st + CpuState.SCRATCH + 8, high);
        return c.st + CpuState.SCRATCH;
    }

    /** 8 bytes further; linear addresses wrap at 4 GiB outside 64-bit mode. */
    private static long next(X86Cpu c, long linear) {
        return c.codeBits == 64 ? linear + 8 : linear + 8 & 0xffff_ffffL;
    }

    // ---- destinations ----

    /** Writes the register at {@code offset} in the struct. */
    static void set(X86Cpu c, int offset, long low, long high) {
        putLong(c.st + offset, low);
        putLong(c.st + offset + 8, high);
    }

    /** Copies 16 bytes from {@code source} to the first operand, a register. */
    static void copy(X86Cpu c, Insn i, long source) {
        long low = getLong(source);
        long high = getLong(source + 8);
        set(c, i.dst, low, high);
    }

    /** Writes 16 bytes to the memory operand, which must be aligned. */
    static void storeAligned(X86Cpu c, Insn i, long low, long high) {
        store(c, requireAligned(c, c.linearWrite(i, 16)), low, high);
    }

    /** Writes 16 bytes to the memory operand. */
    static void storeUnaligned(X86Cpu c, Insn i, long low, long high) {
        store(c, c.linearWrite(i, 16), low, high);
    }

    private static void store(X86Cpu c, long linear, long low, long high) {
        long host = c.mmu.hostForWrite(linear, 16);
        if (host != 0) {
            putLong(host, low);
            putLong(host + 8, high);
        } else {
            c.mmu.probeWrite(linear, 16);
            c.mmu.store64(linear, low);
            c.mmu.store64(next(c, linear), high);
        }
    }
}
