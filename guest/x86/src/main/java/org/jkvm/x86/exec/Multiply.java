package org.jkvm.x86.exec;

import java.math.BigInteger;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/** Multiplication, division and decimal adjustment. */
public final class Multiply {
    private static final int RAX = CpuState.GENERAL;
    private static final int RDX = CpuState.GENERAL + 16;
    private static final int AH = RAX + 1;

    private Multiply() {
    }

    private static long signed(long value, int size) {
        int shift = 64 - 8 * size;
        return value << shift >> shift;
    }

    private static void overflow(X86Cpu c, boolean carry, long low, int size) {
        c.setLogicFlags(low, size);
        c.setCarryOverflow(carry, carry);
    }

    /** MUL. */
    public static void mul(X86Cpu c, Insn i) {
        int size = i.dstSize;
        long a = c.reg(RAX, size);
        long b = c.dst(i);
        if (size == 8) {
            long high = Math.unsignedMultiplyHigh(a, b);
            store(c, 8, a * b, high);
            overflow(c, high != 0, a * b, 8);
            return;
        }
        long product = a * b;
        long high = product >>> 8 * size;
        store(c, size, product, high);
        overflow(c, high != 0, product, size);
    }

    /** IMUL with one operand. */
    public static void imul1(X86Cpu c, Insn i) {
        int size = i.dstSize;
        long a = signed(c.reg(RAX, size), size);
        long b = signed(c.dst(i), size);
        long low = a * b;
        long high = size == 8 ? Math.multiplyHigh(a, b) : low >> 8 * size;
        store(c, size, low, high);
        overflow(c, high != signed(low, size) >> 63, low, size);
    }

    private static void store(X86Cpu c, int size, long low, long high) {
        if (size == 1) {
            c.setReg(RAX, 2, low);
        } else {
            c.setReg(RAX, size, low);
            c.setReg(RDX, size, high);
        }
    }

    /** IMUL with two operands. */
    public static void imul2(X86Cpu c, Insn i) {
        imul(c, i, signed(c.reg(i.dst, i.dstSize), i.dstSize), signed(c.src(i), i.dstSize));
    }

    /** IMUL with three operands. */
    public static void imul3(X86Cpu c, Insn i) {
        imul(c, i, signed(c.src(i), i.dstSize), i.imm);
    }

    private static void imul(X86Cpu c, Insn i, long a, long b) {
        long low = a * b;
        boolean lost = i.dstSize == 8 ? Math.multiplyHigh(a, b) != low >> 63 : low != signed(low, i.dstSize);
        overflow(c, lost, low, i.dstSize);
        c.setReg(i.dst, i.dstSize, low);
    }

    /** DIV. */
    public static void div(X86Cpu c, Insn i) {
        int size = i.dstSize;
        long divisor = c.dst(i);
        if (divisor == 0) {
            throw c.fault(Vector.DE);
        }
        if (size == 8) {
            divide64(c, divisor);
            return;
        }
        long dividend = size == 1 ? c.reg(RAX, 2) : c.reg(RDX, size) << 8 * size | c.reg(RAX, size);
        long quotient = Long.divideUnsigned(dividend, divisor);
        if (quotient >>> 8 * size != 0) {
            throw c.fault(Vector.DE);
        }
        storeQuotient(c, size, quotient, Long.remainderUnsigned(dividend, divisor));
    }

    private static void divide64(X86Cpu c, long divisor) {
        long high = c.general(2);
        long low = c.general(0);
        if (Long.compareUnsigned(high, divisor) >= 0) {
            throw c.fault(Vector.DE);
        }
        if (high == 0) {
            storeQuotient(c, 8, Long.divideUnsigned(low, divisor), Long.remainderUnsigned(low, divisor));
            return;
        }
        BigInteger[] result = unsigned(high).shiftLeft(64).add(unsigned(low)).divideAndRemainder(unsigned(divisor));
        storeQuotient(c, 8, result[0].longValue(), result[1].longValue());
    }

