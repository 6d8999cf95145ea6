package org.jkvm.x86.exec;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import java.util.Arrays;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.exec.sse.Sse;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;

/**
 * FXSAVE and FXRSTOR, LDMXCSR and STMXCSR (SDM vol. 1, 10.5), and the parts of an area that XSAVE has too: x87, SSE and AVX
 * registers to and from memory.
 */
public final class ExtendedState {
    /** MXCSR after reset. */
    public static final int INITIAL_MXCSR = 0x1f80;
    /** Bits of MXCSR that exist: what FXSAVE stores as MXCSR_MASK. */
    public static final int MXCSR_MASK = 0xffff;

    /** Offset of MXCSR in an area. */
    static final int MXCSR = 24;
    private static final int XMM = 160;
    private static final int FXSAVE_BYTES = 512;
    private static final int UPPER_YMM = 576;

    private ExtendedState() {
    }

    // ---- MXCSR ----

    /** LDMXCSR. */
    public static void ldmxcsr(X86Cpu c, Insn i) {
        Sse.check(c);
        setMxcsr(c, (int) c.load(i, 4));
    }

    /** STMXCSR. */
    public static void stmxcsr(X86Cpu c, Insn i) {
        Sse.check(c);
        c.store(i, 4, mxcsr(c));
    }

    static void requireNotSwitched(X86Cpu c) {
        if ((c.control(0) & Control.CR0_TS) != 0) {
            throw c.fault(Vector.NM);
        }
    }

    static int mxcsr(X86Cpu c) {
        return getInt(c.st + CpuState.MXCSR);
    }

    static void setMxcsr(X86Cpu c, int value) {
        checkMxcsr(c, value);
        putInt(c.st + CpuState.MXCSR, value);
    }

    static void checkMxcsr(X86Cpu c, int value) {
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

    static long aligned(X86Cpu c, long at, int alignment) {
        if ((at & alignment - 1) != 0) {
            throw c.fault(Vector.GP, 0);
        }
        return at;
    }

    // ---- components ----

    static void saveX87(X86Cpu c, Insn i, long at) {
        c.x87.saveFx((i.rex & 8) != 0);
        long[] words = c.x87.fxWords();
        for (int n = 0; n < words.length; n++) {
            if (n != MXCSR / 8) {
                c.mmu.store64(at + 8 * n, words[n]);
            }
        }
    }

    static void loadX87(X86Cpu c, Insn i, long at) {
        long[] words = c.x87.fxWords();
        for (int n = 0; n < words.length; n++) {
            words[n] = c.mmu.load64(at + 8 * n);
        }
        c.x87.loadFx((i.rex & 8) != 0);
    }

    /** The initial state has empty and zero registers (SDM vol. 1, 13.6). */
    static void initializeX87(X86Cpu c) {
        Arrays.fill(c.x87.fxWords(), 0);
        c.x87.loadFx(true);
        c.x87.state().initialize();
    }

    static void saveMxcsr(X86Cpu c, long at) {
        c.mmu.store(at + MXCSR, 4, mxcsr(c));
        c.mmu.store(at + MXCSR + 4, 4, MXCSR_MASK);
    }

    /** XMM8 to XMM15 exist in 64-bit mode alone; elsewhere their room is not touched. */
    static int vectors(X86Cpu c) {
        return c.codeBits == 64 ? 16 : 8;
    }

    static void saveSse(X86Cpu c, long at) {
        saveVectors(c, 0, at + XMM);
    }

    static void loadSse(X86Cpu c, long at) {
        loadVectors(c, 0, at + XMM);
    }

    static void saveAvx(X86Cpu c, long at) {
        saveVectors(c, 16, at + UPPER_YMM);
    }

    static void loadAvx(X86Cpu c, long at) {
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

    static void clearVectors(X86Cpu c, int offset) {
        for (int n = 0; n < vectors(c); n++) {
            long register = c.st + CpuState.vector(n) + offset;
            putLong(register, 0);
            putLong(register + 8, 0);
        }
    }
}
