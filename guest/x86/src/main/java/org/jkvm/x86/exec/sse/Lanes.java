package org.jkvm.x86.exec.sse;

import java.util.function.IntBinaryOperator;
import java.util.function.LongBinaryOperator;

/**
 * Arithmetic on the lanes of a 64-bit word: 8 bytes, 4 words, 2 doublewords. An MMX instruction applies such a function
 * once, an XMM form to either half. A width is told by the mask of the lanes' top bits: {@link #BYTES}, {@link #WORDS},
 * {@link #DWORDS}, {@link #QWORD}.
 */
public final class Lanes {
    /** The top bits of 8 bytes. */
    public static final long BYTES = 0x8080_8080_8080_8080L;
    /** The top bits of 4 words. */
    public static final long WORDS = 0x8000_8000_8000_8000L;
    /** The top bits of 2 doublewords. */
    public static final long DWORDS = 0x8000_0000_8000_0000L;
    /** The top bit of a quadword. */
    public static final long QWORD = Long.MIN_VALUE;
    private static final long GATHER = 0x0102_0408_1020_4080L;

    private Lanes() {
    }

    // ---- all widths ----

    /** a + b in each lane. */
    public static long add(long tops, long a, long b) {
        return (a & ~tops) + (b & ~tops) ^ (a ^ b) & tops;
    }

    /** a - b in each lane. */
    public static long subtract(long tops, long a, long b) {
        return (a | tops) - (b & ~tops) ^ (a ^ ~b) & tops;
    }

    /** Ones in each lane whose top bit is set in {@code bits}, of which only top bits count. */
    private static long fill(long tops, long bits) {
        int width = width(tops);
        return ((bits & tops) >>> width - 1) * (-1L >>> 64 - width);
    }

    private static int width(long tops) {
        return Long.numberOfTrailingZeros(tops) + 1;
    }

    /** Ones where a = b. */
    public static long equal(long tops, long a, long b) {
        long x = a ^ b;
        return fill(tops, ~((x & ~tops) + ~tops | x));
    }

    /** Ones where a < b, unsigned: where a - b borrows. */
    public static long below(long tops, long a, long b) {
        return fill(tops, ~a & b | (~a | b) & subtract(tops, a, b));
    }

    /** Ones where a > b, signed. */
    public static long greater(long tops, long a, long b) {
        return below(tops, b ^ tops, a ^ tops);
    }

    private static long select(long mask, long ones, long zeros) {
        return ones & mask | zeros & ~mask;
    }

    /** The lesser, unsigned. */
    public static long minUnsigned(long tops, long a, long b) {
        return select(below(tops, a, b), a, b);
    }

    /** The greater, unsigned. */
    public static long maxUnsigned(long tops, long a, long b) {
        return select(below(tops, a, b), b, a);
    }

    /** The lesser, signed. */
    public static long minSigned(long tops, long a, long b) {
        return select(greater(tops, a, b), b, a);
    }

    /** The greater, signed. */
    public static long maxSigned(long tops, long a, long b) {
        return select(greater(tops, a, b), a, b);
    }

    /** a + b, or all ones where that is too much. */
    public static long addUnsignedSaturating(long tops, long a, long b) {
        long sum = add(tops, a, b);
        return sum | fill(tops, a & b | (a | b) & ~sum);
    }

    /** a - b, or zero where b is greater. */
    public static long subtractUnsignedSaturating(long tops, long a, long b) {
        return subtract(tops, a, b) & ~below(tops, a, b);
    }

    /** a + b, held between the least and the greatest signed number. */
    public static long addSaturating(long tops, long a, long b) {
        long sum = add(tops, a, b);
        return saturate(tops, a, sum, ~(a ^ b) & (a ^ sum));
    }

    /** a - b, held between the least and the greatest signed number. */
    public static long subtractSaturating(long tops, long a, long b) {
        long difference = subtract(tops, a, b);
        return saturate(tops, a, difference, (a ^ b) & (a ^ difference));
    }

    /** Where it overflowed, the extreme number of the first operand's sign. */
    private static long saturate(long tops, long a, long result, long overflow) {
        return select(fill(tops, overflow), ~tops ^ fill(tops, a), result);
    }

