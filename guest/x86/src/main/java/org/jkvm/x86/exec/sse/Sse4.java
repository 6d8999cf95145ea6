package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getByte;
import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.Float32;
import org.jkvm.x86.fp.Float64;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;

/** The instructions of SSE4.1 that fit no family (SDM vol. 1, 12.10). */
public final class Sse4 {
    private static final int SUPPRESS_PRECISION = 8;
    private static final int USE_MXCSR = 4;

    private Sse4() {
    }

    // ---- blends ----

    /** PBLENDVB, BLENDVPS, BLENDVPD: the top bits of the third operand's lanes choose; without VEX that is XMM0. */
    public static Handler blendVariable(long tops) {
        return (c, i) -> {
            long mask = c.st + i.src2;
            blend(c, i, tops, getLong(mask), getLong(mask + 8));
        };
    }

    /** PBLENDW, BLENDPS, BLENDPD: the immediate's bits choose. */
    public static Handler blend(long tops) {
        int lanes = Long.bitCount(tops);
        return (c, i) -> blend(c, i, tops, Lanes.chosen(tops, (int) i.imm), Lanes.chosen(tops, (int) i.imm >> lanes));
    }

    private static void blend(X86Cpu c, Insn i, long tops, long lowMask, long highMask) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        long low = Lanes.blend(tops, lowMask, getLong(a), getLong(b));
        Sse.set(c, i.dst, low, Lanes.blend(tops, highMask, getLong(a + 8), getLong(b + 8)));
    }

    // ---- tests, minimum ----

    /** PTEST: ZF if no bit of the second operand is in the first, CF if all are. */
    public static void test(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        boolean none = (getLong(b) & getLong(a) | getLong(b + 8) & getLong(a + 8)) == 0;
        boolean all = (getLong(b) & ~getLong(a) | getLong(b + 8) & ~getLong(a + 8)) == 0;
        c.setArithmeticFlags((none ? Rflags.ZF : 0) | (all ? Rflags.CF : 0));
    }

    /** PHMINPOSUW: the least of 8 unsigned words, and its number. */
    public static void leastWord(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        int least = 0;
        for (int n = 1; n < 8; n++) {
            least = getShort(b + 2 * n) < getShort(b + 2 * least) ? n : least;
        }
        Sse.set(c, i.dst, getShort(b + 2 * least) | least << 16, 0);
    }

    /** MPSADBW: eight sums of four absolute differences. */
    public static void slidingDifferences(X86Cpu c, Insn i) {
        long block = Sse.aligned(c, i) + 4 * (i.imm & 3);
        long window = c.st + i.dst + (i.imm & 4);
        long low = 0;
        long high = 0;
        for (int n = 0; n < 4; n++) {
            low |= differences(window + n, block) << 16 * n;
            high |= differences(window + n + 4, block) << 16 * n;
        }
        Sse.set(c, i.dst, low, high);
    }

    private static long differences(long window, long block) {
        long sum = 0;
        for (int n = 0; n < 4; n++) {
            sum += Math.abs(getByte(window + n) - getByte(block + n));
        }
        return sum;
    }

    // ---- widening moves ----

    /** PMOVSX and PMOVZX: lanes of {@code from} bits become lanes of {@code to} bits. */
    public static Handler widen(int from, int to, boolean signed) {
        return (c, i) -> {
            Sse.check(c);
            long x = i.src >= 0 ? getLong(c.st + i.src) : c.load(i, i.srcSize);
            long low = widen(x, from, to, signed);
            Sse.set(c, i.dst, low, widen(x >>> from * (64 / to), from, to, signed));
        };
    }

    private static long widen(long x, int from, int to, boolean signed) {
        long r = 0;
        for (int n = 0; n < 64 / to; n++) {
            long top = x << 64 - from - n * from;
            long lane = signed ? top >> 64 - from : top >>> 64 - from;
            r |= (lane & -1L >>> 64 - to) << n * to;
        }
        return r;
    }

    /** INSERTPS. */
    public static void insertFloat(X86Cpu c, Insn i) {
        Sse.check(c);
        int imm = (int) i.imm;
        int value = i.src >= 0 ? getInt(c.st + i.src + 4 * (imm >> 6)) : (int) c.load(i, 4);
        putInt(c.st + i.dst + 4 * (imm >> 4 & 3), value);
        for (int n = 0; n < 4; n++) {
            if ((imm >> n & 1) != 0) {
                putInt(c.st + i.dst + 4 * n, 0);
            }
        }
    }

    // ---- rounding ----

    /** ROUNDSS. */
    public static void roundFloat(X86Cpu c, Insn i) {
        int x = Sse.low32(c, i);
        FpEnv env = c.sse.begin(c);
        int r = Float32.roundToIntegral(env, x, mode(env, i), precise(i));
        c.sse.finish(c);
        putInt(c.st + i.dst, r);
    }

    /** ROUNDSD. */
    public static void roundDouble(X86Cpu c, Insn i) {
        long x = Sse.low64(c, i);
        FpEnv env = c.sse.begin(c);
        long r = Float64.roundToIntegral(env, x, mode(env, i), precise(i));
        c.sse.finish(c);
        putLong(c.st + i.dst, r);
    }

    /** ROUNDPS. */
    public static void roundFloats(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        FpEnv env = c.sse.begin(c);
        long low = roundPair(env, i, getLong(b));
        long high = roundPair(env, i, getLong(b + 8));
        c.sse.finish(c);
        Sse.set(c, i.dst, low, high);
    }

    private static long roundPair(FpEnv env, Insn i, long x) {
        int low = Float32.roundToIntegral(env, (int) x, mode(env, i), precise(i));
        return Lanes.pair(low, Float32.roundToIntegral(env, (int) (x >> 32), mode(env, i), precise(i)));
    }

    /** ROUNDPD. */
    public static void roundDoubles(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        FpEnv env = c.sse.begin(c);
        long low = Float64.roundToIntegral(env, getLong(b), mode(env, i), precise(i));
        long high = Float64.roundToIntegral(env, getLong(b + 8), mode(env, i), precise(i));
        c.sse.finish(c);
        Sse.set(c, i.dst, low, high);
    }

    /** SDM vol. 2B, table 4-18. */
    private static int mode(FpEnv env, Insn i) {
        return (i.imm & USE_MXCSR) != 0 ? env.rounding() : (int) i.imm & 3;
    }

    private static boolean precise(Insn i) {
        return (i.imm & SUPPRESS_PRECISION) == 0;
    }

    // ---- dot products ----

    /** DPPS. */
    public static void dotFloats(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        Sse.copy(c, i, dotFloats(c, (int) i.imm, c.st + i.dst, b, 16));
    }

    /**
     * DPPS of the numbers in {@code bytes} bytes, 16 or 32, from a and b on; unmasked exceptions are found after all the
     * products, after the sums of pairs, and at the end.
     *
     * @return where the result is
     */
    public static long dotFloats(X86Cpu c, int imm, long a, long b, int bytes) {
        long to = c.st + CpuState.LANES;
        FpEnv env = c.sse.begin(c);
        for (int at = 0; at < bytes; at += 4) {
            boolean chosen = (imm >>> 4 + (at >> 2 & 3) & 1) != 0;
            putInt(to + at, chosen ? Float32.multiply(env, getInt(a + at), getInt(b + at)) : 0);
        }
        c.sse.finish(c);
        for (int at = 0; at < bytes; at += 8) {
            putInt(to + at, Float32.add(env, getInt(to + at), getInt(to + at + 4)));
        }
        c.sse.finish(c);
        for (int at = 0; at < bytes; at += 16) {
            int sum = Float32.add(env, getInt(to + at), getInt(to + at + 8));
            putLong(to + at, Lanes.pair(where(imm, sum), where(imm >> 1, sum)));
            putLong(to + at + 8, Lanes.pair(where(imm >> 2, sum), where(imm >> 3, sum)));
        }
        c.sse.finish(c);
        return to;
    }

    private static int where(int chosen, int value) {
        return (chosen & 1) != 0 ? value : 0;
    }

    /** DPPD. */
    public static void dotDoubles(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        Sse.copy(c, i, dotDoubles(c, (int) i.imm, c.st + i.dst, b));
    }

    /**
     * DPPD of the two numbers from a and b on, in stages likewise.
     *
     * @return where the result is
     */
    public static long dotDoubles(X86Cpu c, int imm, long a, long b) {
        long to = c.st + CpuState.LANES;
        FpEnv env = c.sse.begin(c);
        long p0 = (imm & 0x10) != 0 ? Float64.multiply(env, getLong(a), getLong(b)) : 0;
        long p1 = (imm & 0x20) != 0 ? Float64.multiply(env, getLong(a + 8), getLong(b + 8)) : 0;
        c.sse.finish(c);
        long sum = Float64.add(env, p0, p1);
        c.sse.finish(c);
        putLong(to, (imm & 1) != 0 ? sum : 0);
        putLong(to + 8, (imm & 2) != 0 ? sum : 0);
        return to;
    }
}
