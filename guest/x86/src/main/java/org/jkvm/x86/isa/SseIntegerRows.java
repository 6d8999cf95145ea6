package org.jkvm.x86.isa;

import static org.jkvm.x86.exec.sse.Lanes.BYTES;
import static org.jkvm.x86.exec.sse.Lanes.DWORDS;
import static org.jkvm.x86.exec.sse.Lanes.QWORD;
import static org.jkvm.x86.exec.sse.Lanes.WORDS;

import java.util.function.LongBinaryOperator;
import org.jkvm.x86.exec.mmx.MmxOps;
import org.jkvm.x86.exec.sse.Lanes;
import org.jkvm.x86.exec.sse.Packed;
import org.jkvm.x86.exec.sse.Shuffles;

/**
 * Rows of the integer instructions of MMX, SSE and SSE2, most of them twice: without prefix on MMX registers, with 66h on
 * XMM registers (SDM vol. 2D, table A-3).
 */
final class SseIntegerRows {
    private SseIntegerRows() {
    }

    static void declare(OpcodeTable t) {
        sums(t);
        products(t);
        comparisons(t);
        logic(t);
        shifts(t);
        packs(t);
        shuffles(t);
    }

    /** The MMX and the XMM form of a function on 64 bits. */
    private static void both(OpcodeTable t, String code, String name, LongBinaryOperator op) {
        t.row("NP 0F " + code, name, "Pq,Qq", MmxOps.binary(op)).needs(Feature.MMX);
        t.row("66 0F " + code, name, "Vdq,Wdq", Packed.vertical(op)).needs(Feature.SSE2);
    }

    /** One whose MMX form came with SSE. */
    private static void bothSse(OpcodeTable t, String code, String name, LongBinaryOperator op) {
        t.row("NP 0F " + code, name, "Pq,Qq", MmxOps.binary(op)).needs(Feature.SSE);
        t.row("66 0F " + code, name, "Vdq,Wdq", Packed.vertical(op)).needs(Feature.SSE2);
    }

    /** One whose XMM form is written out for speed. */
    private static void both(OpcodeTable t, String code, String name, LongBinaryOperator op, Handler xmm) {
        t.row("NP 0F " + code, name, "Pq,Qq", MmxOps.binary(op)).needs(Feature.MMX);
        t.row("66 0F " + code, name, "Vdq,Wdq", xmm).needs(Feature.SSE2);
    }

    private static void sums(OpcodeTable t) {
        both(t, "FC", "PADDB", (a, b) -> Lanes.add(BYTES, a, b));
        both(t, "FD", "PADDW", (a, b) -> Lanes.add(WORDS, a, b));
        both(t, "FE", "PADDD", (a, b) -> Lanes.add(DWORDS, a, b), Packed::addDwords);
        t.row("NP 0F D4", "PADDQ", "Pq,Qq", MmxOps.binary((a, b) -> a + b)).needs(Feature.SSE2);
        t.row("66 0F D4", "PADDQ", "Vdq,Wdq", Packed::addQwords).needs(Feature.SSE2);
        both(t, "EC", "PADDSB", (a, b) -> Lanes.addSaturating(BYTES, a, b));
        both(t, "ED", "PADDSW", (a, b) -> Lanes.addSaturating(WORDS, a, b));
        both(t, "DC", "PADDUSB", (a, b) -> Lanes.addUnsignedSaturating(BYTES, a, b));
        both(t, "DD", "PADDUSW", (a, b) -> Lanes.addUnsignedSaturating(WORDS, a, b));
        both(t, "F8", "PSUBB", (a, b) -> Lanes.subtract(BYTES, a, b));
        both(t, "F9", "PSUBW", (a, b) -> Lanes.subtract(WORDS, a, b));
        both(t, "FA", "PSUBD", (a, b) -> Lanes.subtract(DWORDS, a, b));
        t.row("NP 0F FB", "PSUBQ", "Pq,Qq", MmxOps.binary((a, b) -> a - b)).needs(Feature.SSE2);
        t.row("66 0F FB", "PSUBQ", "Vdq,Wdq", Packed.vertical((a, b) -> a - b)).needs(Feature.SSE2);
        both(t, "E8", "PSUBSB", (a, b) -> Lanes.subtractSaturating(BYTES, a, b));
        both(t, "E9", "PSUBSW", (a, b) -> Lanes.subtractSaturating(WORDS, a, b));
        both(t, "D8", "PSUBUSB", (a, b) -> Lanes.subtractUnsignedSaturating(BYTES, a, b));
        both(t, "D9", "PSUBUSW", (a, b) -> Lanes.subtractUnsignedSaturating(WORDS, a, b));
        bothSse(t, "E0", "PAVGB", (a, b) -> Lanes.average(BYTES, a, b));
        bothSse(t, "E3", "PAVGW", (a, b) -> Lanes.average(WORDS, a, b));
        bothSse(t, "F6", "PSADBW", Lanes::sumOfDifferences);
    }

