package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getByte;
import static org.jkvm.linux.RawMemory.getShort;
import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;

/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM (SDM vol. 1, 12.11.1 to 12.11.3; vol. 2, 4.1). The first operand is the set,
 * the ranges or the needle; the second is the text, whose elements the result has a bit for.
 */
public final class StringCompare {
    private static final int WORDS = 1;
    private static final int SIGNED = 2;
    private static final int NEGATIVE = 0x10;
    private static final int MASKED = 0x20;
    /** Of an index: the last element, not the first. Of a mask: whole elements, not bits. */
    private static final int OUTPUT = 0x40;

    private StringCompare() {
    }

    // ---- instructions ----

    /** PCMPESTRI. */
    public static void explicitIndex(X86Cpu c, Insn i) {
        setIndex(c, i, explicit(c, i));
    }

    /** PCMPESTRM. */
    public static void explicitMask(X86Cpu c, Insn i) {
        setMask(c, i, explicit(c, i));
    }

    /** PCMPISTRI. */
    public static void implicitIndex(X86Cpu c, Insn i) {
        setIndex(c, i, implicit(c, i));
    }

    /** PCMPISTRM. */
    public static void implicitMask(X86Cpu c, Insn i) {
        setMask(c, i, implicit(c, i));
    }

    /** The lengths are in rAX and rDX; their signs do not count. */
    private static int explicit(X86Cpu c, Insn i) {
        long text = Sse.unaligned(c, i);
        int size = size(i);
        return result(c, i, text, given(c.general(0), i, size), given(c.general(2), i, size));
    }

    private static int given(long length, Insn i, int size) {
        long value = i.operandSize == 8 ? length : (int) length;
        return value == Long.MIN_VALUE ? size : (int) Math.min(Math.abs(value), size);
    }

    /** The strings end before their first zero. */
    private static int implicit(X86Cpu c, Insn i) {
        long text = Sse.unaligned(c, i);
        return result(c, i, text, counted(c.st + i.dst, i), counted(text, i));
    }

    private static int counted(long at, Insn i) {
        int n = 0;
        while (n < size(i) && element(at, n, i) != 0) {
            n++;
        }
        return n;
    }

    // ---- the comparison ----

    private static int size(Insn i) {
        return (i.imm & WORDS) != 0 ? 8 : 16;
    }

    private static int element(long at, int n, Insn i) {
        if ((i.imm & WORDS) != 0) {
            int value = getShort(at + 2 * n);
            return (i.imm & SIGNED) != 0 ? (short) value : value;
        }
        int value = getByte(at + n);
        return (i.imm & SIGNED) != 0 ? (byte) value : value;
    }

    /** One bit an element of the text; sets the flags. */
    private static int result(X86Cpu c, Insn i, long text, int length, int textLength) {
        int size = size(i);
        int bits = 0;
        for (int n = 0; n < size; n++) {
            bits |= matches(i, c.st + i.dst, length, text, textLength, n) ? 1 << n : 0;
        }
        if ((i.imm & NEGATIVE) != 0) {
            bits ^= (1 << ((i.imm & MASKED) != 0 ? textLength : size)) - 1;
        }
        c.setArithmeticFlags((bits != 0 ? Rflags.CF : 0) | (textLength < size ? Rflags.ZF : 0)
                | (length < size ? Rflags.SF : 0) | ((bits & 1) != 0 ? Rflags.OF : 0));
        return bits;
    }

    private static boolean matches(Insn i, long set, int length, long text, int textLength, int n) {
        return switch ((int) i.imm >> 2 & 3) {
            case 0 -> n < textLength && equalsAny(i, set, length, element(text, n, i));
            case 1 -> n < textLength && inRange(i, set, length, element(text, n, i));
            case 2 -> equalsEach(i, set, length, text, textLength, n);
            default -> startsAt(i, set, length, text, textLength, n);
        };
    }

    private static boolean equalsAny(Insn i, long set, int length, int value) {
        for (int k = 0; k < length; k++) {
            if (element(set, k, i) == value) {
                return true;
            }
        }
        return false;
    }

    private static boolean inRange(Insn i, long set, int length, int value) {
        for (int k = 0; k + 1 < length; k += 2) {
            if (element(set, k, i) <= value && value <= element(set, k + 1, i)) {
                return true;
            }
        }
        return false;
    }

    /** Behind both ends elements are equal, behind one they differ. */
    private static boolean equalsEach(Insn i, long set, int length, long text, int textLength, int n) {
        if (n >= length || n >= textLength) {
            return n >= length && n >= textLength;
        }
        return element(set, n, i) == element(text, n, i);
    }

    /** Whether the needle, or as much of it as the operand has room for, stands at element {@code n}. */
    private static boolean startsAt(Insn i, long set, int length, long text, int textLength, int n) {
        int end = Math.min(length, size(i) - n);
        for (int k = 0; k < end; k++) {
            if (n + k >= textLength || element(set, k, i) != element(text, n + k, i)) {
                return false;
            }
        }
        return true;
    }

    // ---- results ----

    private static void setIndex(X86Cpu c, Insn i, int bits) {
        int none = size(i);
        int first = bits == 0 ? none : Integer.numberOfTrailingZeros(bits);
        int last = bits == 0 ? none : 31 - Integer.numberOfLeadingZeros(bits);
        c.setGeneral(1, (i.imm & OUTPUT) != 0 ? last : first);
    }

    private static void setMask(X86Cpu c, Insn i, int bits) {
        long low = bits;
        long high = 0;
        if ((i.imm & OUTPUT) != 0) {
            long tops = (i.imm & WORDS) != 0 ? Lanes.WORDS : Lanes.BYTES;
            low = Lanes.blend(tops, Lanes.chosen(tops, bits), 0, -1);
            high = Lanes.blend(tops, Lanes.chosen(tops, bits >> size(i) / 2), 0, -1);
        }
        putLong(c.st + CpuState.vector(0), low);
        putLong(c.st + CpuState.vector(0) + 8, high);
    }
}
