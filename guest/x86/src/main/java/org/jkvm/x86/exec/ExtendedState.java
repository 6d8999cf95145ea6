package org.jkvm.x86.exec;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import java.util.Arrays;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;

/**
 * FXSAVE, XSAVE and their counterparts: x87, SSE and AVX registers to and from memory (SDM vol. 1, 10.5 and chapter 13). The
 * init optimization is not used: every component counts as in use.
 */
public final class ExtendedState {
    /** MXCSR after reset. */
    public static final int INITIAL_MXCSR = 0x1f80;
    /** Bits of MXCSR that exist: what FXSAVE stores as MXCSR_MASK. */
    public static final int MXCSR_MASK = 0xffff;

    private static final int X87 = 1;
    private static final int SSE = 2;
    private static final int AVX = 4;
    private static final int MXCSR = 24;
    private static final int XMM = 160;
    private static final int FXSAVE_BYTES = 512;
    private static final int HEADER = 512;
    private static final int HEADER_BYTES = 64;
    private static final int UPPER_YMM = 576;
    private static final int AVX_BYTES = 832;

    private ExtendedState() {
    }

    // ---- MXCSR ----

    /** LDMXCSR. */
    public static void ldmxcsr(X86Cpu c, Insn i) {
        requireSse(c);
        setMxcsr(c, (int) c.load(i, 4));
    }

    /** STMXCSR. */
    public static void stmxcsr(X86Cpu c, Insn i) {
        requireSse(c);
        c.store(i, 4, mxcsr(c));
    }

    private static void requireSse(X86Cpu c) {
        if ((c.control(0) & Control.CR0_EM) != 0 || (c.control(4) & Control.CR4_OSFXSR) == 0) {
            throw c.fault(Vector.UD);
        }
        requireNotSwitched(c);
    }

    private static void requireNotSwitched(X86Cpu c) {
        if ((c.control(0) & Control.CR0_TS) != 0) {
            throw c.fault(Vector.NM);
        }
    }

    private static int mxcsr(X86Cpu c) {
        return getInt(c.st + CpuState.MXCSR);
    }

    private static void setMxcsr(X86Cpu c, int value) {
        checkMxcsr(c, value);
        putInt(c.st + CpuState.MXCSR, value);
    }

    private static void checkMxcsr(X86Cpu c, int value) {
        if ((value & ~MXCSR_MASK) != 0) {
            throw c.fault(Vector.GP, 0);
        }
    }

    // ---- FXSAVE ----

    /** FXSAVE, FXSAVE64. */
    public static void fxsave(X86Cpu c, Insn i) {
        requireUnit(c);
        long at = aligned(c, c.linearWrite(i, FXSAVE_BYTES), 16);
        c.mmu.probeWrite(at, FXSAVE_BYTES);
        saveX87(c, i, at);
        saveMxcsr(c, at);
        if (!skipsSse(c)) {
            saveSse(c, at);
        }
    }

    /** FXRSTOR, FXRSTOR64. */
    public static void fxrstor(X86Cpu c, Insn i) {
        requireUnit(c);
        long at = aligned(c, c.linearRead(i, FXSAVE_BYTES), 16);
        c.mmu.load(at + FXSAVE_BYTES - 8, 8);
        int newMxcsr = (int) c.mmu.load(at + MXCSR, 4);
        checkMxcsr(c, newMxcsr);
        loadX87(c, i, at);
        setMxcsr(c, newMxcsr);
        if (!skipsSse(c)) {
            loadSse(c, at);
        }
    }

    private static void requireUnit(X86Cpu c) {
        if ((c.control(0) & (Control.CR0_EM | Control.CR0_TS)) != 0) {
            throw c.fault(Vector.NM);
        }
    }

    /** Fast FXSAVE (AMD64 APM vol. 2, 3.1.7): 64-bit code at CPL 0 leaves out the XMM registers. */
    private static boolean skipsSse(X86Cpu c) {
        return c.codeBits == 64 && c.cpl == 0 && (c.msrs.efer() & Control.EFER_FFXSR) != 0;
    }

    private static long aligned(X86Cpu c, long at, int alignment) {
        if ((at & alignment - 1) != 0) {
            throw c.fault(Vector.GP, 0);
        }
        return at;
    }

    // ---- XSAVE ----

    /** XSAVE, XSAVEOPT, with or without REX.W. */
    public static void xsave(X86Cpu c, Insn i) {
        requireXsave(c);
        int components = requested(c);
        int bytes = bytes(c);
        long at = aligned(c, c.linearWrite(i, bytes), 64);
        c.mmu.probeWrite(at, bytes);
        long present = c.mmu.load64(at + HEADER);
        if ((components & X87) != 0) {
            saveX87(c, i, at);
        }
        if ((components & (SSE | AVX)) != 0) {
            saveMxcsr(c, at);
        }
        if ((components & SSE) != 0) {
            saveSse(c, at);
        }
        if ((components & AVX) != 0) {
            saveAvx(c, at);
        }
        c.mmu.store64(at + HEADER, present | components);
    }

