package org.jkvm.x64;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The registers of {@link HostCpu} before or after an instruction: a view of native memory that generated code loads and
 * stores. x87, MMX and SSE registers are the FXSAVE image of 64-bit mode (Intel SDM vol. 1, table 10-2), upper halves of
 * YMM registers where an XSAVE area in standard form has them (section 13.4).
 */
public final class HostRegisters {
    /** Bytes that a block takes; leaves room for an XSAVE area. */
    static final int BYTES = 4096;
    /** Offset of RAX; the others follow in the order of their numbers. */
    static final int GENERAL = 0;
    /** Offset of RFLAGS. */
    static final int RFLAGS = 128;
    /** Offset of the FXSAVE image; XSAVE wants 64-byte alignment. */
    static final int FX = 192;
    /** Size of the FXSAVE image in bytes. */
    public static final int FX_BYTES = 512;
    /** Offset of the x87 control word in the FXSAVE image. */
    public static final int FCW = 0;
    /** Offset of the x87 status word in the FXSAVE image. */
    public static final int FSW = 2;
    /** Offset of the abridged x87 tag byte in the FXSAVE image: bit i is set where physical register i is not empty. */
    public static final int FTW = 4;
    /** Offset of MXCSR in the FXSAVE image. */
    public static final int MXCSR = 24;
    /** Offset of ST(0) in the FXSAVE image; 10 bytes each, 16 bytes apart. */
    public static final int ST = 32;
    /** Offset of XMM0 in the FXSAVE image; 16 bytes each. */
    public static final int XMM = 160;

    private static final int FX_ALIGNMENT = 64;
    /** Offset of XSTATE_BV in the XSAVE area. */
    private static final int XSTATE_BV = 512;
    /** Offset of the upper half of YMM0 in the XSAVE area; 16 bytes each. */
    private static final int UPPER = 576;
    /** x87, SSE and AVX. */
    private static final long COMPONENTS = 7;

    private final MemorySegment block;
    private final MemorySegment fx;

    HostRegisters(MemorySegment block) {
        this.block = block;
        this.fx = block.asSlice(FX, FX_BYTES);
    }

    /** A block of its own, for others who compute what the host CPU does. */
    public static HostRegisters allocate(Arena arena) {
        return new HostRegisters(arena.allocate(BYTES, FX_ALIGNMENT));
    }

    /** A general register, by number 0 to 15. */
    public long general(int number) {
        return block.get(JAVA_LONG_UNALIGNED, GENERAL + 8L * number);
    }

    /** Sets a general register, by number 0 to 15. */
    public void general(int number, long value) {
        block.set(JAVA_LONG_UNALIGNED, GENERAL + 8L * number, value);
    }

    /** RFLAGS. */
    public long rflags() {
        return block.get(JAVA_LONG_UNALIGNED, RFLAGS);
    }

    /** Sets RFLAGS; see {@link HostCpu#run} for what is taken of it. */
    public void rflags(long value) {
        block.set(JAVA_LONG_UNALIGNED, RFLAGS, value);
    }

    /** The FXSAVE image, {@value #FX_BYTES} bytes. */
    public MemorySegment fx() {
        return fx;
    }

    /** MXCSR. */
    public int mxcsr() {
        return fx.get(JAVA_INT_UNALIGNED, MXCSR);
    }

    /** Sets MXCSR. */
    public void mxcsr(int value) {
        fx.set(JAVA_INT_UNALIGNED, MXCSR, value);
    }

    /** The x87 control word. */
    public int controlWord() {
        return fx.get(JAVA_SHORT_UNALIGNED, FCW) & 0xffff;
    }

    /** Sets the x87 control word. */
    public void controlWord(int value) {
        fx.set(JAVA_SHORT_UNALIGNED, FCW, (short) value);
    }

    /** The x87 status word. */
    public int statusWord() {
        return fx.get(JAVA_SHORT_UNALIGNED, FSW) & 0xffff;
    }

    /** Sets the x87 status word. */
    public void statusWord(int value) {
        fx.set(JAVA_SHORT_UNALIGNED, FSW, (short) value);
    }

    /** Bits 63:0 ({@code half} 0) or 127:64 ({@code half} 1) of XMM register {@code number}. */
    public long xmm(int number, int half) {
        return fx.get(JAVA_LONG_UNALIGNED, XMM + 16L * number + 8L * half);
    }

    /** Sets bits 63:0 ({@code half} 0) or 127:64 ({@code half} 1) of XMM register {@code number}. */
    public void xmm(int number, int half, long value) {
        fx.set(JAVA_LONG_UNALIGNED, XMM + 16L * number + 8L * half, value);
    }

    /** Bits 191:128 ({@code half} 0) or 255:192 ({@code half} 1) of YMM register {@code number}; 0 on hosts without AVX. */
    public long upper(int number, int half) {
        return block.get(JAVA_LONG_UNALIGNED, FX + UPPER + 16L * number + 8L * half);
    }

    /** Sets bits 191:128 ({@code half} 0) or 255:192 ({@code half} 1) of YMM register {@code number}. */
    public void upper(int number, int half, long value) {
        block.set(JAVA_LONG_UNALIGNED, FX + UPPER + 16L * number + 8L * half, value);
    }

    /** Sets 4 or 8 bytes of YMM register {@code number}, from byte {@code at} on. */
    public void vector(int number, int at, int size, long value) {
        long offset = FX + 16L * number + (at < 16 ? XMM + at : UPPER + at - 16);
        if (size == 8) {
            block.set(JAVA_LONG_UNALIGNED, offset, value);
        } else {
            block.set(JAVA_INT_UNALIGNED, offset, (int) value);
        }
    }

    /** Bits 63:0 of ST({@code number}), the significand; what MMX instructions see where TOP is 0. */
    public long significand(int number) {
        return fx.get(JAVA_LONG_UNALIGNED, ST + 16L * number);
    }

    /** Bits 79:64 of ST({@code number}), sign and exponent. */
    public int signExponent(int number) {
        return fx.get(JAVA_SHORT_UNALIGNED, ST + 16L * number + 8) & 0xffff;
    }

    /** Sets ST({@code number}) or an MMX register; the tag byte is not touched. */
    public void st(int number, int signExponent, long significand) {
        fx.set(JAVA_LONG_UNALIGNED, ST + 16L * number, significand);
        fx.set(JAVA_SHORT_UNALIGNED, ST + 16L * number + 8, (short) signExponent);
    }

    /** Copies everything from another block. */
    public void copyFrom(HostRegisters other) {
        block.copyFrom(other.block);
    }

    /** Power-up state (Intel SDM vol. 3A, table 10-1), all general registers zero. */
    public void reset() {
        block.fill((byte) 0);
        block.set(JAVA_LONG_UNALIGNED, FX + XSTATE_BV, COMPONENTS);
        rflags(2);
        controlWord(0x37f);
        mxcsr(0x1f80);
    }
}
