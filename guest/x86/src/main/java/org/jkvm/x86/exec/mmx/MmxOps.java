package org.jkvm.x86.exec.mmx;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putByte;
import static org.jkvm.linux.RawMemory.putLong;

import java.util.function.LongBinaryOperator;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.exec.sse.Lanes;
import org.jkvm.x86.exec.sse.Shuffles;
import org.jkvm.x86.exec.sse.Sse;
import org.jkvm.x86.exec.sse.SseConvert;
import org.jkvm.x86.exec.sse.SseMoves;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/** Instructions on MMX registers, those of SSE to SSSE3 too. */
public final class MmxOps {
    private MmxOps() {
    }

    /** A function of both operands. */
    public static Handler binary(LongBinaryOperator op) {
        return (c, i) -> {
            Mmx.check(c);
            long b = Mmx.source(c, i);
            Mmx.finish(c, i, op.applyAsLong(getLong(c.st + i.dst), b));
        };
    }

    /** PUNPCKL: of the second operand only 4 bytes are read. */
    public static Handler unpackLow(LongBinaryOperator interleave) {
        return (c, i) -> {
            Mmx.check(c);
            long b = i.src >= 0 ? getLong(c.st + i.src) : c.mmu.load32(c.linearRead(i, 4));
            Mmx.finish(c, i, interleave.applyAsLong(getLong(c.st + i.dst), b));
        };
    }

    /** PUNPCKH. */
    public static Handler unpackHigh(LongBinaryOperator interleave) {
        return binary((a, b) -> interleave.applyAsLong(a >>> 32, b >>> 32));
    }

    /** A shift by the immediate. */
    public static Handler shiftImmediate(LongBinaryOperator op) {
        return (c, i) -> {
            Mmx.check(c);
            Mmx.finish(c, i, op.applyAsLong(getLong(c.st + i.dst), i.imm));
        };
    }

    // ---- moves ----

    /** EMMS: all x87 registers become empty. */
    public static void emms(X86Cpu c, Insn i) {
        Mmx.check(c);
        Mmx.enter(c);
        putByte(c.st + CpuState.FTW, 0);
    }

    /** MOVQ to a register. */
    public static void load(X86Cpu c, Insn i) {
        Mmx.check(c);
        Mmx.finish(c, i, Mmx.source(c, i));
    }

    /** MOVQ, MOVNTQ from a register. */
    public static void store(X86Cpu c, Insn i) {
        Mmx.check(c);
        long value = getLong(c.st + i.src);
        if (i.dst >= 0) {
            Mmx.finish(c, i, value);
        } else {
            c.mmu.store64(c.linearWrite(i, 8), value);
            Mmx.enter(c);
        }
    }

    /** MOVD, MOVQ from a general register or memory. */
    public static void fromGeneral(X86Cpu c, Insn i) {
        Mmx.check(c);
        Mmx.finish(c, i, c.src(i));
    }

    /** MOVD, MOVQ to a general register or memory. */
    public static void toGeneral(X86Cpu c, Insn i) {
        Mmx.check(c);
        c.setDst(i, c.reg(i.src, i.dstSize));
        Mmx.enter(c);
    }

    /** MOVQ2DQ. */
    public static void toXmm(X86Cpu c, Insn i) {
        Sse.check(c);
        Mmx.check(c);
        Mmx.enter(c);
        putLong(c.st + i.dst, getLong(c.st + i.src));
        putLong(c.st + i.dst + 8, 0);
    }

    /** MOVDQ2Q. */
    public static void fromXmm(X86Cpu c, Insn i) {
        Sse.check(c);
        Mmx.check(c);
        Mmx.finish(c, i, getLong(c.st + i.src));
    }

    // ---- SSE's additions ----

    /** PMOVMSKB. */
    public static void signs(X86Cpu c, Insn i) {
        Mmx.check(c);
        Mmx.enter(c);
        c.setReg(i.dst, 4, Lanes.signs(getLong(c.st + i.src)));
    }

    /** MASKMOVQ: writes the bytes of the first operand that the second one's signs choose, at DS:rDI. */
    public static void maskedStore(X86Cpu c, Insn i) {
        Mmx.check(c);
        SseMoves.storeChosen(c, i, c.st + i.dst, 8, Lanes.signs(getLong(c.st + i.src)));
        Mmx.enter(c);
    }

    /** PSHUFW. */
    public static void shuffleWords(X86Cpu c, Insn i) {
        Mmx.check(c);
        Mmx.finish(c, i, Lanes.shuffleWords(Mmx.source(c, i), i.imm));
    }

    /** PINSRW. */
    public static void insertWord(X86Cpu c, Insn i) {
        Mmx.check(c);
        long word = Shuffles.element(c, i, 2) & 0xffff;
        int at = (int) (i.imm & 3) * 16;
        Mmx.finish(c, i, getLong(c.st + i.dst) & ~(0xffffL << at) | word << at);
    }

    /** PEXTRW. */
    public static void extractWord(X86Cpu c, Insn i) {
        Mmx.check(c);
        Mmx.enter(c);
        c.setReg(i.dst, 4, getLong(c.st + i.src) >>> 16 * (i.imm & 3) & 0xffff);
    }

    /** PALIGNR: the first operand stands above the second. */
    public static void align(X86Cpu c, Insn i) {
        Mmx.check(c);
        long low = Mmx.source(c, i);
        Mmx.finish(c, i, Shuffles.align(low, getLong(c.st + i.dst), i.imm));
    }

    // ---- conversions ----

    /** CVTPS2PI, and CVTTPS2PI with {@code truncate}; #XM leaves the registers MMX ones, as on processors tried. */
    public static Handler fromFloats(boolean truncate) {
        return (c, i) -> {
            Mmx.check(c);
            long floats = Sse.low64(c, i);
            Mmx.enter(c);
            Mmx.set(c, i.dst, SseConvert.floatsToPair(c, floats, truncate));
        };
    }

    /** CVTPD2PI, and CVTTPD2PI with {@code truncate}. */
    public static Handler fromDoubles(boolean truncate) {
        return (c, i) -> {
            Mmx.check(c);
            long doubles = Sse.aligned(c, i);
            Mmx.enter(c);
            Mmx.set(c, i.dst, SseConvert.doublesToPair(c, doubles, truncate));
        };
    }

    /** CVTPI2PS. */
    public static void toFloats(X86Cpu c, Insn i) {
        SseConvert.pairToFloats(c, i, dwords(c, i));
    }

    /** CVTPI2PD. */
    public static void toDoubles(X86Cpu c, Insn i) {
        SseConvert.pairToDoubles(c, i, dwords(c, i));
    }

    /**
     * The source of CVTPI2PD or CVTPI2PS. From memory it leaves the x87 registers alone: for CVTPI2PD the SDM says so too,
     * for CVTPI2PS the AMD64 APM (vol. 5) alone.
     */
    private static long dwords(X86Cpu c, Insn i) {
        Sse.check(c);
        if (i.src < 0) {
            return Mmx.source(c, i);
        }
        Mmx.check(c);
        Mmx.enter(c);
        return getLong(c.st + i.src);
    }
}
