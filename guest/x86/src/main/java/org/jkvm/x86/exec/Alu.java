package org.jkvm.x86.exec;

import org.jkvm.x86.GuestFault;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.ExitSignal;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.HostAccess;

/** Integer arithmetic and logic (SDM vol. 1, sections 7.3.2 to 7.3.4). */
public final class Alu {
    private Alu() {
    }

    /** What a read-modify-write does with the old value; sets the flags. */
    @FunctionalInterface
    interface Change {
        long apply(X86Cpu c, int size, long a, long b);
    }

    // ---- the sums ----

    static long sum(X86Cpu c, int size, long a, long b, long carry) {
        long r = a + b + carry;
        int shift = 64 - 8 * size;
        c.flagResult = r << shift >> shift;
        c.flagCarry = (a & b | (a | b) & ~r) << shift;
        c.flagAux = (a ^ b ^ r) & 16;
        return r;
    }

    static long difference(X86Cpu c, int size, long a, long b, long borrow) {
        long r = a - b - borrow;
        int shift = 64 - 8 * size;
        c.flagResult = r << shift >> shift;
        c.flagCarry = (~a & b | (~a | b) & r) << shift;
        c.flagAux = (a ^ b ^ r) & 16;
        return r;
    }

    private static long logic(X86Cpu c, int size, long r) {
        c.setLogicFlags(r, size);
        return r;
    }

    private static long one(boolean set) {
        return set ? 1 : 0;
    }

    // ---- two operands ----

    /** ADD. */
    public static void add(X86Cpu c, Insn i) {
        if (i.dst >= 0) {
            c.setReg(i.dst, i.dstSize, sum(c, i.dstSize, c.reg(i.dst, i.dstSize), c.src(i), 0));
        } else {
            modify(c, i, c.src(i), (cpu, size, a, b) -> sum(cpu, size, a, b, 0));
        }
    }

    /** SUB. */
    public static void sub(X86Cpu c, Insn i) {
        if (i.dst >= 0) {
            c.setReg(i.dst, i.dstSize, difference(c, i.dstSize, c.reg(i.dst, i.dstSize), c.src(i), 0));
        } else {
            modify(c, i, c.src(i), (cpu, size, a, b) -> difference(cpu, size, a, b, 0));
        }
    }

    /** CMP. */
    public static void cmp(X86Cpu c, Insn i) {
        difference(c, i.dstSize, c.dst(i), c.src(i), 0);
    }

    /** TEST. */
    public static void test(X86Cpu c, Insn i) {
        c.setLogicFlags(c.dst(i) & c.src(i), i.dstSize);
    }

    /** AND. */
    public static void and(X86Cpu c, Insn i) {
        if (i.dst >= 0) {
            c.setReg(i.dst, i.dstSize, logic(c, i.dstSize, c.reg(i.dst, i.dstSize) & c.src(i)));
        } else {
            modify(c, i, c.src(i), (cpu, size, a, b) -> logic(cpu, size, a & b));
        }
    }

    /** OR. */
    public static void or(X86Cpu c, Insn i) {
        if (i.dst >= 0) {
            c.setReg(i.dst, i.dstSize, logic(c, i.dstSize, c.reg(i.dst, i.dstSize) | c.src(i)));
        } else {
            modify(c, i, c.src(i), (cpu, size, a, b) -> logic(cpu, size, a | b));
        }
    }

    /** XOR. */
    public static void xor(X86Cpu c, Insn i) {
        if (i.dst >= 0) {
            c.setReg(i.dst, i.dstSize, logic(c, i.dstSize, c.reg(i.dst, i.dstSize) ^ c.src(i)));
        } else {
            modify(c, i, c.src(i), (cpu, size, a, b) -> logic(cpu, size, a ^ b));
        }
    }

    /** ADC. */
    public static void adc(X86Cpu c, Insn i) {
        update(c, i, c.src(i), (cpu, size, a, b) -> sum(cpu, size, a, b, one(cpu.cf())));
    }

    /** SBB. */
    public static void sbb(X86Cpu c, Insn i) {
        update(c, i, c.src(i), (cpu, size, a, b) -> difference(cpu, size, a, b, one(cpu.cf())));
    }

    // ---- one operand ----

    /** INC. */
    public static void inc(X86Cpu c, Insn i) {
        update(c, i, 1, (cpu, size, a, b) -> {
            boolean cf = cpu.cf();
            long r = sum(cpu, size, a, 1, 0);
            cpu.setCf(cf);
            return r;
        });
    }

    /** DEC. */
    public static void dec(X86Cpu c, Insn i) {
        update(c, i, 1, (cpu, size, a, b) -> {
            boolean cf = cpu.cf();
            long r = difference(cpu, size, a, 1, 0);
            cpu.setCf(cf);
            return r;
        });
    }

    /** NEG. */
    public static void neg(X86Cpu c, Insn i) {
        update(c, i, 0, (cpu, size, a, b) -> difference(cpu, size, 0, a, 0));
    }

