package org.jkvm.x86.exec.avx;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.HostAccess;
import org.jkvm.x86.state.CpuState;

/** Moves of whole registers, masked moves, masks of signs, VZEROUPPER and VZEROALL (SDM vol. 1, 14.1 and 14.7). */
public final class AvxMoves {
    private AvxMoves() {
    }

    // ---- whole registers ----

    /** VMOVUPS, VMOVUPD, VMOVDQU, VLDDQU: to a register. */
    public static void load(X86Cpu c, Insn i) {
        Avx.check(c);
        Avx.set(c, i.dst, c.st + Avx.operand(c, i, i.src, i.dstSize), i.dstSize);
    }

    /** VMOVAPS, VMOVAPD, VMOVDQA, VMOVNTDQA: to a register. */
    public static void loadAligned(X86Cpu c, Insn i) {
        Avx.check(c);
        if (i.src < 0) {
            Avx.aligned(c, c.linearRead(i, i.dstSize), i.dstSize);
        }
        load(c, i);
    }

    /** VMOVUPS, VMOVUPD, VMOVDQU: from a register. */
    public static void store(X86Cpu c, Insn i) {
        Avx.check(c);
        if (i.dst >= 0) {
            Avx.set(c, i.dst, c.st + i.src, i.dstSize);
        } else {
            Avx.store(c, c.linearWrite(i, i.dstSize), c.st + i.src, i.dstSize);
        }
    }

    /** VMOVAPS, VMOVAPD, VMOVDQA, VMOVNTPS, VMOVNTPD, VMOVNTDQ: from a register. */
    public static void storeAligned(X86Cpu c, Insn i) {
        Avx.check(c);
        if (i.dst < 0) {
            Avx.aligned(c, c.linearWrite(i, i.dstSize), i.dstSize);
        }
        store(c, i);
    }

    /** An instruction that does what SSE's does, to general registers or memory, or with the implied rDI. */
    public static Handler same(Handler sse) {
        return Avx.same(sse);
    }

    /** An instruction that sets a whole XMM register as SSE's does. */
    public static Handler narrow(Handler sse) {
        return Avx.narrow(sse);
    }

    /** PCMPESTRM, PCMPISTRM: as SSE's, and the upper half of YMM0 becomes zero. */
    public static Handler toFirst(Handler sse) {
        return (c, i) -> {
            Avx.check(c);
            c.sse.asVex(c, sse, i);
            Avx.clearUpper(c, CpuState.vector(0));
        };
    }

    // ---- masked moves: VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ ----

    /** To a register; elements that the mask does not choose become zero and raise nothing. */
    public static Handler maskedLoad(int size) {
        return (c, i) -> {
            Avx.check(c);
            Avx.set(c, CpuState.LANES, 0, 0);
            for (int at = 0; at < i.dstSize; at += size) {
                if (chosen(c, i, at, size)) {
                    HostAccess.write(c.st + CpuState.LANES + at, size, c.mmu.load(linear(c, i, at, size, false), size));
                }
            }
            Avx.set(c, i.dst, c.st + CpuState.LANES, i.dstSize);
        };
    }

    /** To memory. */
    public static Handler maskedStore(int size) {
        return (c, i) -> {
            Avx.check(c);
            for (int at = 0; at < i.dstSize; at += size) {
                if (chosen(c, i, at, size)) {
                    c.mmu.probeWrite(linear(c, i, at, size, true), size);
                }
            }
            for (int at = 0; at < i.dstSize; at += size) {
                if (chosen(c, i, at, size)) {
                    c.mmu.store(linear(c, i, at, size, true), size, HostAccess.read(c.st + i.src2 + at, size));
                }
            }
        };
    }

    /** Whether the element at byte {@code at} of the mask, the second operand, has its sign set. */
    private static boolean chosen(X86Cpu c, Insn i, int at, int size) {
        return getInt(c.st + i.src + at + size - 4) < 0;
    }

    private static long linear(X86Cpu c, Insn i, int at, int size, boolean write) {
        return c.linear(i.segment, c.effective(i) + at & i.addressMask, size, write);
    }

    // ---- masks of signs ----

    /** VMOVMSKPS, VMOVMSKPD, VPMOVMSKB of two lanes, of {@code bits} bits each. */
    public static Handler signs(Handler sse, int bits) {
        return (c, i) -> {
            Avx.check(c);
            long mask = 0;
            for (int n = 0; n < i.srcSize / 16; n++) {
                c.lane.dst = CpuState.LANES;
                c.lane.src = (short) (i.src + 16 * n);
                c.sse.part(c, sse, c.lane);
                mask |= getLong(c.st + CpuState.LANES) << bits * n;
            }
            c.setReg(i.dst, 4, mask);
        };
    }

    // ---- clearing ----

    /** VZEROUPPER. */
    public static void zeroUpper(X86Cpu c, Insn i) {
        Avx.check(c);
        for (int n = 0; n < registers(i); n++) {
            Avx.clearUpper(c, CpuState.vector(n));
        }
    }

    /** VZEROALL. */
    public static void zeroAll(X86Cpu c, Insn i) {
        Avx.check(c);
        for (int n = 0; n < registers(i); n++) {
            Avx.set(c, CpuState.vector(n), 0, 0);
        }
    }

    private static int registers(Insn i) {
        return i.bits64 ? 16 : 8;
    }
}
