package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.Float32;
import org.jkvm.x86.fp.Float64;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.fp.FpOrder;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Rflags;

/** SSE arithmetic and comparisons: families around functions of one element (SDM vol. 1, 10.4.1, 11.4.1, 12.3). */
public final class SseFloat {
    /** A function of two binary32 numbers; unary ones use the second. */
    @FunctionalInterface
    public interface Op32 {
        /** Raises exceptions in {@code env}. */
        int apply(FpEnv env, int x, int y);
    }

    /** A function of two binary64 numbers, or of two pairs of binary32 ones; unary ones use the second. */
    @FunctionalInterface
    public interface Op64 {
        /** Raises exceptions in {@code env}. */
        long apply(FpEnv env, long x, long y);
    }

    private static final int PREDICATES = 32;
    /** Without VEX the immediate's upper bits are reserved. */
    private static final int SSE_PREDICATES = 8;
    private static final Op32[] COMPARE32 = new Op32[PREDICATES];
    private static final Op64[] COMPARE64 = new Op64[PREDICATES];
    private static final Op64[] COMPARE_PAIRS = new Op64[PREDICATES];

    static {
        for (int n = 0; n < PREDICATES; n++) {
            int predicate = n;
            COMPARE32[n] = (env, x, y) -> compare32(env, x, y, predicate);
            COMPARE64[n] = (env, x, y) -> compare64(env, x, y, predicate);
            COMPARE_PAIRS[n] = pairs(COMPARE32[n]);
        }
    }

    private SseFloat() {
    }

    // ---- families ----

    /** A function of either element of a pair. */
    public static Op64 pairs(Op32 op) {
        return (env, x, y) -> {
            int low = op.apply(env, (int) x, (int) y);
            return Lanes.pair(low, op.apply(env, (int) (x >> 32), (int) (y >> 32)));
        };
    }

    /** On the lowest binary32 elements; the rest of the first operand stays. */
    public static Handler scalar32(Op32 op) {
        return (c, i) -> scalar32(c, i, op);
    }

    private static void scalar32(X86Cpu c, Insn i, Op32 op) {
        int y = Sse.low32(c, i);
        int r = op.apply(c.sse.begin(c), getInt(c.st + i.dst), y);
        c.sse.finish(c);
        putInt(c.st + i.dst, r);
    }

    /** On the lowest binary64 elements; the rest of the first operand stays. */
    public static Handler scalar64(Op64 op) {
        return (c, i) -> scalar64(c, i, op);
    }

    private static void scalar64(X86Cpu c, Insn i, Op64 op) {
        long y = Sse.low64(c, i);
        long r = op.apply(c.sse.begin(c), getLong(c.st + i.dst), y);
        c.sse.finish(c);
        putLong(c.st + i.dst, r);
    }

    /** On all four binary32 elements. */
    public static Handler packed32(Op32 op) {
        return packed64(pairs(op));
    }

    /** On both halves. */
    public static Handler packed64(Op64 op) {
        return (c, i) -> packed(c, i, op);
    }

