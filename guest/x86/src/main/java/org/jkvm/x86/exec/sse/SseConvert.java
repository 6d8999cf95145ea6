package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.Float32;
import org.jkvm.x86.fp.Float64;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;

/** Conversions between binary32, binary64 and integers in XMM and general registers (SDM vol. 1, figure 11-8). */
public final class SseConvert {
    private SseConvert() {
    }

    // ---- between the two formats ----

    /** CVTSD2SS. */
    public static void doubleToFloat(X86Cpu c, Insn i) {
        long x = Sse.low64(c, i);
        int r = Float64.toFloat32(c.sse.begin(c), x);
        c.sse.finish(c);
        putInt(c.st + i.dst, r);
    }

    /** CVTSS2SD. */
    public static void floatToDouble(X86Cpu c, Insn i) {
        int x = Sse.low32(c, i);
        long r = Float32.toFloat64(c.sse.begin(c), x);
        c.sse.finish(c);
        putLong(c.st + i.dst, r);
    }

    /** CVTPD2PS. */
    public static void doublesToFloats(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        FpEnv env = c.sse.begin(c);
        int low = Float64.toFloat32(env, getLong(b));
        int high = Float64.toFloat32(env, getLong(b + 8));
        c.sse.finish(c);
        Sse.set(c, i.dst, Lanes.pair(low, high), 0);
    }

    /** CVTPS2PD. */
    public static void floatsToDoubles(X86Cpu c, Insn i) {
        long b = Sse.low64(c, i);
        FpEnv env = c.sse.begin(c);
        long low = Float32.toFloat64(env, (int) b);
        long high = Float32.toFloat64(env, (int) (b >> 32));
        c.sse.finish(c);
        Sse.set(c, i.dst, low, high);
    }

    // ---- general registers ----

    /** CVTSI2SD. */
    public static void generalToDouble(X86Cpu c, Insn i) {
        Sse.check(c);
        long x = signed(c, i);
        long r = Float64.fromInteger(c.sse.begin(c), x);
        c.sse.finish(c);
        putLong(c.st + i.dst, r);
    }

    /** CVTSI2SS. */
    public static void generalToFloat(X86Cpu c, Insn i) {
        Sse.check(c);
        long x = signed(c, i);
        int r = Float32.fromInteger(c.sse.begin(c), x);
        c.sse.finish(c);
        putInt(c.st + i.dst, r);
    }

    private static long signed(X86Cpu c, Insn i) {
        long x = c.src(i);
        return i.srcSize == 8 ? x : (int) x;
    }

    /** CVTSD2SI. */
    public static void doubleToGeneral(X86Cpu c, Insn i) {
        long x = Sse.low64(c, i);
        FpEnv env = c.sse.begin(c);
        doubleToGeneral(c, i, x, env, env.rounding());
    }

    /** CVTTSD2SI. */
    public static void truncateDoubleToGeneral(X86Cpu c, Insn i) {
        long x = Sse.low64(c, i);
        doubleToGeneral(c, i, x, c.sse.begin(c), FpEnv.TRUNCATE);
    }

    private static void doubleToGeneral(X86Cpu c, Insn i, long x, FpEnv env, int mode) {
        long r = i.dstSize == 8 ? Float64.toInt64(env, x, mode) : Float64.toInt32(env, x, mode);
        c.sse.finish(c);
        c.setReg(i.dst, i.dstSize, r);
    }

    /** CVTSS2SI. */
    public static void floatToGeneral(X86Cpu c, Insn i) {
        int x = Sse.low32(c, i);
        FpEnv env = c.sse.begin(c);
        floatToGeneral(c, i, x, env, env.rounding());
    }

    /** CVTTSS2SI. */
    public static void truncateFloatToGeneral(X86Cpu c, Insn i) {
        int x = Sse.low32(c, i);
        floatToGeneral(c, i, x, c.sse.begin(c), FpEnv.TRUNCATE);
    }

    private static void floatToGeneral(X86Cpu c, Insn i, int x, FpEnv env, int mode) {
        long r = i.dstSize == 8 ? Float32.toInt64(env, x, mode) : Float32.toInt32(env, x, mode);
        c.sse.finish(c);
        c.setReg(i.dst, i.dstSize, r);
    }

    // ---- packed integers ----

    /** CVTDQ2PD. */
    public static void dwordsToDoubles(X86Cpu c, Insn i) {
        long b = Sse.low64(c, i);
        FpEnv env = c.sse.begin(c);
        long low = Float64.fromInteger(env, (int) b);
        Sse.set(c, i.dst, low, Float64.fromInteger(env, (int) (b >> 32)));
    }

    /** CVTDQ2PS. */
    public static Handler dwordsToFloats() {
        return SseFloat.packed32((env, x, y) -> Float32.fromInteger(env, y));
    }

    /** CVTPS2DQ. */
    public static Handler floatsToDwords() {
        return SseFloat.packed32((env, x, y) -> Float32.toInt32(env, y, env.rounding()));
    }

    /** CVTTPS2DQ. */
    public static Handler truncateFloatsToDwords() {
        return SseFloat.packed32((env, x, y) -> Float32.toInt32(env, y, FpEnv.TRUNCATE));
    }

    /** CVTPD2DQ. */
    public static void doublesToDwords(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        FpEnv env = c.sse.begin(c);
        Sse.set(c, i.dst, dwords(c, env, b, env.rounding()), 0);
    }

    /** CVTTPD2DQ. */
    public static void truncateDoublesToDwords(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        Sse.set(c, i.dst, dwords(c, c.sse.begin(c), b, FpEnv.TRUNCATE), 0);
    }

    private static long dwords(X86Cpu c, FpEnv env, long doubles, int mode) {
        int low = Float64.toInt32(env, getLong(doubles), mode);
        int high = Float64.toInt32(env, getLong(doubles + 8), mode);
        c.sse.finish(c);
        return Lanes.pair(low, high);
    }

    // ---- MMX registers ----

    /** The result of CVTPD2PI or CVTTPD2PI, from the two doubles at an address that {@link Sse} gave. */
    public static long doublesToPair(X86Cpu c, long doubles, boolean truncate) {
        FpEnv env = c.sse.begin(c);
        return dwords(c, env, doubles, truncate ? FpEnv.TRUNCATE : env.rounding());
    }

    /** The result of CVTPS2PI or CVTTPS2PI. */
    public static long floatsToPair(X86Cpu c, long floats, boolean truncate) {
        FpEnv env = c.sse.begin(c);
        int mode = truncate ? FpEnv.TRUNCATE : env.rounding();
        int low = Float32.toInt32(env, (int) floats, mode);
        int high = Float32.toInt32(env, (int) (floats >> 32), mode);
        c.sse.finish(c);
        return Lanes.pair(low, high);
    }

    /** What CVTPI2PS does with its two doublewords. */
    public static void pairToFloats(X86Cpu c, Insn i, long dwords) {
        FpEnv env = c.sse.begin(c);
        int low = Float32.fromInteger(env, (int) dwords);
        int high = Float32.fromInteger(env, (int) (dwords >> 32));
        c.sse.finish(c);
        putLong(c.st + i.dst, Lanes.pair(low, high));
    }

    /** What CVTPI2PD does with its two doublewords. */
    public static void pairToDoubles(X86Cpu c, Insn i, long dwords) {
        FpEnv env = c.sse.begin(c);
        long low = Float64.fromInteger(env, (int) dwords);
        Sse.set(c, i.dst, low, Float64.fromInteger(env, (int) (dwords >> 32)));
    }
}