    /** XRSTOR, the standard form, with or without REX.W. */
    public static void xrstor(X86Cpu c, Insn i) {
        requireXsave(c);
        int components = requested(c);
        int bytes = bytes(c);
        long at = aligned(c, c.linearRead(i, bytes), 64);
        long present = checkedHeader(c, at);
        c.mmu.load64(at + bytes - 8);
        boolean loadsMxcsr = (components & (SSE | AVX)) != 0;
        int newMxcsr = loadsMxcsr ? (int) c.mmu.load(at + MXCSR, 4) : mxcsr(c);
        checkMxcsr(c, newMxcsr);
        setMxcsr(c, newMxcsr);
        restore(c, i, at, components, (int) present);
    }

    private static void restore(X86Cpu c, Insn i, long at, int components, int present) {
        if ((components & X87) != 0) {
            if ((present & X87) != 0) {
                loadX87(c, i, at);
            } else {
                initializeX87(c);
            }
        }
        if ((components & SSE) != 0) {
            if ((present & SSE) != 0) {
                loadSse(c, at);
            } else {
                clearVectors(c, 0);
            }
        }
        if ((components & AVX) != 0) {
            if ((present & AVX) != 0) {
                loadAvx(c, at);
            } else {
                clearVectors(c, 16);
            }
        }
    }

    private static void requireXsave(X86Cpu c) {
        if ((c.control(4) & Control.CR4_OSXSAVE) == 0) {
            throw c.fault(Vector.UD);
        }
        requireNotSwitched(c);
    }

    /** The components in EDX:EAX and XCR0. */
    private static int requested(X86Cpu c) {
        return (int) (c.general(0) & c.msrs.xcr0()) & (X87 | SSE | AVX);
    }

    private static int bytes(X86Cpu c) {
        return (c.msrs.xcr0() & AVX) != 0 ? AVX_BYTES : HEADER + HEADER_BYTES;
    }

    /** XSTATE_BV, after the checks of the standard form (SDM vol. 1, 13.8.1). */
    private static long checkedHeader(X86Cpu c, long at) {
        long present = c.mmu.load64(at + HEADER);
        boolean standard = (c.mmu.load64(at + HEADER + 8) | c.mmu.load64(at + HEADER + 16)) == 0;
        if (!standard || (present & ~c.msrs.xcr0()) != 0) {
            throw c.fault(Vector.GP, 0);
        }
        return present;
    }

    // ---- components ----

    private static void saveX87(X86Cpu c, Insn i, long at) {
        c.x87.saveFx((i.rex & 8) != 0);
        long[] words = c.x87.fxWords();
        for (int n = 0; n < words.length; n++) {
            if (n != MXCSR / 8) {
                c.mmu.store64(at + 8 * n, words[n]);
            }
        }
    }

    private static void loadX87(X86Cpu c, Insn i, long at) {
        long[] words = c.x87.fxWords();
        for (int n = 0; n < words.length; n++) {
            words[n] = c.mmu.load64(at + 8 * n);
        }
        c.x87.loadFx((i.rex & 8) != 0);
    }

    /** The initial state has empty and zero registers (SDM vol. 1, 13.6). */
    private static void initializeX87(X86Cpu c) {
        Arrays.fill(c.x87.fxWords(), 0);
        c.x87.loadFx(true);
        c.x87.state().initialize();
    }

    private static void saveMxcsr(X86Cpu c, long at) {
        c.mmu.store(at + MXCSR, 4, mxcsr(c));
        c.mmu.store(at + MXCSR + 4, 4, MXCSR_MASK);
    }

    /** XMM8 to XMM15 exist in 64-bit mode alone; elsewhere their room is not touched. */
    private static int vectors(X86Cpu c) {
        return c.codeBits == 64 ? 16 : 8;
    }

    private static void saveSse(X86Cpu c, long at) {
        saveVectors(c, 0, at + XMM);
    }

    private static void loadSse(X86Cpu c, long at) {
        loadVectors(c, 0, at + XMM);
    }

    private static void saveAvx(X86Cpu c, long at) {
        saveVectors(c, 16, at + UPPER_YMM);
    }

    private static void loadAvx(X86Cpu c, long at) {
        loadVectors(c, 16, at + UPPER_YMM);
    }

    private static void saveVectors(X86Cpu c, int offset, long at) {
        for (int n = 0; n < vectors(c); n++) {
            long register = c.st + CpuState.vector(n) + offset;
            c.mmu.store64(at + 16 * n, getLong(register));
            c.mmu.store64(at + 16 * n + 8, getLong(register + 8));
        }
    }

    private static void loadVectors(X86Cpu c, int offset, long at) {
        for (int n = 0; n < vectors(c); n++) {
            long register = c.st + CpuState.vector(n) + offset;
            putLong(register, c.mmu.load64(at + 16 * n));
            putLong(register + 8, c.mmu.load64(at + 16 * n + 8));
        }
    }

    private static void clearVectors(X86Cpu c, int offset) {
        for (int n = 0; n < vectors(c); n++) {
            long register = c.st + CpuState.vector(n) + offset;
            putLong(register, 0);
            putLong(register + 8, 0);
        }
    }
}