    private static void packed(X86Cpu c, Insn i, Op64 op) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        FpEnv env = c.sse.begin(c);
        long low = op.apply(env, getLong(a), getLong(b));
        long high = op.apply(env, getLong(a + 8), getLong(b + 8));
        c.sse.finish(c);
        Sse.set(c, i.dst, low, high);
    }

    /** On neighbours: those of the first operand, then those of the second (HADDPD). */
    public static Handler neighbours64(Op64 op) {
        return (c, i) -> {
            long b = Sse.aligned(c, i);
            long a = c.st + i.dst;
            FpEnv env = c.sse.begin(c);
            long low = op.apply(env, getLong(a), getLong(a + 8));
            long high = op.apply(env, getLong(b), getLong(b + 8));
            c.sse.finish(c);
            Sse.set(c, i.dst, low, high);
        };
    }

    /** On neighbours of binary32 elements (HADDPS). */
    public static Handler neighbours32(Op32 op) {
        return neighbours64((env, x, y) -> {
            int low = op.apply(env, (int) x, (int) (x >> 32));
            return Lanes.pair(low, op.apply(env, (int) y, (int) (y >> 32)));
        });
    }

    /** ADDSUBPS. */
    public static Handler addSubtract32() {
        return packed64((env, x, y) -> {
            int low = Float32.subtract(env, (int) x, (int) y);
            return Lanes.pair(low, Float32.add(env, (int) (x >> 32), (int) (y >> 32)));
        });
    }

    /** ADDSUBPD. */
    public static void addSubtract64(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        FpEnv env = c.sse.begin(c);
        long low = Float64.subtract(env, getLong(a), getLong(b));
        long high = Float64.add(env, getLong(a + 8), getLong(b + 8));
        c.sse.finish(c);
        Sse.set(c, i.dst, low, high);
    }

    // ---- the most used ----

    /** ADDSD. */
    public static void addDouble(X86Cpu c, Insn i) {
        long y = Sse.low64(c, i);
        long r = Float64.add(c.sse.begin(c), getLong(c.st + i.dst), y);
        c.sse.finish(c);
        putLong(c.st + i.dst, r);
    }

    /** SUBSD. */
    public static void subtractDouble(X86Cpu c, Insn i) {
        long y = Sse.low64(c, i);
        long r = Float64.subtract(c.sse.begin(c), getLong(c.st + i.dst), y);
        c.sse.finish(c);
        putLong(c.st + i.dst, r);
    }

    /** MULSD. */
    public static void multiplyDouble(X86Cpu c, Insn i) {
        long y = Sse.low64(c, i);
        long r = Float64.multiply(c.sse.begin(c), getLong(c.st + i.dst), y);
        c.sse.finish(c);
        putLong(c.st + i.dst, r);
    }

    // ---- comparisons ----

    /** CMPSS. */
    public static void compareScalar32(X86Cpu c, Insn i) {
        scalar32(c, i, COMPARE32[predicate(i)]);
    }

    /** CMPSD. */
    public static void compareScalar64(X86Cpu c, Insn i) {
        scalar64(c, i, COMPARE64[predicate(i)]);
    }

    /** CMPPS. */
    public static void comparePacked32(X86Cpu c, Insn i) {
        packed(c, i, COMPARE_PAIRS[predicate(i)]);
    }

    /** CMPPD. */
    public static void comparePacked64(X86Cpu c, Insn i) {
        packed(c, i, COMPARE64[predicate(i)]);
    }

    private static int predicate(Insn i) {
        return (int) i.imm & (i.vex == 0 ? SSE_PREDICATES : PREDICATES) - 1;
    }

    private static int compare32(FpEnv env, int x, int y, int predicate) {
        return holds(Float32.compare(env, x, y, signalling(predicate)), predicate) ? -1 : 0;
    }

    private static long compare64(FpEnv env, long x, long y, int predicate) {
        return holds(Float64.compare(env, x, y, signalling(predicate)), predicate) ? -1 : 0;
    }

    /** LT, LE and their negations raise #I for quiet NaNs; from 16 on it is the other way round (SDM vol. 2A, table 3-1). */
    private static boolean signalling(int predicate) {
        boolean ordering = (predicate & 3) == 1 || (predicate & 3) == 2;
        return ordering != predicate >= 16;
    }

    /** EQ, LT, LE, UNORD and their negations; from 8 on the answer to unordered operands is the other one. */
    private static boolean holds(int order, int predicate) {
        boolean plain = switch (predicate & 3) {
            case 0 -> order == FpOrder.EQUAL;
            case 1 -> order == FpOrder.LESS;
            case 2 -> order == FpOrder.LESS || order == FpOrder.EQUAL;
            default -> order == FpOrder.UNORDERED;
        };
        boolean answer = plain == ((predicate & 4) == 0);
        return answer != ((predicate & 8) != 0 && order == FpOrder.UNORDERED);
    }

    /** COMISS, and UCOMISS where quiet NaNs do not signal. */
    public static Handler compareFlags32(boolean signalling) {
        return (c, i) -> {
            int y = Sse.low32(c, i);
            int order = Float32.compare(c.sse.begin(c), getInt(c.st + i.dst), y, signalling);
            c.sse.finish(c);
            c.setArithmeticFlags(flags(order));
        };
    }

    /** COMISD, and UCOMISD where quiet NaNs do not signal. */
    public static Handler compareFlags64(boolean signalling) {
        return (c, i) -> {
            long y = Sse.low64(c, i);
            int order = Float64.compare(c.sse.begin(c), getLong(c.st + i.dst), y, signalling);
            c.sse.finish(c);
            c.setArithmeticFlags(flags(order));
        };
    }

    private static int flags(int order) {
        return switch (order) {
            case FpOrder.LESS -> Rflags.CF;
            case FpOrder.EQUAL -> Rflags.ZF;
            case FpOrder.GREATER -> 0;
            default -> Rflags.ZF | Rflags.PF | Rflags.CF;
        };
    }
}
