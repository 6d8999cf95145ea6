package org.jkvm.x86.exec;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;

/** Bit tests and scans, conditional sets and moves, byte swaps, CRC32. */
public final class BitOps {
    private static final int CRC32C = 0x82f6_3b78;

    private BitOps() {
    }

    private static long changed(int operation, long a, long bit) {
        return switch (operation) {
            case 0 -> a;
            case 1 -> a | bit;
            case 2 -> a & ~bit;
            default -> a ^ bit;
        };
    }

    /** Tests a bit into CF and changes it; a register index reaches beyond the memory operand. */
    private static void bit(X86Cpu c, Insn i, int operation) {
        int size = i.dstSize;
        long index = c.src(i);
        int low = (int) index & 8 * size - 1;
        if (i.dst >= 0) {
            long a = c.reg(i.dst, size);
            if (operation != 0) {
                c.setReg(i.dst, size, changed(operation, a, 1L << low));
            }
            c.setCf((a >>> low & 1) != 0);
            return;
        }
        long linear = bitAddress(c, i, index, operation != 0);
        if (operation == 0) {
            c.setCf((c.mmu.load(linear, size) >>> low & 1) != 0);
            return;
        }
        Alu.modify(c, linear, size, i.lock, low, (cpu, bytes, a, n) -> {
            cpu.setCf((a >>> n & 1) != 0);
            return changed(operation, a, 1L << n);
        });
    }

    private static long bitAddress(X86Cpu c, Insn i, long index, boolean write) {
        int size = i.dstSize;
        long displacement = 0;
        if (i.src != Insn.IMM) {
            int shift = 64 - 8 * size;
            long signed = index << shift >> shift;
            displacement = (signed >> (size == 8 ? 6 : size == 4 ? 5 : 4)) * size;
        }
        long offset = c.effective(i) + displacement & i.addressMask;
        return c.linear(i.segment, offset, size, write);
    }

    /** BT. */
    public static void bt(X86Cpu c, Insn i) {
        bit(c, i, 0);
    }

    /** BTS. */
    public static void bts(X86Cpu c, Insn i) {
        bit(c, i, 1);
    }

    /** BTR. */
    public static void btr(X86Cpu c, Insn i) {
        bit(c, i, 2);
    }

    /** BTC. */
    public static void btc(X86Cpu c, Insn i) {
        bit(c, i, 3);
    }

    /** BSF: with a zero source the destination stays, as processors do. */
    public static void bsf(X86Cpu c, Insn i) {
        scan(c, i, Long.numberOfTrailingZeros(c.src(i)));
    }

    /** BSR. */
    public static void bsr(X86Cpu c, Insn i) {
        scan(c, i, 63 - Long.numberOfLeadingZeros(c.src(i)));
    }

    private static void scan(X86Cpu c, Insn i, int found) {
        boolean zero = found < 0 || found > 63;
        c.setLogicFlags(zero ? 0 : 1, 8);
        if (!zero) {
            c.setReg(i.dst, i.dstSize, found);
        }
    }

    /** TZCNT. */
    public static void tzcnt(X86Cpu c, Insn i) {
        long a = c.src(i);
        counted(c, i, Math.min(Long.numberOfTrailingZeros(a), 8 * i.dstSize), a == 0);
    }

    /** LZCNT. */
    public static void lzcnt(X86Cpu c, Insn i) {
        long a = c.src(i);
        counted(c, i, Long.numberOfLeadingZeros(a) - (64 - 8 * i.dstSize), a == 0);
    }

    private static void counted(X86Cpu c, Insn i, long count, boolean carry) {
        c.setLogicFlags(count, i.dstSize);
        c.setCf(carry);
        c.setReg(i.dst, i.dstSize, count);
    }

    /** POPCNT. */
    public static void popcnt(X86Cpu c, Insn i) {
        long a = c.src(i);
        c.setReg(i.dst, i.dstSize, Long.bitCount(a));
        c.setArithmeticFlags(a == 0 ? 0x40 : 0);
    }

    /** BSWAP; of 16 bits gives zero, as processors do. */
    public static void bswap(X86Cpu c, Insn i) {
        long a = c.reg(i.dst, i.dstSize);
        c.setReg(i.dst, i.dstSize, i.dstSize == 8 ? Long.reverseBytes(a)
                : i.dstSize == 4 ? Integer.reverseBytes((int) a) & 0xffff_ffffL : 0);
    }

    /** MOVBE. */
    public static void movbe(X86Cpu c, Insn i) {
        c.setDst(i, Long.reverseBytes(c.src(i)) >>> 64 - 8 * i.dstSize);
    }

    /** SETcc. */
    public static void setcc(X86Cpu c, Insn i) {
        c.setDst(i, c.condition(i.condition) ? 1 : 0);
    }

    /** CMOVcc: the source is read either way, and 32 bits clear the upper half either way. */
    public static void cmov(X86Cpu c, Insn i) {
        long value = c.src(i);
        c.setReg(i.dst, i.dstSize, c.condition(i.condition) ? value : c.reg(i.dst, i.dstSize));
    }

    /** CRC32 (Castagnoli). */
    public static void crc32(X86Cpu c, Insn i) {
        int crc = (int) c.reg(i.dst, 4);
        long data = c.src(i);
        for (int n = 0; n < i.srcSize; n++) {
            crc ^= (int) (data >>> 8 * n) & 0xff;
            for (int k = 0; k < 8; k++) {
                crc = crc >>> 1 ^ ((crc & 1) != 0 ? CRC32C : 0);
            }
        }
        c.setReg(i.dst, 8, crc & 0xffff_ffffL);
    }

    /** ADCX: adds with CF alone. */
    public static void adcx(X86Cpu c, Insn i) {
        long a = c.reg(i.dst, i.dstSize);
        long b = c.src(i);
        boolean of = c.of();
        c.setReg(i.dst, i.dstSize, a + b + (c.cf() ? 1 : 0));
        c.setCarryOverflow(carryOut(i.dstSize, a, b, c.cf()), of);
    }

    /** ADOX: adds with OF as the carry. */
    public static void adox(X86Cpu c, Insn i) {
        long a = c.reg(i.dst, i.dstSize);
        long b = c.src(i);
        boolean of = c.of();
        c.setReg(i.dst, i.dstSize, a + b + (of ? 1 : 0));
        c.setCarryOverflow(c.cf(), carryOut(i.dstSize, a, b, of));
    }

    private static boolean carryOut(int size, long a, long b, boolean carry) {
        long r = a + b + (carry ? 1 : 0);
        return ((a & b | (a | b) & ~r) >>> 8 * size - 1 & 1) != 0;
    }
}
