package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;

import java.util.function.IntUnaryOperator;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.Approximation;
import org.jkvm.x86.isa.Insn;

/** RCPPS, RSQRTPS and their scalar forms, which neither look at MXCSR nor change it. */
public final class SseApproximate {
    private SseApproximate() {
    }

    /** RCPPS. */
    public static void reciprocalsPacked(X86Cpu c, Insn i) {
        packed(c, i, Approximation::reciprocal);
    }

    /** RCPSS. */
    public static void reciprocalScalar(X86Cpu c, Insn i) {
        putInt(c.st + i.dst, Approximation.reciprocal(Sse.low32(c, i)));
    }

    /** RSQRTPS. */
    public static void rootsPacked(X86Cpu c, Insn i) {
        packed(c, i, Approximation::reciprocalSquareRoot);
    }

    /** RSQRTSS. */
    public static void rootScalar(X86Cpu c, Insn i) {
        putInt(c.st + i.dst, Approximation.reciprocalSquareRoot(Sse.low32(c, i)));
    }

    private static void packed(X86Cpu c, Insn i, IntUnaryOperator op) {
        long b = Sse.aligned(c, i);
        long low = pair(getLong(b), op);
        Sse.set(c, i.dst, low, pair(getLong(b + 8), op));
    }

    private static long pair(long x, IntUnaryOperator op) {
        return Lanes.pair(op.applyAsInt((int) x), op.applyAsInt((int) (x >> 32)));
    }
}
