package org.jkvm.x86.exec.avx;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.exec.sse.Lanes;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;

/** Broadcasts, permutes, moves of 128-bit halves, and tests, that AVX and AVX2 have and SSE has not. */
public final class AvxShuffles {
    private static final int LANE = 16;
    private static final int ZERO_LOW = 8;
    private static final int ZERO_HIGH = 0x80;

    private AvxShuffles() {
    }

    // ---- broadcasts ----

    /** VBROADCASTSS and its kin: the low {@code size} bytes of the source, 1 to 16, everywhere. */
    public static Handler broadcast(int size) {
        return (c, i) -> {
            Avx.check(c);
            long source = c.st + Avx.operand(c, i, i.src, size);
            long low = repeated(getLong(source), size);
            long high = size == LANE ? getLong(source + 8) : low;
            for (int at = 0; at < 32; at += LANE) {
                putLong(c.st + i.dst + at, at < i.dstSize ? low : 0);
                putLong(c.st + i.dst + at + 8, at < i.dstSize ? high : 0);
            }
        };
    }

    private static long repeated(long value, int size) {
        return switch (size) {
            case 1 -> (value & 0xff) * 0x0101_0101_0101_0101L;
            case 2 -> (value & 0xffff) * 0x0001_0001_0001_0001L;
            case 4 -> (value & 0xffff_ffffL) * 0x1_0000_0001L;
            default -> value;
        };
    }

    // ---- halves ----

    /** VEXTRACTF128, VEXTRACTI128. */
    public static void extract(X86Cpu c, Insn i) {
        Avx.check(c);
        long half = c.st + i.src + LANE * (i.imm & 1);
        if (i.dst >= 0) {
            Avx.set(c, i.dst, half, LANE);
        } else {
            Avx.store(c, c.linearWrite(i, LANE), half, LANE);
        }
    }

    /** VINSERTF128, VINSERTI128. */
    public static void insert(X86Cpu c, Insn i) {
        Avx.check(c);
        long half = c.st + Avx.operand(c, i, i.src2, LANE);
        Avx.set(c, CpuState.LANES, c.st + i.src, 32);
        Avx.copy(half, c.st + CpuState.LANES + LANE * (i.imm & 1), LANE);
        Avx.set(c, i.dst, c.st + CpuState.LANES, 32);
    }

    /** VPERM2F128, VPERM2I128: each half is one of the sources' four, or zero. */
    public static void permuteHalves(X86Cpu c, Insn i) {
        Avx.check(c);
        long second = c.st + Avx.operand(c, i, i.src2, 32);
        Avx.set(c, CpuState.LANES, 0, 0);
        if ((i.imm & ZERO_LOW) == 0) {
            Avx.copy(half(c, i, second, (int) i.imm), c.st + CpuState.LANES, LANE);
        }
        if ((i.imm & ZERO_HIGH) == 0) {
            Avx.copy(half(c, i, second, (int) i.imm >> 4), c.st + CpuState.LANES + LANE, LANE);
        }
        Avx.set(c, i.dst, c.st + CpuState.LANES, 32);
    }

    private static long half(X86Cpu c, Insn i, long second, int which) {
        return ((which & 2) != 0 ? second : c.st + i.src) + LANE * (which & 1);
    }

    // ---- permutes ----

    /** One lane of VPERMILPD with an immediate. */
    public static void permuteDoubles(X86Cpu c, Insn lane) {
        long b = c.st + lane.src;
        long low = getLong(b + 8 * (lane.imm & 1));
        setLane(c, lane, low, getLong(b + 8 * (lane.imm >> 1 & 1)));
    }

    /** One lane of VPERMILPD whose second source says which quadwords. */
    public static void chooseDoubles(X86Cpu c, Insn lane) {
        long a = c.st + lane.dst;
        long low = getLong(a + 8 * (getLong(c.st + lane.src) >> 1 & 1));
        setLane(c, lane, low, getLong(a + 8 * (getLong(c.st + lane.src + 8) >> 1 & 1)));
    }

    /** One lane of VPERMILPS whose second source says which doublewords. */
    public static void chooseFloats(X86Cpu c, Insn lane) {
        long b = c.st + lane.src;
        long low = Lanes.pair(chosen(c, lane, getInt(b)), chosen(c, lane, getInt(b + 4)));
        setLane(c, lane, low, Lanes.pair(chosen(c, lane, getInt(b + 8)), chosen(c, lane, getInt(b + 12))));
    }

    private static int chosen(X86Cpu c, Insn lane, int which) {
        return getInt(c.st + lane.dst + 4 * (which & 3));
    }

    private static void setLane(X86Cpu c, Insn lane, long low, long high) {
        putLong(c.st + lane.dst, low);
        putLong(c.st + lane.dst + 8, high);
    }

    /** VPERMD, VPERMPS: the first source says which doublewords of the second. */
    public static void permuteDwords(X86Cpu c, Insn i) {
        Avx.check(c);
        long b = c.st + Avx.operand(c, i, i.src2, 32);
        for (int at = 0; at < 32; at += 4) {
            putInt(c.st + CpuState.LANES + at, getInt(b + 4 * (getInt(c.st + i.src + at) & 7)));
        }
        Avx.set(c, i.dst, c.st + CpuState.LANES, 32);
    }

    /** VPERMQ, VPERMPD: the immediate says which quadwords. */
    public static void permuteQwords(X86Cpu c, Insn i) {
        Avx.check(c);
        long b = c.st + Avx.operand(c, i, i.src, 32);
        for (int n = 0; n < 4; n++) {
            putLong(c.st + CpuState.LANES + 8 * n, getLong(b + 8 * (i.imm >> 2 * n & 3)));
        }
        Avx.set(c, i.dst, c.st + CpuState.LANES, 32);
    }

    // ---- tests ----

    /** VPTEST, VTESTPS, VTESTPD: ZF and CF by the bits in {@code mask} of each quadword. */
    public static Handler test(long mask) {
        return (c, i) -> {
            Avx.check(c);
            long b = c.st + Avx.operand(c, i, i.src, i.srcSize);
            long common = 0;
            long missing = 0;
            for (int at = 0; at < i.srcSize; at += 8) {
                common |= getLong(c.st + i.dst + at) & getLong(b + at);
                missing |= ~getLong(c.st + i.dst + at) & getLong(b + at);
            }
            c.setArithmeticFlags(((common & mask) == 0 ? Rflags.ZF : 0) | ((missing & mask) == 0 ? Rflags.CF : 0));
        };
    }
}
