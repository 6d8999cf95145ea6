package org.jkvm.x86.exec;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.x86.exec.ExtendedState.INITIAL_MXCSR;
import static org.jkvm.x86.exec.ExtendedState.MXCSR;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;

/**
 * XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR and XRSTORS (SDM vol. 1, 13.7 to 13.12). Components are x87, SSE and AVX, the last
 * of which lies at the same offset in both formats; there is no supervisor state. Of the optimizations, the one for
 * components in their initial state is used, for SSE and AVX; the one for components that were not modified is not.
 */
public final class Xsave {
    private static final int X87 = 1;
    private static final int SSE = 2;
    private static final int AVX = 4;
    private static final int HEADER = 512;
    private static final int HEADER_BYTES = 64;
    private static final int XCOMP_BV = HEADER + 8;
    private static final int AVX_END = 832;
    private static final long COMPACTED = Long.MIN_VALUE;
    private static final int ALIGNMENT = 64;
    private static final int UPPER = 16;

    private Xsave() {
    }

    // ---- saving ----

    /** XSAVE, with or without REX.W. */
    public static void xsave(X86Cpu c, Insn i) {
        int requested = requested(c);
        save(c, i, requested, requested, false);
    }

    /** XSAVEOPT: leaves out what is in its initial state. */
    public static void xsaveopt(X86Cpu c, Insn i) {
        int requested = requested(c);
        save(c, i, requested, requested & inUse(c), false);
    }

    /** XSAVEC: likewise, in the compacted format. */
    public static void xsavec(X86Cpu c, Insn i) {
        int requested = requested(c);
        save(c, i, requested, requested & inUse(c), true);
    }

    /** XSAVES. */
    public static void xsaves(X86Cpu c, Insn i) {
        require(c);
        c.requirePrivilege();
        xsavec(c, i);
    }

    private static void save(X86Cpu c, Insn i, int requested, int saved, boolean compacted) {
        int bytes = bytes(requested);
        long at = ExtendedState.aligned(c, c.linearWrite(i, bytes), ALIGNMENT);
        c.mmu.probeWrite(at, bytes);
        long others = compacted ? 0 : c.mmu.load64(at + HEADER) & ~requested;
        if ((saved & X87) != 0) {
            ExtendedState.saveX87(c, i, at);
        }
        if ((compacted ? saved & SSE : requested & (SSE | AVX)) != 0) {
            ExtendedState.saveMxcsr(c, at);
        }
        if ((saved & SSE) != 0) {
            ExtendedState.saveSse(c, at);
        }
        if ((saved & AVX) != 0) {
            ExtendedState.saveAvx(c, at);
        }
        c.mmu.store64(at + HEADER, others | requested & inUse(c));
        if (compacted) {
            c.mmu.store64(at + XCOMP_BV, COMPACTED | requested);
        }
    }

    // ---- restoring ----

    /** XRSTOR of either format, with or without REX.W. */
    public static void xrstor(X86Cpu c, Insn i) {
        int requested = requested(c);
        int bytes = bytes(requested);
        long at = ExtendedState.aligned(c, c.linearRead(i, bytes), ALIGNMENT);
        long layout = c.mmu.load64(at + XCOMP_BV);
        long present = layout < 0 && c.cpuid.has(Feature.XSAVEC) ? compacted(c, at, layout) : standard(c, at);
        c.mmu.load64(at + bytes - 8);
        restore(c, i, at, requested, (int) present, layout < 0);
    }

    /** XRSTORS, which takes the compacted format alone. */
    public static void xrstors(X86Cpu c, Insn i) {
        require(c);
        c.requirePrivilege();
        long at = ExtendedState.aligned(c, c.linearRead(i, HEADER + HEADER_BYTES), ALIGNMENT);
        if (c.mmu.load64(at + XCOMP_BV) >= 0) {
            throw c.fault(Vector.GP, 0);
        }
        xrstor(c, i);
    }

    /** XSTATE_BV, after the checks of the standard form (13.8.1). */
    private static long standard(X86Cpu c, long at) {
        long present = c.mmu.load64(at + HEADER);
        boolean valid = (c.mmu.load64(at + XCOMP_BV) | c.mmu.load64(at + HEADER + 16)) == 0;
        return valid(c, present, valid && (present & ~c.msrs.xcr0()) == 0);
    }

    /** XSTATE_BV, after the checks of the compacted form (13.8.2). */
    private static long compacted(X86Cpu c, long at, long layout) {
        long present = c.mmu.load64(at + HEADER);
        long reserved = 0;
        for (int n = 16; n < HEADER_BYTES; n += 8) {
            reserved |= c.mmu.load64(at + HEADER + n);
        }
        long components = layout & ~COMPACTED;
        return valid(c, present, reserved == 0 && (components & ~c.msrs.xcr0()) == 0 && (present & ~components) == 0);
    }

    private static long valid(X86Cpu c, long present, boolean valid) {
        if (!valid) {
            throw c.fault(Vector.GP, 0);
        }
        return present;
    }

    private static void restore(X86Cpu c, Insn i, long at, int requested, int present, boolean compacted) {
        restoreMxcsr(c, at, requested, present, compacted);
        if ((requested & present & X87) != 0) {
            ExtendedState.loadX87(c, i, at);
        } else if ((requested & X87) != 0) {
            ExtendedState.initializeX87(c);
        }
        if ((requested & present & SSE) != 0) {
            ExtendedState.loadSse(c, at);
        } else if ((requested & SSE) != 0) {
            ExtendedState.clearVectors(c, 0);
        }
        if ((requested & present & AVX) != 0) {
            ExtendedState.loadAvx(c, at);
        } else if ((requested & AVX) != 0) {
            ExtendedState.clearVectors(c, UPPER);
        }
    }

    /** The standard form loads MXCSR with SSE or AVX state whatever XSTATE_BV says; in the compacted one it is SSE's. */
    private static void restoreMxcsr(X86Cpu c, long at, int requested, int present, boolean compacted) {
        if ((requested & (compacted ? SSE : SSE | AVX)) != 0) {
            boolean initial = compacted && (present & SSE) == 0;
            ExtendedState.setMxcsr(c, initial ? INITIAL_MXCSR : (int) c.mmu.load(at + MXCSR, 4));
        }
    }

    // ---- components ----

    private static void require(X86Cpu c) {
        if ((c.control(4) & Control.CR4_OSXSAVE) == 0) {
            throw c.fault(Vector.UD);
        }
        ExtendedState.requireNotSwitched(c);
    }

    /** RFBM: the components in EDX:EAX and XCR0. */
    private static int requested(X86Cpu c) {
        require(c);
        return (int) (c.general(0) & c.msrs.xcr0()) & (X87 | SSE | AVX);
    }

    private static int bytes(int components) {
        return (components & AVX) != 0 ? AVX_END : HEADER + HEADER_BYTES;
    }

    /** What is not in its initial state, for saving: MXCSR counts as SSE state. */
    private static int inUse(X86Cpu c) {
        return xinuse(c) | (ExtendedState.mxcsr(c) != INITIAL_MXCSR ? SSE : 0);
    }

    /** XINUSE (13.6); x87 always counts as in use. */
    static int xinuse(X86Cpu c) {
        return X87 | (isZero(c, 0) ? 0 : SSE) | (isZero(c, UPPER) ? 0 : AVX);
    }

    private static boolean isZero(X86Cpu c, int offset) {
        long ones = 0;
        for (int n = 0; n < ExtendedState.vectors(c); n++) {
            long register = c.st + CpuState.vector(n) + offset;
            ones |= getLong(register) | getLong(register + 8);
        }
        return ones == 0;
    }
}
