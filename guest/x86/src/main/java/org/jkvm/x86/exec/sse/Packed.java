package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getLong;

import java.util.function.LongBinaryOperator;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;

/**
 * Families of XMM integer instructions around functions on 64-bit halves, see {@link Lanes}; and, written out, the few that
 * string functions and compilers use all the time.
 */
public final class Packed {
    private Packed() {
    }

    /** Either half from the same half of both operands. */
    public static Handler vertical(LongBinaryOperator half) {
        return (c, i) -> {
            long b = Sse.aligned(c, i);
            long a = c.st + i.dst;
            long low = half.applyAsLong(getLong(a), getLong(b));
            Sse.set(c, i.dst, low, half.applyAsLong(getLong(a + 8), getLong(b + 8)));
        };
    }

    /** The low half from both halves of the first operand, the high half from those of the second (packs, PHADDW). */
    public static Handler horizontal(LongBinaryOperator join) {
        return (c, i) -> {
            long b = Sse.aligned(c, i);
            long a = c.st + i.dst;
            long low = join.applyAsLong(getLong(a), getLong(a + 8));
            Sse.set(c, i.dst, low, join.applyAsLong(getLong(b), getLong(b + 8)));
        };
    }

    /** The low halves of both operands, mixed by a function of their low doublewords (PUNPCKL). */
    public static Handler unpackLow(LongBinaryOperator interleave) {
        return (c, i) -> {
            long b = getLong(Sse.aligned(c, i));
            long a = getLong(c.st + i.dst);
            Sse.set(c, i.dst, interleave.applyAsLong(a, b), interleave.applyAsLong(a >>> 32, b >>> 32));
        };
    }

    /** The high halves, likewise (PUNPCKH). */
    public static Handler unpackHigh(LongBinaryOperator interleave) {
        return (c, i) -> {
            long b = getLong(Sse.aligned(c, i) + 8);
            long a = getLong(c.st + i.dst + 8);
            Sse.set(c, i.dst, interleave.applyAsLong(a, b), interleave.applyAsLong(a >>> 32, b >>> 32));
        };
    }

    /** Either half shifted by the low 64 bits of the second operand. */
    public static Handler shift(LongBinaryOperator half) {
        return (c, i) -> {
            long count = getLong(Sse.aligned(c, i));
            shift(c, i, half, count);
        };
    }

    /** Either half shifted by the immediate. */
    public static Handler shiftImmediate(LongBinaryOperator half) {
        return (c, i) -> {
            Sse.check(c);
            shift(c, i, half, i.imm);
        };
    }

    private static void shift(X86Cpu c, Insn i, LongBinaryOperator half, long count) {
        long a = c.st + i.dst;
        Sse.set(c, i.dst, half.applyAsLong(getLong(a), count), half.applyAsLong(getLong(a + 8), count));
    }

    // ---- the most used ----

    /** PXOR, XORPS, XORPD. */
    public static void xor(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = getLong(a) ^ getLong(b);
        Sse.set(c, i.dst, low, getLong(a + 8) ^ getLong(b + 8));
    }

    /** PAND, ANDPS, ANDPD. */
    public static void and(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = getLong(a) & getLong(b);
        Sse.set(c, i.dst, low, getLong(a + 8) & getLong(b + 8));
    }

    /** PANDN, ANDNPS, ANDNPD. */
    public static void andNot(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = ~getLong(a) & getLong(b);
        Sse.set(c, i.dst, low, ~getLong(a + 8) & getLong(b + 8));
    }

    /** POR, ORPS, ORPD. */
    public static void or(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = getLong(a) | getLong(b);
        Sse.set(c, i.dst, low, getLong(a + 8) | getLong(b + 8));
    }

    /** PADDD. */
    public static void addDwords(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = Lanes.add(Lanes.DWORDS, getLong(a), getLong(b));
        Sse.set(c, i.dst, low, Lanes.add(Lanes.DWORDS, getLong(a + 8), getLong(b + 8)));
    }

    /** PADDQ. */
    public static void addQwords(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = getLong(a) + getLong(b);
        Sse.set(c, i.dst, low, getLong(a + 8) + getLong(b + 8));
    }

    /** PCMPEQB. */
    public static void equalBytes(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = Lanes.equal(Lanes.BYTES, getLong(a), getLong(b));
        Sse.set(c, i.dst, low, Lanes.equal(Lanes.BYTES, getLong(a + 8), getLong(b + 8)));
    }

    /** PMINUB. */
    public static void minBytes(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = Lanes.minUnsigned(Lanes.BYTES, getLong(a), getLong(b));
        Sse.set(c, i.dst, low, Lanes.minUnsigned(Lanes.BYTES, getLong(a + 8), getLong(b + 8)));
    }
}
