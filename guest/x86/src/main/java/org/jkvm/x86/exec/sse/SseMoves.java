package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getByte;
import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;

/** Moves of XMM registers (SDM vol. 1, 10.4.1.1, 11.4.1.1, 11.4.2, 12.3). */
public final class SseMoves {
    private SseMoves() {
    }

    // ---- 16 bytes ----

    /** MOVAPS, MOVAPD, MOVDQA, MOVNTDQA: to a register. */
    public static void loadAligned(X86Cpu c, Insn i) {
        Sse.copy(c, i, Sse.aligned(c, i));
    }

    /** MOVUPS, MOVUPD, MOVDQU, LDDQU: to a register. */
    public static void loadUnaligned(X86Cpu c, Insn i) {
        Sse.copy(c, i, Sse.unaligned(c, i));
    }

    /** MOVAPS, MOVAPD, MOVDQA, MOVNTPS, MOVNTPD, MOVNTDQ: from a register. */
    public static void storeAligned(X86Cpu c, Insn i) {
        Sse.check(c);
        long source = c.st + i.src;
        if (i.dst >= 0) {
            Sse.copy(c, i, source);
        } else {
            Sse.storeAligned(c, i, getLong(source), getLong(source + 8));
        }
    }

    /** MOVUPS, MOVUPD, MOVDQU: from a register. */
    public static void storeUnaligned(X86Cpu c, Insn i) {
        Sse.check(c);
        long source = c.st + i.src;
        if (i.dst >= 0) {
            Sse.copy(c, i, source);
        } else {
            Sse.storeUnaligned(c, i, getLong(source), getLong(source + 8));
        }
    }

    // ---- 8 bytes ----

    /** MOVSD from memory, MOVQ: the upper half becomes zero. */
    public static void load64(X86Cpu c, Insn i) {
        Sse.set(c, i.dst, Sse.low64(c, i), 0);
    }

    /** MOVSD between registers, MOVLPS and MOVLPD from memory: the upper half stays. */
    public static void loadLow(X86Cpu c, Insn i) {
        putLong(c.st + i.dst, Sse.low64(c, i));
    }

    /** MOVHPS and MOVHPD from memory, MOVLHPS: the lower half stays. */
    public static void loadHigh(X86Cpu c, Insn i) {
        putLong(c.st + i.dst + 8, Sse.low64(c, i));
    }

    /** MOVHLPS. */
    public static void highToLow(X86Cpu c, Insn i) {
        Sse.check(c);
        putLong(c.st + i.dst, getLong(c.st + i.src + 8));
    }

    /** MOVSD, MOVLPS, MOVLPD to memory. */
    public static void storeLow(X86Cpu c, Insn i) {
        Sse.check(c);
        c.mmu.store64(c.linearWrite(i, 8), getLong(c.st + i.src));
    }

    /** MOVHPS, MOVHPD to memory. */
    public static void storeHigh(X86Cpu c, Insn i) {
        Sse.check(c);
        c.mmu.store64(c.linearWrite(i, 8), getLong(c.st + i.src + 8));
    }

    /** MOVQ from a register: to another one whose upper half becomes zero, or to memory. */
    public static void store64(X86Cpu c, Insn i) {
        if (i.dst >= 0) {
            load64(c, i);
        } else {
            storeLow(c, i);
        }
    }

    // ---- 4 bytes, general registers ----

    /** MOVSS from memory: the rest becomes zero. */
    public static void load32(X86Cpu c, Insn i) {
        Sse.set(c, i.dst, Sse.low32(c, i) & 0xffff_ffffL, 0);
    }

    /** MOVSS between registers: the rest stays. */
    public static void merge32(X86Cpu c, Insn i) {
        putInt(c.st + i.dst, Sse.low32(c, i));
    }

    /** MOVSS to memory. */
    public static void store32(X86Cpu c, Insn i) {
        Sse.check(c);
        c.mmu.store32(c.linearWrite(i, 4), getInt(c.st + i.src));
    }

    /** MOVD, MOVQ from a general register or memory: the rest becomes zero. */
    public static void fromGeneral(X86Cpu c, Insn i) {
        Sse.check(c);
        Sse.set(c, i.dst, c.src(i), 0);
    }

    /** MOVD, MOVQ to a general register or memory. */
    public static void toGeneral(X86Cpu c, Insn i) {
        Sse.check(c);
        c.setDst(i, c.reg(i.src, i.dstSize));
    }

    // ---- duplicating moves ----

    /** MOVDDUP. */
    public static void duplicateLow(X86Cpu c, Insn i) {
        long low = Sse.low64(c, i);
        Sse.set(c, i.dst, low, low);
    }

    /** MOVSLDUP. */
    public static void duplicateEven(X86Cpu c, Insn i) {
        long source = Sse.aligned(c, i);
        int low = getInt(source);
        int high = getInt(source + 8);
        Sse.set(c, i.dst, Lanes.pair(low, low), Lanes.pair(high, high));
    }

    /** MOVSHDUP. */
    public static void duplicateOdd(X86Cpu c, Insn i) {
        long source = Sse.aligned(c, i);
        int low = getInt(source + 4);
        int high = getInt(source + 12);
        Sse.set(c, i.dst, Lanes.pair(low, low), Lanes.pair(high, high));
    }

    // ---- masks ----

    /** PMOVMSKB. */
    public static void signsOfBytes(X86Cpu c, Insn i) {
        Sse.check(c);
        long source = c.st + i.src;
        c.setReg(i.dst, 4, Lanes.signs(getLong(source)) | Lanes.signs(getLong(source + 8)) << 8);
    }

    /** MOVMSKPS. */
    public static void signsOfFloats(X86Cpu c, Insn i) {
        Sse.check(c);
        long source = c.st + i.src;
        c.setReg(i.dst, 4, signs(getLong(source)) | signs(getLong(source + 8)) << 2);
    }

    private static long signs(long floats) {
        return floats >>> 31 & 1 | floats >>> 62 & 2;
    }

    /** MOVMSKPD. */
    public static void signsOfDoubles(X86Cpu c, Insn i) {
        Sse.check(c);
        long source = c.st + i.src;
        c.setReg(i.dst, 4, getLong(source) >>> 63 | getLong(source + 8) >>> 62 & 2);
    }

    /** MASKMOVDQU: writes the bytes of the first operand that the second one's signs choose, at DS:rDI. */
    public static void maskedStore(X86Cpu c, Insn i) {
        Sse.check(c);
        int chosen = Lanes.signs(getLong(c.st + i.src)) | Lanes.signs(getLong(c.st + i.src + 8)) << 8;
        storeChosen(c, i, c.st + i.dst, 16, chosen);
    }

    /** Writes those of {@code size} bytes that {@code chosen} has ones for; touches all pages of them first, if any. */
    public static void storeChosen(X86Cpu c, Insn i, long bytes, int size, int chosen) {
        if (chosen == 0) {
            return;
        }
        long offset = c.general(7) & i.addressMask;
        long linear = c.linear(i.segment, offset, size, true);
        c.mmu.probeWrite(linear, size);
        for (int n = 0; n < size; n++) {
            if ((chosen >>> n & 1) != 0) {
                c.mmu.store(c.codeBits == 64 ? linear + n : linear + n & 0xffff_ffffL, 1, getByte(bytes + n));
            }
        }
    }
}
