package org.jkvm.x86.exec.sse;

import static org.jkvm.linux.RawMemory.getByte;
import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;

/**
 * The AES instructions (SDM vol. 1, 12.13; FIPS 197). Tables join SubBytes and MixColumns of one byte; columns are
 * little-endian doublewords, row 0 in the low byte.
 */
public final class Aes {
    private static final int[] SBOX = new int[256];
    private static final int[] INVERSE_SBOX = new int[256];
    /** MixColumns of (SBOX[x], 0, 0, 0). */
    private static final int[] ENCRYPT = new int[256];
    /** InvMixColumns of (INVERSE_SBOX[x], 0, 0, 0). */
    private static final int[] DECRYPT = new int[256];

    static {
        int p = 1;
        int q = 1;
        do { // p runs through all non-zero elements as powers of 3, q through their inverses.
            p = multiply(p, 3);
            q = multiply(q, 0xf6);
            SBOX[p] = affine(q);
        } while (p != 1);
        SBOX[0] = affine(0);
        for (int x = 0; x < 256; x++) {
            INVERSE_SBOX[SBOX[x]] = x;
            ENCRYPT[x] = column(SBOX[x], 2, 1, 1, 3);
        }
        for (int x = 0; x < 256; x++) {
            DECRYPT[x] = column(INVERSE_SBOX[x], 0xe, 9, 0xd, 0xb);
        }
    }

    private Aes() {
    }

    /** Multiplies in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197, 4.2). */
    private static int multiply(int x, int y) {
        int r = 0;
        for (int a = x, b = y; b != 0; b >>= 1) {
            r ^= (b & 1) != 0 ? a : 0;
            a = a << 1 ^ (a >= 0x80 ? 0x11b : 0);
        }
        return r;
    }

    /** The affine transformation of SubBytes (FIPS 197, 5.1.1). */
    private static int affine(int x) {
        int doubled = x | x << 8;
        return (x ^ doubled >> 7 ^ doubled >> 6 ^ doubled >> 5 ^ doubled >> 4 ^ 0x63) & 0xff;
    }

    private static int column(int x, int r0, int r1, int r2, int r3) {
        return multiply(x, r0) | multiply(x, r1) << 8 | multiply(x, r2) << 16 | multiply(x, r3) << 24;
    }

    /** AESENC. */
    public static void encrypt(X86Cpu c, Insn i) {
        long key = Sse.aligned(c, i);
        long s = c.st + i.dst;
        long low = Lanes.pair(round(ENCRYPT, s, 0, 1), round(ENCRYPT, s, 1, 1)) ^ getLong(key);
        long high = Lanes.pair(round(ENCRYPT, s, 2, 1), round(ENCRYPT, s, 3, 1)) ^ getLong(key + 8);
        Sse.set(c, i.dst, low, high);
    }

    /** AESDEC. */
    public static void decrypt(X86Cpu c, Insn i) {
        long key = Sse.aligned(c, i);
        long s = c.st + i.dst;
        long low = Lanes.pair(round(DECRYPT, s, 0, 3), round(DECRYPT, s, 1, 3)) ^ getLong(key);
        long high = Lanes.pair(round(DECRYPT, s, 2, 3), round(DECRYPT, s, 3, 3)) ^ getLong(key + 8);
        Sse.set(c, i.dst, low, high);
    }

    /** AESENCLAST. */
    public static void encryptLast(X86Cpu c, Insn i) {
        long key = Sse.aligned(c, i);
        long s = c.st + i.dst;
        long low = Lanes.pair(last(SBOX, s, 0, 1), last(SBOX, s, 1, 1)) ^ getLong(key);
        long high = Lanes.pair(last(SBOX, s, 2, 1), last(SBOX, s, 3, 1)) ^ getLong(key + 8);
        Sse.set(c, i.dst, low, high);
    }

    /** AESDECLAST. */
    public static void decryptLast(X86Cpu c, Insn i) {
        long key = Sse.aligned(c, i);
        long s = c.st + i.dst;
        long low = Lanes.pair(last(INVERSE_SBOX, s, 0, 3), last(INVERSE_SBOX, s, 1, 3)) ^ getLong(key);
        long high = Lanes.pair(last(INVERSE_SBOX, s, 2, 3), last(INVERSE_SBOX, s, 3, 3)) ^ getLong(key + 8);
        Sse.set(c, i.dst, low, high);
    }

    /** Column {@code n} of (Inv)ShiftRows: row r comes from column {@code n + r * step}. */
    private static int shifted(long state, int n, int row, int step) {
        return getByte(state + 4 * (n + row * step & 3) + row);
    }

    private static int round(int[] table, long s, int n, int step) {
        return table[shifted(s, n, 0, step)]
                ^ Integer.rotateLeft(table[shifted(s, n, 1, step)], 8)
                ^ Integer.rotateLeft(table[shifted(s, n, 2, step)], 16)
                ^ Integer.rotateLeft(table[shifted(s, n, 3, step)], 24);
    }

    private static int last(int[] box, long s, int n, int step) {
        return box[shifted(s, n, 0, step)] | box[shifted(s, n, 1, step)] << 8 | box[shifted(s, n, 2, step)] << 16
                | box[shifted(s, n, 3, step)] << 24;
    }

    /** AESIMC: InvMixColumns. */
    public static void mixKey(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long low = Lanes.pair(unmixed(b), unmixed(b + 4));
        Sse.set(c, i.dst, low, Lanes.pair(unmixed(b + 8), unmixed(b + 12)));
    }

    private static int unmixed(long at) {
        return DECRYPT[SBOX[getByte(at)]] ^ Integer.rotateLeft(DECRYPT[SBOX[getByte(at + 1)]], 8)
                ^ Integer.rotateLeft(DECRYPT[SBOX[getByte(at + 2)]], 16)
                ^ Integer.rotateLeft(DECRYPT[SBOX[getByte(at + 3)]], 24);
    }

    /** AESKEYGENASSIST. */
    public static void assistKey(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        int x1 = substituted(getInt(b + 4));
        int x3 = substituted(getInt(b + 12));
        int constant = (int) i.imm;
        long low = Lanes.pair(x1, Integer.rotateRight(x1, 8) ^ constant);
        Sse.set(c, i.dst, low, Lanes.pair(x3, Integer.rotateRight(x3, 8) ^ constant));
    }

    private static int substituted(int x) {
        return SBOX[x & 0xff] | SBOX[x >>> 8 & 0xff] << 8 | SBOX[x >>> 16 & 0xff] << 16 | SBOX[x >>> 24] << 24;
    }

    /** PCLMULQDQ: the carry-less product of one half of either operand. */
    public static void multiplyCarryless(X86Cpu c, Insn i) {
        long y = getLong(Sse.aligned(c, i) + (i.imm >> 1 & 8));
        long x = getLong(c.st + i.dst + (i.imm & 1) * 8);
        long low = 0;
        long high = 0;
        for (long rest = y; rest != 0; rest &= rest - 1) {
            int n = Long.numberOfTrailingZeros(rest);
            low ^= x << n;
            high ^= n == 0 ? 0 : x >>> 64 - n;
        }
        Sse.set(c, i.dst, low, high);
    }
}
