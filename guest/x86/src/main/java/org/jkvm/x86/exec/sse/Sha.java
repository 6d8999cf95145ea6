package org.jkvm.x86.exec.sse;

import static java.lang.Integer.rotateLeft;
import static java.lang.Integer.rotateRight;
import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.getLong;

import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/** The SHA instructions (SDM vol. 2, by mnemonic; FIPS 180-4). Doubleword 3 is the one in bits 127:96. */
public final class Sha {
    /** The constants of SHA-1 (FIPS 180-4, 4.2.1). */
    private static final int[] K = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};

    private Sha() {
    }

    private static int ch(int x, int y, int z) {
        return x & y ^ ~x & z;
    }

    private static int maj(int x, int y, int z) {
        return x & y ^ x & z ^ y & z;
    }

    // ---- SHA-1 ----

    /** SHA1RNDS4: four rounds with the function and constant that the immediate names. */
    public static void sha1Rounds(X86Cpu c, Insn i) {
        long w = Sse.aligned(c, i);
        long s = c.st + i.dst;
        int which = (int) i.imm & 3;
        int a = getInt(s + 12);
        int b = getInt(s + 8);
        int cc = getInt(s + 4);
        int d = getInt(s);
        int e = 0; // doubleword 3 of the second operand has it added already (SHA1NEXTE)
        for (int n = 3; n >= 0; n--) {
            int next = f(which, b, cc, d) + rotateLeft(a, 5) + getInt(w + 4 * n) + e + K[which];
            e = d;
            d = cc;
            cc = rotateLeft(b, 30);
            b = a;
            a = next;
        }
        Sse.set(c, i.dst, Lanes.pair(d, cc), Lanes.pair(b, a));
    }

    private static int f(int which, int b, int c, int d) {
        return switch (which) {
            case 0 -> ch(b, c, d);
            case 2 -> maj(b, c, d);
            default -> b ^ c ^ d;
        };
    }

    /** SHA1NEXTE. */
    public static void sha1NextE(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        int e = rotateLeft(getInt(c.st + i.dst + 12), 30);
        Sse.set(c, i.dst, getLong(b), Lanes.pair(getInt(b + 8), getInt(b + 12) + e));
    }

    /** SHA1MSG1. */
    public static void sha1Message1(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long low = getLong(c.st + i.dst);
        long high = getLong(c.st + i.dst + 8);
        Sse.set(c, i.dst, getLong(b + 8) ^ low, low ^ high);
    }

    /** SHA1MSG2. */
    public static void sha1Message2(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        int w16 = rotateLeft(getInt(a + 12) ^ getInt(b + 8), 1);
        int w17 = rotateLeft(getInt(a + 8) ^ getInt(b + 4), 1);
        int w18 = rotateLeft(getInt(a + 4) ^ getInt(b), 1);
        int w19 = rotateLeft(getInt(a) ^ w16, 1);
        Sse.set(c, i.dst, Lanes.pair(w19, w18), Lanes.pair(w17, w16));
    }

    // ---- SHA-256 ----

    private static int sigma0(int x) {
        return rotateRight(x, 7) ^ rotateRight(x, 18) ^ x >>> 3;
    }

    private static int sigma1(int x) {
        return rotateRight(x, 17) ^ rotateRight(x, 19) ^ x >>> 10;
    }

    /** SHA256RNDS2: two rounds with the words in XMM0. */
    public static void sha256Rounds(X86Cpu c, Insn i) {
        long abef = Sse.aligned(c, i);
        long cdgh = c.st + i.dst;
        int a = getInt(abef + 12);
        int b = getInt(abef + 8);
        int e = getInt(abef + 4);
        int f = getInt(abef);
        int cc = getInt(cdgh + 12);
        int d = getInt(cdgh + 8);
        int g = getInt(cdgh + 4);
        int h = getInt(cdgh);
        for (int n = 0; n < 2; n++) {
            int sum1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
            int sum0 = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
            int t1 = ch(e, f, g) + sum1 + getInt(c.st + CpuState.vector(0) + 4 * n) + h;
            int next = t1 + maj(a, b, cc) + sum0;
            h = g;
            g = f;
            f = e;
            e = t1 + d;
            d = cc;
            cc = b;
            b = a;
            a = next;
        }
        Sse.set(c, i.dst, Lanes.pair(f, e), Lanes.pair(b, a));
    }

    /** SHA256MSG1. */
    public static void sha256Message1(X86Cpu c, Insn i) {
        int w4 = getInt(Sse.aligned(c, i));
        long a = c.st + i.dst;
        int r0 = getInt(a) + sigma0(getInt(a + 4));
        int r1 = getInt(a + 4) + sigma0(getInt(a + 8));
        int r2 = getInt(a + 8) + sigma0(getInt(a + 12));
        int r3 = getInt(a + 12) + sigma0(w4);
        Sse.set(c, i.dst, Lanes.pair(r0, r1), Lanes.pair(r2, r3));
    }

    /** SHA256MSG2. */
    public static void sha256Message2(X86Cpu c, Insn i) {
        long b = Sse.aligned(c, i);
        long a = c.st + i.dst;
        int w16 = getInt(a) + sigma1(getInt(b + 8));
        int w17 = getInt(a + 4) + sigma1(getInt(b + 12));
        int w18 = getInt(a + 8) + sigma1(w16);
        int w19 = getInt(a + 12) + sigma1(w17);
        Sse.set(c, i.dst, Lanes.pair(w16, w17), Lanes.pair(w18, w19));
    }
}