    /** (a + b + 1) / 2, unsigned. */
    public static long average(long tops, long a, long b) {
        long lows = tops >>> width(tops) - 1;
        return (a | b) - (((a ^ b) & ~lows) >>> 1);
    }

    /** |b|; the least number stays. */
    public static long absolute(long tops, long b) {
        long negative = fill(tops, b);
        return subtract(tops, b ^ negative, negative);
    }

    /** -a where b is negative, 0 where b is 0, a elsewhere (PSIGNB and its kin). */
    public static long sign(long tops, long a, long b) {
        long negative = fill(tops, b);
        return subtract(tops, a ^ negative, negative) & ~equal(tops, b, 0);
    }

    /** b where the top bit in {@code mask} is set, a elsewhere (PBLENDVB). */
    public static long blend(long tops, long mask, long a, long b) {
        return select(fill(tops, mask), b, a);
    }

    /** The top bits of those lanes whose number's bit is set in {@code bits}. */
    static long chosen(long tops, int bits) {
        int width = width(tops);
        long r = 0;
        for (int n = 0; n < 64 / width; n++) {
            r |= (bits >>> n & 1L) << n * width + width - 1;
        }
        return r;
    }

    // ---- shifts ----

    /** Shifts each lane left by {@code count}, unsigned. */
    public static long shiftLeft(long tops, long a, long count) {
        int width = width(tops);
        if (Long.compareUnsigned(count, width) >= 0) {
            return 0;
        }
        long lows = tops >>> width - 1;
        return a << count & ~((lows << count) - lows);
    }

    /** Shifts each lane right by {@code count}, unsigned, filling with zeros. */
    public static long shiftRight(long tops, long a, long count) {
        int width = width(tops);
        if (Long.compareUnsigned(count, width) >= 0) {
            return 0;
        }
        long lows = tops >>> width - 1;
        return a >>> count & lows * (-1L >>> 64 - width + count);
    }

    /** Shifts each lane right by {@code count}, unsigned, filling with its sign. */
    public static long shiftRightSigned(long tops, long a, long count) {
        int width = width(tops);
        long by = Long.compareUnsigned(count, width) >= 0 ? width - 1 : count;
        long shifted = shiftRight(tops, a, by);
        long sign = shiftRight(tops, tops, by);
        return subtract(tops, shifted ^ sign, sign);
    }

    // ---- lane by lane ----

    /** A function of 4 signed words. */
    public static LongBinaryOperator words(IntBinaryOperator lane) {
        return (a, b) -> {
            long r = 0;
            for (int at = 0; at < 64; at += 16) {
                r |= (lane.applyAsInt((short) (a >> at), (short) (b >> at)) & 0xffffL) << at;
            }
            return r;
        };
    }

    /** A function of 2 signed doublewords. */
    public static LongBinaryOperator dwords(IntBinaryOperator lane) {
        return (a, b) -> pair(lane.applyAsInt((int) a, (int) b), lane.applyAsInt((int) (a >> 32), (int) (b >> 32)));
    }

    /** Two doublewords. */
    public static long pair(int low, int high) {
        return low & 0xffff_ffffL | (long) high << 32;
    }

    /** PMADDWD: sums of two signed products. */
    public static long multiplyAddWords(long a, long b) {
        return pair(product(a, b, 0) + product(a, b, 16), product(a, b, 32) + product(a, b, 48));
    }

    private static int product(long a, long b, int at) {
        return (short) (a >> at) * (short) (b >> at);
    }

    /** PMADDUBSW: sums, saturated, of two products of an unsigned and a signed byte. */
    public static long multiplyAddBytes(long a, long b) {
        long r = 0;
        for (int at = 0; at < 64; at += 16) {
            int sum = (int) (a >> at & 0xff) * (byte) (b >> at) + (int) (a >> at + 8 & 0xff) * (byte) (b >> at + 8);
            r |= (saturate16(sum) & 0xffffL) << at;
        }
        return r;
    }

    /** PMULUDQ. */
    public static long multiplyUnsigned(long a, long b) {
        return (a & 0xffff_ffffL) * (b & 0xffff_ffffL);
    }