    private static void products(OpcodeTable t) {
        both(t, "D5", "PMULLW", Lanes.words((x, y) -> x * y));
        both(t, "E5", "PMULHW", Lanes.words((x, y) -> x * y >> 16));
        bothSse(t, "E4", "PMULHUW", Lanes.words((x, y) -> (x & 0xffff) * (y & 0xffff) >>> 16));
        both(t, "F5", "PMADDWD", Lanes::multiplyAddWords);
        t.row("NP 0F F4", "PMULUDQ", "Pq,Qq", MmxOps.binary(Lanes::multiplyUnsigned)).needs(Feature.SSE2);
        t.row("66 0F F4", "PMULUDQ", "Vdq,Wdq", Packed.vertical(Lanes::multiplyUnsigned)).needs(Feature.SSE2);
    }

    private static void comparisons(OpcodeTable t) {
        both(t, "74", "PCMPEQB", (a, b) -> Lanes.equal(BYTES, a, b), Packed::equalBytes);
        both(t, "75", "PCMPEQW", (a, b) -> Lanes.equal(WORDS, a, b));
        both(t, "76", "PCMPEQD", (a, b) -> Lanes.equal(DWORDS, a, b));
        both(t, "64", "PCMPGTB", (a, b) -> Lanes.greater(BYTES, a, b));
        both(t, "65", "PCMPGTW", (a, b) -> Lanes.greater(WORDS, a, b));
        both(t, "66", "PCMPGTD", (a, b) -> Lanes.greater(DWORDS, a, b));
        t.row("NP 0F DA", "PMINUB", "Pq,Qq", MmxOps.binary((a, b) -> Lanes.minUnsigned(BYTES, a, b))).needs(Feature.SSE);
        t.row("66 0F DA", "PMINUB", "Vdq,Wdq", Packed::minBytes).needs(Feature.SSE2);
        bothSse(t, "DE", "PMAXUB", (a, b) -> Lanes.maxUnsigned(BYTES, a, b));
        bothSse(t, "EA", "PMINSW", (a, b) -> Lanes.minSigned(WORDS, a, b));
        bothSse(t, "EE", "PMAXSW", (a, b) -> Lanes.maxSigned(WORDS, a, b));
    }

    private static void logic(OpcodeTable t) {
        both(t, "DB", "PAND", (a, b) -> a & b, Packed::and);
        both(t, "DF", "PANDN", (a, b) -> ~a & b, Packed::andNot);
        both(t, "EB", "POR", (a, b) -> a | b, Packed::or);
        both(t, "EF", "PXOR", (a, b) -> a ^ b, Packed::xor);
    }

    private static void shifts(OpcodeTable t) {
        shift(t, "71 /2", "D1", "F1", "PSLLW", "PSRLW", WORDS);
        shift(t, "72 /2", "D2", "F2", "PSLLD", "PSRLD", DWORDS);
        shift(t, "73 /2", "D3", "F3", "PSLLQ", "PSRLQ", QWORD);
        shift(t, "71 /4", "E1", "PSRAW", (a, n) -> Lanes.shiftRightSigned(WORDS, a, n));
        shift(t, "72 /4", "E2", "PSRAD", (a, n) -> Lanes.shiftRightSigned(DWORDS, a, n));
        t.row("66 0F 73 /3 reg", "PSRLDQ", "Udq,Ib", Shuffles::shiftBytesRight).needs(Feature.SSE2);
        t.row("66 0F 73 /7 reg", "PSLLDQ", "Udq,Ib", Shuffles::shiftBytesLeft).needs(Feature.SSE2);
    }

