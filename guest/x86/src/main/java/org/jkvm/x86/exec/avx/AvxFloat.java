package org.jkvm.x86.exec.avx;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.exec.sse.Sse4;
import org.jkvm.x86.isa.Insn;

/** Floating-point instructions whose lanes cannot be computed one after the other. */
public final class AvxFloat {
    private AvxFloat() {
    }

    /** VDPPS. */
    public static void dotFloats(X86Cpu c, Insn i) {
        Avx.check(c);
        long b = c.st + Avx.operand(c, i, i.src2, i.src2Size);
        Avx.set(c, i.dst, Sse4.dotFloats(c, (int) i.imm, c.st + i.src, b, i.dstSize), i.dstSize);
    }

    /** VDPPD. */
    public static void dotDoubles(X86Cpu c, Insn i) {
        Avx.check(c);
        long b = c.st + Avx.operand(c, i, i.src2, i.src2Size);
        Avx.set(c, i.dst, Sse4.dotDoubles(c, (int) i.imm, c.st + i.src, b), i.dstSize);
    }
}
