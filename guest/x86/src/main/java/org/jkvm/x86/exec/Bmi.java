package org.jkvm.x86.exec;

import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;

/** VEX-encoded instructions on general registers: BMI1 and BMI2 (SDM vol. 1, 5.1.16; exceptions: vol. 2A, table 2-29). */
public final class Bmi {
    private static final int RDX = 2;

    private Bmi() {
    }

    /** There is no VEX in real-address and virtual-8086 mode. */
    private static void check(X86Cpu c) {
        if (!c.protectedMode() || c.virtual8086()) {
            throw c.fault(Vector.UD);
        }
    }

    /** Writes the first operand; ZF and SF by the result, OF clear, CF as said. */
    private static void set(X86Cpu c, Insn i, long result, boolean carry) {
        c.setLogicFlags(result, i.dstSize);
        c.setCf(carry);
        c.setReg(i.dst, i.dstSize, result);
    }

    // ---- BMI1 ----

    /** ANDN. */
    public static void andn(X86Cpu c, Insn i) {
        check(c);
        set(c, i, ~c.src(i) & c.src2(i), false);
    }

    /** BLSR: clears the lowest one. */
    public static void blsr(X86Cpu c, Insn i) {
        check(c);
        long a = c.src(i);
        set(c, i, a & a - 1, a == 0);
    }

    /** BLSMSK: ones up to the lowest one. */
    public static void blsmsk(X86Cpu c, Insn i) {
        check(c);
        long a = c.src(i);
        set(c, i, a ^ a - 1, a == 0);
    }

    /** BLSI: the lowest one alone. */
    public static void blsi(X86Cpu c, Insn i) {
        check(c);
        long a = c.src(i);
        set(c, i, a & -a, a != 0);
    }

    /** BEXTR: from the bit in 7:0 of the control operand, as many bits as its 15:8 say. */
    public static void bextr(X86Cpu c, Insn i) {
        check(c);
        long a = c.src(i);
        int control = (int) c.src2(i);
        int from = control & 0xff;
        set(c, i, from > 63 ? 0 : low(a >>> from, control >>> 8 & 0xff), false);
    }

    private static long low(long a, int bits) {
        return bits > 63 ? a : a & (1L << bits) - 1;
    }

    // ---- BMI2 ----

    /** BZHI: clears from the bit on that bits 7:0 of the third operand number; CF where there is no such bit. */
    public static void bzhi(X86Cpu c, Insn i) {
        check(c);
        int from = (int) c.src2(i) & 0xff;
        set(c, i, low(c.src(i), from), from >= 8 * i.dstSize);
    }

    /** PEXT: the bits that the mask chooses, packed. */
    public static void pext(X86Cpu c, Insn i) {
        check(c);
        c.setReg(i.dst, i.dstSize, Long.compress(c.src(i), c.src2(i)));
    }

    /** PDEP: low bits, spread to where the mask has ones. */
    public static void pdep(X86Cpu c, Insn i) {
        check(c);
        c.setReg(i.dst, i.dstSize, Long.expand(c.src(i), c.src2(i)));
    }

    /** MULX: rDX times the third operand; the high half is what stays where both results go to one register. */
    public static void mulx(X86Cpu c, Insn i) {
        check(c);
        int size = i.dstSize;
        long a = c.src2(i);
        long b = c.general(RDX);
        long low = size == 8 ? a * b : a * (b & 0xffff_ffffL);
        long high = size == 8 ? Math.unsignedMultiplyHigh(a, b) : low >>> 32;
        c.setReg(i.src, size, low);
        c.setReg(i.dst, size, high);
    }

    /** SHLX. */
    public static void shlx(X86Cpu c, Insn i) {
        check(c);
        c.setReg(i.dst, i.dstSize, c.src(i) << count(c, i));
    }

    /** SHRX. */
    public static void shrx(X86Cpu c, Insn i) {
        check(c);
        c.setReg(i.dst, i.dstSize, c.src(i) >>> count(c, i));
    }

    /** SARX. */
    public static void sarx(X86Cpu c, Insn i) {
        check(c);
        long a = c.src(i);
        c.setReg(i.dst, i.dstSize, (i.dstSize == 8 ? a : (int) a) >> count(c, i));
    }

    private static int count(X86Cpu c, Insn i) {
        return (int) c.src2(i) & 8 * i.dstSize - 1;
    }

    /** RORX. */
    public static void rorx(X86Cpu c, Insn i) {
        check(c);
        long a = c.src(i);
        c.setReg(i.dst, i.dstSize, i.dstSize == 8 ? Long.rotateRight(a, (int) i.imm)
                : Integer.rotateRight((int) a, (int) i.imm) & 0xffff_ffffL);
    }
}