    private static void shift(OpcodeTable t, String group, String right, String left, String l, String r, long tops) {
        shift(t, group, right, r, (a, n) -> Lanes.shiftRight(tops, a, n));
        shift(t, group.substring(0, 3) + "/6", left, l, (a, n) -> Lanes.shiftLeft(tops, a, n));
    }

    private static void shift(OpcodeTable t, String group, String code, String name, LongBinaryOperator op) {
        t.row("NP 0F " + code, name, "Pq,Qq", MmxOps.binary(op)).needs(Feature.MMX);
        t.row("NP 0F " + group + " reg", name, "Nq,Ib", MmxOps.shiftImmediate(op)).needs(Feature.MMX);
        t.row("66 0F " + code, name, "Vdq,Wdq", Packed.shift(op)).needs(Feature.SSE2);
        t.row("66 0F " + group + " reg", name, "Udq,Ib", Packed.shiftImmediate(op)).needs(Feature.SSE2);
    }

    private static void packs(OpcodeTable t) {
        unpack(t, "60", "68", "BW", Lanes::interleaveBytes);
        unpack(t, "61", "69", "WD", Lanes::interleaveWords);
        unpack(t, "62", "6A", "DQ", Lanes::interleaveDwords);
        t.row("66 0F 6C", "PUNPCKLQDQ", "Vdq,Wdq", Shuffles::unpackLowQwords).needs(Feature.SSE2);
        t.row("66 0F 6D", "PUNPCKHQDQ", "Vdq,Wdq", Shuffles::unpackHighQwords).needs(Feature.SSE2);
        pack(t, "63", "PACKSSWB", Lanes::packSignedBytes);
        pack(t, "67", "PACKUSWB", Lanes::packUnsignedBytes);
        pack(t, "6B", "PACKSSDW", Lanes::packSignedWords);
    }

    private static void unpack(OpcodeTable t, String low, String high, String sizes, LongBinaryOperator interleave) {
        t.row("NP 0F " + low, "PUNPCKL" + sizes, "Pq,Qd", MmxOps.unpackLow(interleave)).needs(Feature.MMX);
        t.row("NP 0F " + high, "PUNPCKH" + sizes, "Pq,Qq", MmxOps.unpackHigh(interleave)).needs(Feature.MMX);
        t.row("66 0F " + low, "PUNPCKL" + sizes, "Vdq,Wdq", Packed.unpackLow(interleave)).needs(Feature.SSE2);
        t.row("66 0F " + high, "PUNPCKH" + sizes, "Vdq,Wdq", Packed.unpackHigh(interleave)).needs(Feature.SSE2);
    }

    private static void pack(OpcodeTable t, String code, String name, LongBinaryOperator join) {
        t.row("NP 0F " + code, name, "Pq,Qq", MmxOps.binary(join)).needs(Feature.MMX);
        t.row("66 0F " + code, name, "Vdq,Wdq", Packed.horizontal(join)).needs(Feature.SSE2);
    }

    private static void shuffles(OpcodeTable t) {
        t.row("NP 0F 70", "PSHUFW", "Pq,Qq,Ib", MmxOps::shuffleWords).needs(Feature.SSE);
        t.row("66 0F 70", "PSHUFD", "Vdq,Wdq,Ib", Shuffles::shuffleDwords).needs(Feature.SSE2);
        t.row("F2 0F 70", "PSHUFLW", "Vdq,Wdq,Ib", Shuffles::shuffleLowWords).needs(Feature.SSE2);
        t.row("F3 0F 70", "PSHUFHW", "Vdq,Wdq,Ib", Shuffles::shuffleHighWords).needs(Feature.SSE2);
        t.row("NP 0F C4", "PINSRW", "Pq,Edw,Ib", MmxOps::insertWord).needs(Feature.SSE);
        t.row("66 0F C4", "PINSRW", "Vdq,Edw,Ib", Shuffles::insertWord).needs(Feature.SSE2);
        t.row("NP 0F C5 reg", "PEXTRW", "Gd,Nq,Ib", MmxOps::extractWord).needs(Feature.SSE);
        t.row("66 0F C5 reg", "PEXTRW", "Gd,Udq,Ib", Shuffles::extractWord).needs(Feature.SSE2);
    }
}
