package org.jkvm.x86.exec.avx;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;

/**
 * What all VEX-encoded vector instructions share: whether they may run at all (SDM vol. 2A, section 2.4), their operands,
 * which in memory need no alignment where the instruction does not ask for it, and upper halves, which become zero
 * (vol. 1, section 14.1.2).
 */
final class Avx {
    /** XCR0: SSE and AVX state are switched by the operating system. */
    private static final long STATE = 6;

    private Avx() {
    }

    // ---- permission ----

    /** Raises #UD without protected mode, CR4.OSXSAVE or XCR0's bits, #NM if CR0.TS is set. */
    static void check(X86Cpu c) {
        boolean enabled = c.protectedMode() && !c.virtual8086() && (c.control(4) & Control.CR4_OSXSAVE) != 0
                && (c.msrs.xcr0() & STATE) == STATE;
        if (!enabled || (c.control(0) & Control.CR0_TS) != 0) {
            throw c.fault(enabled ? Vector.NM : Vector.UD);
        }
    }

    // ---- handlers made of SSE's ----

    /** An instruction without a vector destination that does just what SSE's does. */
    static Handler same(Handler sse) {
        return (c, i) -> {
            check(c);
            c.sse.asVex(c, sse, i);
        };
    }

    /** An instruction that writes a whole XMM register, as SSE's does, and clears the upper half. */
    static Handler narrow(Handler sse) {
        return (c, i) -> {
            check(c);
            c.sse.asVex(c, sse, i);
            clearUpper(c, i.dst);
        };
    }

    // ---- sources ----

    /** The offset in {@link CpuState} of an operand of {@code size} bytes: its register, or scratch that it was read to. */
    static int operand(X86Cpu c, Insn i, int where, int size) {
        if (where >= 0) {
            return where;
        }
        load(c, i, size);
        return CpuState.LANES_SECOND;
    }

    private static void load(X86Cpu c, Insn i, int size) {
        long scratch = c.st + CpuState.LANES_SECOND;
        if (size <= 8) {
            putLong(scratch, c.load(i, size));
        } else {
            load(c, c.linearRead(i, size), scratch, size);
        }
    }

    /** Reads 16 or 32 bytes at {@code linear} to {@code to}. */
    static void load(X86Cpu c, long linear, long to, int size) {
        long host = c.mmu.hostForRead(linear, size);
        for (int at = 0; at < size; at += 8) {
            putLong(to + at, host != 0 ? getLong(host + at) : c.mmu.load64(at(c, linear, at)));
        }
    }

    /** {@code distance} bytes further; linear addresses wrap at 4 GiB outside 64-bit mode. */
    static long at(X86Cpu c, long linear, int distance) {
        return c.codeBits == 64 ? linear + distance : linear + distance & 0xffff_ffffL;
    }

    /** The memory operand's linear address, which must be a multiple of its size. */
    static long aligned(X86Cpu c, long linear, int size) {
        if ((linear & size - 1) != 0) {
            throw c.fault(Vector.GP, 0);
        }
        return linear;
    }

    // ---- destinations ----

    /** Copies 16 or 32 bytes from {@code source} to a register, whose upper half becomes zero if it is 16. */
    static void set(X86Cpu c, int register, long source, int size) {
        for (int at = 0; at < 32; at += 8) {
            putLong(c.st + register + at, at < size ? getLong(source + at) : 0);
        }
    }

    /** Copies {@code size} bytes, 16 or 32. */
    static void copy(long from, long to, int size) {
        for (int at = 0; at < size; at += 8) {
            putLong(to + at, getLong(from + at));
        }
    }

    static void clearUpper(X86Cpu c, int register) {
        putLong(c.st + register + 16, 0);
        putLong(c.st + register + 24, 0);
    }

    /** Writes 16 or 32 bytes from {@code source} to {@code linear}. */
    static void store(X86Cpu c, long linear, long source, int size) {
        long host = c.mmu.hostForWrite(linear, size);
        if (host == 0) {
            c.mmu.probeWrite(linear, size);
        }
        for (int at = 0; at < size; at += 8) {
            long value = getLong(source + at);
            if (host != 0) {
                putLong(host + at, value);
            } else {
                c.mmu.store64(at(c, linear, at), value);
            }
        }
    }
}