    /** PMULDQ. */
    public static long multiplySigned(long a, long b) {
        return (long) (int) a * (int) b;
    }

    /** PSADBW: the sum of the absolute differences of 8 bytes. */
    public static long sumOfDifferences(long a, long b) {
        long sum = 0;
        for (int at = 0; at < 64; at += 8) {
            sum += Math.abs((a >> at & 0xff) - (b >> at & 0xff));
        }
        return sum;
    }

    /** The top bits of 8 bytes as an 8-bit number. */
    public static int signs(long a) {
        return (int) (((a & BYTES) >>> 7) * GATHER >>> 56);
    }

    /** PSHUFW, or half a PSHUFLW. */
    public static long shuffleWords(long a, long order) {
        long r = 0;
        for (int n = 0; n < 4; n++) {
            r |= (a >>> (order >>> 2 * n & 3) * 16 & 0xffff) << 16 * n;
        }
        return r;
    }

    // ---- joining two words ----

    /** The low 4 bytes of a and b by turns (PUNPCKLBW). */
    public static long interleaveBytes(long a, long b) {
        return spreadBytes(a) | spreadBytes(b) << 8;
    }

    /** The low 2 words of a and b by turns (PUNPCKLWD). */
    public static long interleaveWords(long a, long b) {
        return spreadWords(a) | spreadWords(b) << 16;
    }

    /** The low doublewords of a and b (PUNPCKLDQ). */
    public static long interleaveDwords(long a, long b) {
        return a & 0xffff_ffffL | b << 32;
    }

    private static long spreadWords(long x) {
        return (x & 0xffff) | (x & 0xffff_0000L) << 16;
    }

    private static long spreadBytes(long x) {
        long words = spreadWords(x);
        return (words | words << 8) & 0x00ff_00ff_00ff_00ffL;
    }

    /** Words to signed bytes: a's in the low half, b's in the high half (PACKSSWB). */
    public static long packSignedBytes(long a, long b) {
        return packBytes(a, -128, 127) | packBytes(b, -128, 127) << 32;
    }

    /** Words to unsigned bytes (PACKUSWB). */
    public static long packUnsignedBytes(long a, long b) {
        return packBytes(a, 0, 255) | packBytes(b, 0, 255) << 32;
    }

    private static long packBytes(long a, int least, int most) {
        long r = 0;
        for (int n = 0; n < 4; n++) {
            r |= (Math.clamp((short) (a >> 16 * n), least, most) & 0xffL) << 8 * n;
        }
        return r;
    }

    /** Doublewords to signed words (PACKSSDW). */
    public static long packSignedWords(long a, long b) {
        return packWords(a, -32768, 32767) | packWords(b, -32768, 32767) << 32;
    }

    /** Doublewords to unsigned words (PACKUSDW). */
    public static long packUnsignedWords(long a, long b) {
        return packWords(a, 0, 65535) | packWords(b, 0, 65535) << 32;
    }

    private static long packWords(long a, int least, int most) {
        return Math.clamp((int) a, least, most) & 0xffffL | (Math.clamp((int) (a >> 32), least, most) & 0xffffL) << 16;
    }

    /** Neighbouring words of a, then of b, joined by {@code lane} (PHADDW and its kin). */
    public static LongBinaryOperator neighbourWords(IntBinaryOperator lane) {
        return (a, b) -> neighbours(a, lane) | neighbours(b, lane) << 32;
    }

    private static long neighbours(long a, IntBinaryOperator lane) {
        int low = lane.applyAsInt((short) a, (short) (a >> 16));
        int high = lane.applyAsInt((short) (a >> 32), (short) (a >> 48));
        return low & 0xffffL | (high & 0xffffL) << 16;
    }

    /** Neighbouring doublewords of a, then of b, joined by {@code lane}. */
    public static LongBinaryOperator neighbourDwords(IntBinaryOperator lane) {
        return (a, b) -> pair(lane.applyAsInt((int) a, (int) (a >> 32)), lane.applyAsInt((int) b, (int) (b >> 32)));
    }

    /** Holds a number between the least and the greatest signed word. */
    public static int saturate16(int value) {
        return Math.clamp(value, -32768, 32767);
    }
}