    /** NOT; no flags. */
    public static void not(X86Cpu c, Insn i) {
        update(c, i, 0, (cpu, size, a, b) -> ~a);
    }

    // ---- read-modify-write ----

    /** Changes the first operand, register or memory. */
    static void update(X86Cpu c, Insn i, long b, Change change) {
        if (i.dst >= 0) {
            c.setReg(i.dst, i.dstSize, change.apply(c, i.dstSize, c.reg(i.dst, i.dstSize), b));
        } else {
            modify(c, i, b, change);
        }
    }

    /** Changes the memory operand; atomically with LOCK. */
    static void modify(X86Cpu c, Insn i, long b, Change change) {
        modify(c, c.linearWrite(i, i.dstSize), i.dstSize, i.lock, b, change);
    }

    static void modify(X86Cpu c, long linear, int size, boolean locked, long b, Change change) {
        if (locked) {
            Locked.modify(c, linear, size, b, change);
            return;
        }
        long host = c.mmu.hostForWrite(linear, size);
        if (host == 0) {
            modifySlowly(c, linear, size, b, change);
        } else {
            HostAccess.write(host, size, change.apply(c, size, HostAccess.read(host, size), b));
        }
    }

    static void modifySlowly(X86Cpu c, long linear, int size, long b, Change change) {
        c.mmu.probeWrite(linear, size);
        long result = c.flagResult;
        long carry = c.flagCarry;
        long aux = c.flagAux;
        try {
            c.mmu.store(linear, size, change.apply(c, size, c.mmu.load(linear, size), b));
        } catch (ExitSignal | GuestFault leaving) {
            c.flagResult = result;
            c.flagCarry = carry;
            c.flagAux = aux;
            throw leaving;
        }
    }

    /** XADD: the register gets the old value. */
    public static void xadd(X86Cpu c, Insn i) {
        long[] old = new long[1];
        update(c, i, c.src(i), (cpu, size, a, b) -> {
            old[0] = a;
            return sum(cpu, size, a, b, 0);
        });
        long total = i.dst >= 0 ? c.reg(i.dst, i.dstSize) : 0;
        c.setReg(i.src, i.srcSize, old[0]);
        if (i.dst >= 0) {
            c.setReg(i.dst, i.dstSize, total);
        }
    }

    /** XCHG; with memory it is locked whether it says so or not (SDM vol. 2C, XCHG). */
    public static void xchg(X86Cpu c, Insn i) {
        if (i.dst >= 0) {
            long a = c.reg(i.dst, i.dstSize);
            c.setReg(i.dst, i.dstSize, c.reg(i.src, i.srcSize));
            c.setReg(i.src, i.srcSize, a);
            return;
        }
        long[] old = new long[1];
        modify(c, c.linearWrite(i, i.dstSize), i.dstSize, true, c.src(i), (cpu, size, a, b) -> {
            old[0] = a;
            return b;
        });
        c.setReg(i.src, i.srcSize, old[0]);
    }

    /** NOP, which is XCHG of rAX with itself but leaves RAX's upper half; with REX.B it is XCHG with R8. */
    public static void nop(X86Cpu c, Insn i) {
        if (i.dst != i.src) {
            xchg(c, i);
        }
    }

    /** CMPXCHG: memory is written either way, a register only where it was equal. */
    public static void cmpxchg(X86Cpu c, Insn i) {
        int bytes = i.dstSize;
        long wanted = c.reg(0, bytes);
        long[] old = new long[1];
        if (i.dst >= 0) {
            old[0] = c.reg(i.dst, bytes);
            difference(c, bytes, wanted, old[0], 0);
        } else {
            modify(c, i, c.src(i), (cpu, size, a, b) -> {
                old[0] = a;
                difference(cpu, size, wanted, a, 0);
                return cpu.zf() ? b : a;
            });
        }
        if (!c.zf()) {
            c.setReg(0, bytes, old[0]);
        } else if (i.dst >= 0) {
            c.setReg(i.dst, bytes, c.src(i));
        }
    }

    /** CMPXCHG8B and CMPXCHG16B. */
    public static void cmpxchgPair(X86Cpu c, Insn i) {
        if (i.operandSize == 8) {
            c.require(Feature.CX16);
            Wide.compareExchange(c, i);
            return;
        }
        long wanted = c.general(2) << 32 | c.general(0) & 0xffff_ffffL;
        long[] old = new long[1];
        boolean[] equal = new boolean[1];
        modify(c, c.linearWrite(i, 8), 8, i.lock, c.general(1) << 32 | c.general(3) & 0xffff_ffffL, (cpu, size, a, b) -> {
            old[0] = a;
            equal[0] = a == wanted;
            return equal[0] ? b : a;
        });
        Wide.setZero(c, equal[0]);
        if (!equal[0]) {
            c.setReg(0, 4, old[0]);
            c.setReg(16, 4, old[0] >>> 32);
        }
    }
}
