package org.jkvm.x86.exec;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;

/** Shifts and rotates (SDM vol. 2B, RCL/RCR/ROL/ROR, SAL/SAR/SHL/SHR, SHLD, SHRD). A count of zero changes no flag. */
public final class Shifts {
    private Shifts() {
    }

    private static int count(X86Cpu c, Insn i) {
        return (int) c.src(i) & (i.dstSize == 8 ? 63 : 31);
    }

    /** A shift by a count that is not zero after masking; with zero memory is still read and written. */
    private static void shift(X86Cpu c, Insn i, Alu.Change change) {
        int count = count(c, i);
        Alu.update(c, i, count, count == 0 ? (cpu, size, a, b) -> a : change);
    }

    private static long top(long value, int size, int below) {
        return value >>> 8 * size - 1 - below & 1;
    }

    private static void flags(X86Cpu c, int size, long r, boolean cf, boolean of) {
        c.setLogicFlags(r, size);
        c.setCarryOverflow(cf, of);
    }

    /** SHL, SAL. */
    public static void shl(X86Cpu c, Insn i) {
        shift(c, i, (cpu, size, a, n) -> {
            int bits = 8 * size;
            long r = n < 64 ? a << n : 0;
            boolean cf = n <= bits && (a >>> bits - n & 1) != 0;
            flags(cpu, size, r, cf, top(r, size, 0) != 0 ^ cf);
            return r;
        });
    }

    /** SHR. */
    public static void shr(X86Cpu c, Insn i) {
        shift(c, i, (cpu, size, a, n) -> {
            long r = a >>> n;
            flags(cpu, size, r, (a >>> n - 1 & 1) != 0, top(a, size, 0) != 0);
            return r;
        });
    }

    /** SAR. */
    public static void sar(X86Cpu c, Insn i) {
        shift(c, i, (cpu, size, a, n) -> {
            int extend = 64 - 8 * size;
            long wide = a << extend >> extend;
            long r = wide >> n;
            flags(cpu, size, r, (wide >> n - 1 & 1) != 0, false);
            return r;
        });
    }

    /** ROL. */
    public static void rol(X86Cpu c, Insn i) {
        shift(c, i, (cpu, size, a, b) -> {
            int bits = 8 * size;
            int n = (int) b & bits - 1;
            long r = n == 0 ? a : a << n | a >>> bits - n;
            boolean cf = (r & 1) != 0;
            cpu.setCarryOverflow(cf, top(r, size, 0) != 0 ^ cf);
            return r;
        });
    }

    /** ROR. */
    public static void ror(X86Cpu c, Insn i) {
        shift(c, i, (cpu, size, a, b) -> {
            int bits = 8 * size;
            int n = (int) b & bits - 1;
            long r = n == 0 ? a : a >>> n | a << bits - n;
            boolean cf = top(r, size, 0) != 0;
            cpu.setCarryOverflow(cf, cf ^ top(r, size, 1) != 0);
            return r;
        });
    }

    /** RCL: rotates through CF. */
    public static void rcl(X86Cpu c, Insn i) {
        shift(c, i, (cpu, size, a, b) -> {
            int n = (int) b % (8 * size + 1);
            long r = a;
            boolean cf = cpu.cf();
            for (int k = 0; k < n; k++) {
                boolean out = top(r, size, 0) != 0;
                r = r << 1 | (cf ? 1 : 0);
                cf = out;
            }
            cpu.setCarryOverflow(cf, n == 0 ? cpu.of() : top(r, size, 0) != 0 ^ cf);
            return r;
        });
    }

    /** RCR: rotates through CF. */
    public static void rcr(X86Cpu c, Insn i) {
        shift(c, i, (cpu, size, a, b) -> {
            int bits = 8 * size;
            int n = (int) b % (bits + 1);
            long r = a;
            boolean cf = cpu.cf();
            boolean of = n == 0 ? cpu.of() : false;
            for (int k = 0; k < n; k++) {
                of = top(r, size, 0) != 0 ^ cf;
                boolean out = (r & 1) != 0;
                r = r >>> 1 | (cf ? 1L << bits - 1 : 0);
                cf = out;
            }
            cpu.setCarryOverflow(cf, n == 1 || n == 0 ? of : top(r, size, 0) != top(r, size, 1));
            return r;
        });
    }

    private static int doubleCount(X86Cpu c, Insn i) {
        return (int) (i.src2 == Insn.IMM ? i.imm : c.reg(i.src2, 1)) & (i.dstSize == 8 ? 63 : 31);
    }

    /** SHLD. */
    public static void shld(X86Cpu c, Insn i) {
        int n = doubleCount(c, i);
        long fill = c.src(i);
        Alu.update(c, i, fill, n == 0 ? (cpu, size, a, b) -> a : (cpu, size, a, b) -> {
            int bits = 8 * size;
            long r = n > bits ? b << n - bits | a >>> 2 * bits - n : a << n | b >>> bits - n;
            boolean cf = (n > bits ? b >>> 2 * bits - n & 1 : a >>> bits - n & 1) != 0;
            flags(cpu, size, r, cf, top(r, size, 0) != top(a, size, 0));
            return r;
        });
    }

    /** SHRD. */
    public static void shrd(X86Cpu c, Insn i) {
        int n = doubleCount(c, i);
        long fill = c.src(i);
        Alu.update(c, i, fill, n == 0 ? (cpu, size, a, b) -> a : (cpu, size, a, b) -> {
            int bits = 8 * size;
            long r = n > bits ? b >>> n - bits | a << 2 * bits - n : a >>> n | b << bits - n;
            boolean cf = (n > bits ? b >>> n - bits - 1 & 1 : a >>> n - 1 & 1) != 0;
            flags(cpu, size, r, cf, top(r, size, 0) != top(a, size, 0));
            return r;
        });
    }
}
