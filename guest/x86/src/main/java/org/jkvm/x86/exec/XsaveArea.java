package org.jkvm.x86.exec;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.exec.x87.FxImage;
import org.jkvm.x86.exec.x87.X87State;
import org.jkvm.x86.state.CpuState;

/** x87, MMX, SSE and AVX state as an XSAVE area in standard format (SDM vol. 1, section 13.4), for saving and restoring. */
public final class XsaveArea {
    /** Offset of MXCSR. */
    private static final int MXCSR = 24;
    /** Offset of XMM0. */
    private static final int XMM = 160;
    /** Offset of XSTATE_BV. */
    private static final int XSTATE_BV = 512;
    /** Offset of the upper half of YMM0. */
    private static final int UPPER_YMM = 576;
    /** Bytes of an area with AVX state. */
    private static final int AVX_END = 832;
    private static final long X87_AND_SSE = 3;
    private static final long AVX = 4;
    private static final int MXCSR_ALL = 0xffff;
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private XsaveArea() {
    }

    /** The processor's state in {@code size} bytes: 576 or, with AVX state, 832 or more. */
    public static byte[] export(X86Cpu cpu, int size) {
        byte[] area = new byte[size];
        long[] words = new long[FxImage.WORDS];
        new FxImage().save(new X87State(cpu.st + CpuState.X87), words, true);
        for (int n = 0; n < FxImage.WORDS; n++) {
            LONG.set(area, 8 * n, words[n]);
        }
        INT.set(area, MXCSR, getInt(cpu.st + CpuState.MXCSR));
        INT.set(area, MXCSR + 4, MXCSR_ALL);
        for (int n = 0; n < 16; n++) {
            LONG.set(area, XMM + 16 * n, getLong(cpu.st + CpuState.vector(n)));
            LONG.set(area, XMM + 16 * n + 8, getLong(cpu.st + CpuState.vector(n) + 8));
        }
        LONG.set(area, XSTATE_BV, X87_AND_SSE);
        if (size >= AVX_END) {
            exportUpper(cpu, area);
        }
        return area;
    }

    private static void exportUpper(X86Cpu cpu, byte[] area) {
        LONG.set(area, XSTATE_BV, X87_AND_SSE | AVX);
        for (int n = 0; n < 16; n++) {
            LONG.set(area, UPPER_YMM + 16 * n, getLong(cpu.st + CpuState.vector(n) + 16));
            LONG.set(area, UPPER_YMM + 16 * n + 8, getLong(cpu.st + CpuState.vector(n) + 24));
        }
    }

    /** Restores what {@link #export} gave; components that XSTATE_BV lacks get their initial state. */
    public static void restore(X86Cpu cpu, byte[] area) {
        long present = area.length > XSTATE_BV + 7 ? (long) LONG.get(area, XSTATE_BV) : X87_AND_SSE;
        X87State x87 = new X87State(cpu.st + CpuState.X87);
        x87.initialize();
        if ((present & 1) != 0) {
            long[] words = new long[FxImage.WORDS];
            for (int n = 0; n < FxImage.WORDS; n++) {
                words[n] = (long) LONG.get(area, 8 * n);
            }
            new FxImage().load(x87, words, true);
        }
        putInt(cpu.st + CpuState.MXCSR, (present & 2) != 0 ? (int) INT.get(area, MXCSR) & MXCSR_ALL : 0x1f80);
        for (int n = 0; n < 16; n++) {
            boolean sse = (present & 2) != 0;
            putLong(cpu.st + CpuState.vector(n), sse ? (long) LONG.get(area, XMM + 16 * n) : 0);
            putLong(cpu.st + CpuState.vector(n) + 8, sse ? (long) LONG.get(area, XMM + 16 * n + 8) : 0);
        }
        restoreUpper(cpu, area, area.length >= AVX_END && (present & AVX) != 0);
    }

    private static void restoreUpper(X86Cpu cpu, byte[] area, boolean present) {
        for (int n = 0; n < 16; n++) {
            putLong(cpu.st + CpuState.vector(n) + 16, present ? (long) LONG.get(area, UPPER_YMM + 16 * n) : 0);
            putLong(cpu.st + CpuState.vector(n) + 24, present ? (long) LONG.get(area, UPPER_YMM + 16 * n + 8) : 0);
        }
    }
}
