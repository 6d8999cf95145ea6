package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.putInt;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.fp.FpEnv;
import org.jkvm.x86.isa.Handler;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;

/**
 * The floating-point environment of SSE instructions around MXCSR, which lives in the native struct. An instruction calls
 * {@link #begin}, computes, calls {@link #finish}, and only then writes its result. Used by the vCPU's thread alone.
 */
public final class SseUnit {
    private final FpEnv env = FpEnv.sse();
    private int mxcsr = env.mxcsr();
    private boolean vex;
    private boolean joined;

    /** The environment as MXCSR says; raised flags are those of this instruction where some exception is unmasked. */
    public FpEnv begin(X86Cpu c) {
        if (joined) {
            return env;
        }
        int now = getInt(c.st + CpuState.MXCSR);
        if (now != mxcsr) {
            env.loadMxcsr(now);
            mxcsr = now;
        }
        if (env.masks() != FpEnv.ALL) {
            env.clear();
        }
        return env;
    }

    /** Records the raised flags in MXCSR; raises #XM, or #UD without CR4.OSXMMEXCPT, for unmasked ones. */
    public void finish(X86Cpu c) {
        int flags = env.flags();
        if (!joined && ((mxcsr | flags) != mxcsr || env.masks() != FpEnv.ALL)) {
            record(c, flags);
        }
    }

    /**
     * Executes {@code handler} for a VEX-encoded instruction, which has been permitted by other rules than SSE's.
     */
    public void asVex(X86Cpu c, Handler handler, Insn i) {
        vex = true;
        try {
            handler.execute(c, i);
        } finally {
            vex = false;
        }
    }

    /**
     * Executes {@code handler} likewise for a part of a VEX-encoded instruction: exceptions gather from {@link #begin},
     * which the caller calls before the first part, to {@link #finish} after the last.
     */
    public void part(X86Cpu c, Handler handler, Insn i) {
        joined = true;
        try {
            asVex(c, handler, i);
        } finally {
            joined = false;
        }
    }

    /** Whether a VEX-encoded instruction is being executed. */
    boolean isVex() {
        return vex;
    }

    /**
     * If an exception found before computing is unmasked in any element, none of them is computed, and #O, #U and #P are not
     * reported (SDM vol. 1, 11.5.1 and 4.9.2).
     */
    private void record(X86Cpu c, int flags) {
        int enabled = ~env.masks();
        int reported = (flags & enabled & FpEnv.PRE_COMPUTATION) != 0 ? flags & FpEnv.PRE_COMPUTATION : flags;
        mxcsr |= reported;
        putInt(c.st + CpuState.MXCSR, mxcsr);
        if ((reported & enabled) != 0) {
            throw c.fault((c.control(4) & Control.CR4_OSXMMEXCPT) != 0 ? Vector.XM : Vector.UD);
        }
    }
}