    private static BigInteger unsigned(long value) {
        BigInteger b = BigInteger.valueOf(value & Long.MAX_VALUE);
        return value < 0 ? b.setBit(63) : b;
    }

    /** IDIV. */
    public static void idiv(X86Cpu c, Insn i) {
        int size = i.dstSize;
        long divisor = signed(c.dst(i), size);
        if (divisor == 0) {
            throw c.fault(Vector.DE);
        }
        if (size == 8) {
            divideSigned64(c, divisor);
            return;
        }
        long dividend = size == 1 ? signed(c.reg(RAX, 2), 2)
                : signed(c.reg(RDX, size) << 8 * size | c.reg(RAX, size), 2 * size);
        if (dividend == Long.MIN_VALUE && divisor == -1) {
            throw c.fault(Vector.DE);
        }
        long quotient = dividend / divisor;
        if (quotient != signed(quotient, size)) {
            throw c.fault(Vector.DE);
        }
        storeQuotient(c, size, quotient, dividend % divisor);
    }

    private static void divideSigned64(X86Cpu c, long divisor) {
        long high = c.general(2);
        long low = c.general(0);
        if (high == low >> 63 && !(low == Long.MIN_VALUE && divisor == -1)) {
            storeQuotient(c, 8, low / divisor, low % divisor);
            return;
        }
        BigInteger dividend = BigInteger.valueOf(high).shiftLeft(64).add(unsigned(low));
        BigInteger[] result = dividend.divideAndRemainder(BigInteger.valueOf(divisor));
        if (result[0].bitLength() > 63) {
            throw c.fault(Vector.DE);
        }
        storeQuotient(c, 8, result[0].longValue(), result[1].longValue());
    }

    private static void storeQuotient(X86Cpu c, int size, long quotient, long remainder) {
        c.setReg(RAX, size, quotient);
        c.setReg(size == 1 ? AH : RDX, size, remainder);
    }

    // ---- decimal ----

    /** DAA. */
    public static void daa(X86Cpu c, Insn i) {
        decimal(c, 1);
    }

    /** DAS. */
    public static void das(X86Cpu c, Insn i) {
        decimal(c, -1);
    }

    private static void decimal(X86Cpu c, int sign) {
        int old = (int) c.reg(RAX, 1);
        boolean oldCarry = c.cf();
        int al = old;
        boolean aux = (old & 15) > 9 || c.af();
        boolean carry = false;
        if (aux) {
            al += 6 * sign;
            carry = oldCarry || al > 0xff || al < 0;
        }
        if (old > 0x99 || oldCarry) {
            al += 0x60 * sign;
            carry = true;
        }
        c.setReg(RAX, 1, al);
        c.setLogicFlags(al, 1);
        c.flagAux = aux ? 16 : 0;
        c.setCf(carry);
    }

    /** AAA. */
    public static void aaa(X86Cpu c, Insn i) {
        ascii(c, 0x106);
    }

    /** AAS. */
    public static void aas(X86Cpu c, Insn i) {
        ascii(c, -0x106);
    }

    private static void ascii(X86Cpu c, int correction) {
        boolean adjust = (c.reg(RAX, 1) & 15) > 9 || c.af();
        long ax = c.reg(RAX, 2) + (adjust ? correction : 0);
        c.setReg(RAX, 2, ax & 0xff0f);
        c.setLogicFlags(ax & 15, 1);
        c.flagAux = adjust ? 16 : 0;
        c.setCf(adjust);
    }

    /** AAM. */
    public static void aam(X86Cpu c, Insn i) {
        int base = (int) i.imm & 0xff;
        if (base == 0) {
            throw c.fault(Vector.DE);
        }
        long al = c.reg(RAX, 1);
        c.setReg(RAX, 2, al / base << 8 | al % base);
        c.setLogicFlags(al % base, 1);
    }

    /** AAD. */
    public static void aad(X86Cpu c, Insn i) {
        long al = c.reg(RAX, 1) + c.reg(AH, 1) * (i.imm & 0xff) & 0xff;
        c.setReg(RAX, 2, al);
        c.setLogicFlags(al, 1);
    }
}
