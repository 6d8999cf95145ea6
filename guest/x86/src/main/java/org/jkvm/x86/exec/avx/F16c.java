package org.jkvm.x86.exec.avx;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putShort;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.Float16;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/** Conversions of half-precision numbers (SDM vol. 1, 14.4). */
public final class F16c {
    private static final int USE_MXCSR = 4;

    private F16c() {
    }

    /** VCVTPH2PS. */
    public static void toFloats(X86Cpu c, Insn i) {
        Avx.check(c);
        long source = c.st + Avx.operand(c, i, i.src, i.dstSize / 2);
        FpEnv env = c.sse.begin(c);
        for (int n = 0; 4 * n < i.dstSize; n++) {
            putInt(c.st + CpuState.LANES + 4 * n, Float16.toFloat32(env, getShort(source + 2 * n)));
        }
        c.sse.finish(c);
        Avx.set(c, i.dst, c.st + CpuState.LANES, i.dstSize);
    }

    /** VCVTPS2PH. */
    public static void fromFloats(X86Cpu c, Insn i) {
        Avx.check(c);
        FpEnv env = c.sse.begin(c);
        int mode = (i.imm & USE_MXCSR) != 0 ? env.rounding() : (int) i.imm & 3;
        long to = c.st + CpuState.LANES;
        Avx.set(c, CpuState.LANES, 0, 0);
        for (int n = 0; 4 * n < i.srcSize; n++) {
            putShort(to + 2 * n, Float16.fromFloat32(env, getInt(c.st + i.src + 4 * n), mode));
        }
        if (i.dst >= 0) {
            c.sse.finish(c);
            Avx.set(c, i.dst, to, 16);
        } else {
            store(c, i, to);
        }
    }

    /** A fault of memory comes before one of the numbers. */
    private static void store(X86Cpu c, Insn i, long from) {
        long linear = c.linearWrite(i, i.dstSize);
        c.mmu.probeWrite(linear, i.dstSize);
        c.sse.finish(c);
        if (i.dstSize == 8) {
            c.mmu.store64(linear, getLong(from));
        } else {
            Avx.store(c, linear, from, i.dstSize);
        }
    }
}
