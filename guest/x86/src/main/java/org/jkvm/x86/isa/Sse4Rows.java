package org.jkvm.x86.isa;

import static org.jkvm.x86.exec.sse.Lanes.BYTES;
import static org.jkvm.x86.exec.sse.Lanes.DWORDS;
import static org.jkvm.x86.exec.sse.Lanes.QWORD;
import static org.jkvm.x86.exec.sse.Lanes.WORDS;
import static org.jkvm.x86.exec.sse.Lanes.saturate16;

import java.util.function.LongBinaryOperator;
import org.jkvm.x86.exec.mmx.MmxOps;
import org.jkvm.x86.exec.sse.Aes;
import org.jkvm.x86.exec.sse.Lanes;
import org.jkvm.x86.exec.sse.Packed;
import org.jkvm.x86.exec.sse.Sha;
import org.jkvm.x86.exec.sse.Shuffles;
import org.jkvm.x86.exec.sse.Sse4;
import org.jkvm.x86.exec.sse.StringCompare;

/** Rows of SSSE3, SSE4.1, SSE4.2, AES, PCLMULQDQ and SHA (SDM vol. 2D, tables ). */
final class Sse4Rows {
    private static final String STATUS = "oszapc";

    private Sse4Rows() {
    }

    static void declare(OpcodeTable t) {
        ssse3(t);
        blends(t);
        integers(t);
        widening(t);
        elements(t);
        floats(t);
        strings(t);
        cryptography(t);
    }

    // ---- SSSE3 ----

    private static void ssse3(OpcodeTable t) {
        both(t, "00", "PSHUFB", Shuffles::shuffleBytes, Shuffles::shuffleBytes);
        horizontal(t, "01", "PHADDW", Lanes.neighbourWords((x, y) -> x + y));
        horizontal(t, "02", "PHADDD", Lanes.neighbourDwords((x, y) -> x + y));
        horizontal(t, "03", "PHADDSW", Lanes.neighbourWords((x, y) -> saturate16(x + y)));
        vertical(t, "04", "PMADDUBSW", Lanes::multiplyAddBytes);
        horizontal(t, "05", "PHSUBW", Lanes.neighbourWords((x, y) -> x - y));
        horizontal(t, "06", "PHSUBD", Lanes.neighbourDwords((x, y) -> x - y));
        horizontal(t, "07", "PHSUBSW", Lanes.neighbourWords((x, y) -> saturate16(x - y)));
        vertical(t, "08", "PSIGNB", (a, b) -> Lanes.sign(BYTES, a, b));
        vertical(t, "09", "PSIGNW", (a, b) -> Lanes.sign(WORDS, a, b));
        vertical(t, "0A", "PSIGND", (a, b) -> Lanes.sign(DWORDS, a, b));
        vertical(t, "0B", "PMULHRSW", Lanes.words((x, y) -> (x * y >> 14) + 1 >> 1));
        vertical(t, "1C", "PABSB", (a, b) -> Lanes.absolute(BYTES, b));
        vertical(t, "1D", "PABSW", (a, b) -> Lanes.absolute(WORDS, b));
        vertical(t, "1E", "PABSD", (a, b) -> Lanes.absolute(DWORDS, b));
        t.row("NP 0F 3A 0F", "PALIGNR", "Pq,Qq,Ib", MmxOps::align).needs(Feature.SSSE3);
        t.row("66 0F 3A 0F", "PALIGNR", "Vdq,Wdq,Ib", Shuffles::align).needs(Feature.SSSE3);
    }

    private static void vertical(OpcodeTable t, String code, String name, LongBinaryOperator op) {
        both(t, code, name, op, Packed.vertical(op));
    }

    private static void horizontal(OpcodeTable t, String code, String name, LongBinaryOperator op) {
        both(t, code, name, op, Packed.horizontal(op));
    }

    private static void both(OpcodeTable t, String code, String name, LongBinaryOperator mmx, Handler xmm) {
        t.row("NP 0F 38 " + code, name, "Pq,Qq", MmxOps.binary(mmx)).needs(Feature.SSSE3);
        t.row("66 0F 38 " + code, name, "Vdq,Wdq", xmm).needs(Feature.SSSE3);
    }

    // ---- SSE4.1 and SSE4.2 ----

    private static Row sse41(OpcodeTable t, String code, String name, String operands, Handler handler) {
        return t.row("66 0F " + code, name, operands, handler).needs(Feature.SSE4_1);
    }

    private static void sse41(OpcodeTable t, String code, String name, LongBinaryOperator op) {
        sse41(t, code, name, "Vdq,Wdq", Packed.vertical(op));
    }

    private static void blends(OpcodeTable t) {
        sse41(t, "38 10", "PBLENDVB", "Vdq,Wdq,XMM0", Sse4.blendVariable(BYTES));
        sse41(t, "38 14", "BLENDVPS", "Vps,Wps,XMM0", Sse4.blendVariable(DWORDS));
        sse41(t, "38 15", "BLENDVPD", "Vpd,Wpd,XMM0", Sse4.blendVariable(QWORD));
        sse41(t, "3A 0C", "BLENDPS", "Vps,Wps,Ib", Sse4.blend(DWORDS));
        sse41(t, "3A 0D", "BLENDPD", "Vpd,Wpd,Ib", Sse4.blend(QWORD));
        sse41(t, "3A 0E", "PBLENDW", "Vdq,Wdq,Ib", Sse4.blend(WORDS));
    }

    private static void integers(OpcodeTable t) {
        sse41(t, "38 17", "PTEST", "Vdq,Wdq", Sse4::test).writes(STATUS);
        sse41(t, "38 28", "PMULDQ", Lanes::multiplySigned);
        sse41(t, "38 29", "PCMPEQQ", (a, b) -> a == b ? -1 : 0);
        sse41(t, "38 2B", "PACKUSDW", "Vdq,Wdq", Packed.horizontal(Lanes::packUnsignedWords));
        t.row("66 0F 38 37", "PCMPGTQ", "Vdq,Wdq", Packed.vertical((a, b) -> a > b ? -1 : 0)).needs(Feature.SSE4_2);
        sse41(t, "38 38", "PMINSB", (a, b) -> Lanes.minSigned(BYTES, a, b));
        sse41(t, "38 39", "PMINSD", (a, b) -> Lanes.minSigned(DWORDS, a, b));
        sse41(t, "38 3A", "PMINUW", (a, b) -> Lanes.minUnsigned(WORDS, a, b));
        sse41(t, "38 3B", "PMINUD", (a, b) -> Lanes.minUnsigned(DWORDS, a, b));
        sse41(t, "38 3C", "PMAXSB", (a, b) -> Lanes.maxSigned(BYTES, a, b));
        sse41(t, "38 3D", "PMAXSD", (a, b) -> Lanes.maxSigned(DWORDS, a, b));
        sse41(t, "38 3E", "PMAXUW", (a, b) -> Lanes.maxUnsigned(WORDS, a, b));
        sse41(t, "38 3F", "PMAXUD", (a, b) -> Lanes.maxUnsigned(DWORDS, a, b));
        sse41(t, "38 40", "PMULLD", Lanes.dwords((x, y) -> x * y));
        sse41(t, "38 41", "PHMINPOSUW", "Vdq,Wdq", Sse4::leastWord);
        sse41(t, "3A 42", "MPSADBW", "Vdq,Wdq,Ib", Sse4::slidingDifferences);
    }

    private static void widening(OpcodeTable t) {
        widen(t, 0, "BW", "Vdq,Wq", 8, 16);
        widen(t, 1, "BD", "Vdq,Wd", 8, 32);
        widen(t, 2, "BQ", "Vdq,Ww", 8, 64);
        widen(t, 3, "WD", "Vdq,Wq", 16, 32);
        widen(t, 4, "WQ", "Vdq,Wd", 16, 64);
        widen(t, 5, "DQ", "Vdq,Wq", 32, 64);
    }

    private static void widen(OpcodeTable t, int n, String sizes, String operands, int from, int to) {
        sse41(t, "38 2" + n, "PMOVSX" + sizes, operands, Sse4.widen(from, to, true));
        sse41(t, "38 3" + n, "PMOVZX" + sizes, operands, Sse4.widen(from, to, false));
    }

    private static void elements(OpcodeTable t) {
        sse41(t, "3A 14", "PEXTRB", "Edb,Vdq,Ib", Shuffles::extractByte);
        sse41(t, "3A 15", "PEXTRW", "Edw,Vdq,Ib", Shuffles::extractWord);
        sse41(t, "3A 16", "PEXTRD", "Ey,Vdq,Ib", Shuffles::extractWide);
        sse41(t, "3A 17", "EXTRACTPS", "Ed,Vdq,Ib", Shuffles::extractFloat);
        sse41(t, "3A 20", "PINSRB", "Vdq,Edb,Ib", Shuffles::insertByte);
        sse41(t, "3A 21", "INSERTPS", "Vdq,Wd,Ib", Sse4::insertFloat);
        sse41(t, "3A 22", "PINSRD", "Vdq,Ey,Ib", Shuffles::insertWide);
    }

    private static void floats(OpcodeTable t) {
        sse41(t, "3A 08", "ROUNDPS", "Vps,Wps,Ib", Sse4::roundFloats);
        sse41(t, "3A 09", "ROUNDPD", "Vpd,Wpd,Ib", Sse4::roundDoubles);
        sse41(t, "3A 0A", "ROUNDSS", "Vss,Wss,Ib", Sse4::roundFloat);
        sse41(t, "3A 0B", "ROUNDSD", "Vsd,Wsd,Ib", Sse4::roundDouble);
        sse41(t, "3A 40", "DPPS", "Vps,Wps,Ib", Sse4::dotFloats);
        sse41(t, "3A 41", "DPPD", "Vpd,Wpd,Ib", Sse4::dotDoubles);
    }

    private static void strings(OpcodeTable t) {
        string(t, "60", "PCMPESTRM", StringCompare::explicitMask);
        string(t, "61", "PCMPESTRI", StringCompare::explicitIndex);
        string(t, "62", "PCMPISTRM", StringCompare::implicitMask);
        string(t, "63", "PCMPISTRI", StringCompare::implicitIndex);
    }

    private static void string(OpcodeTable t, String code, String name, Handler handler) {
        t.row("66 0F 3A " + code, name, "Vdq,Wdq,Ib", handler).writes(STATUS).needs(Feature.SSE4_2);
    }

    // ---- cryptography ----

    private static void cryptography(OpcodeTable t) {
        t.row("66 0F 38 DB", "AESIMC", "Vdq,Wdq", Aes::mixKey).needs(Feature.AES);
        t.row("66 0F 38 DC", "AESENC", "Vdq,Wdq", Aes::encrypt).needs(Feature.AES);
        t.row("66 0F 38 DD", "AESENCLAST", "Vdq,Wdq", Aes::encryptLast).needs(Feature.AES);
        t.row("66 0F 38 DE", "AESDEC", "Vdq,Wdq", Aes::decrypt).needs(Feature.AES);
        t.row("66 0F 38 DF", "AESDECLAST", "Vdq,Wdq", Aes::decryptLast).needs(Feature.AES);
        t.row("66 0F 3A DF", "AESKEYGENASSIST", "Vdq,Wdq,Ib", Aes::assistKey).needs(Feature.AES);
        t.row("66 0F 3A 44", "PCLMULQDQ", "Vdq,Wdq,Ib", Aes::multiplyCarryless).needs(Feature.PCLMULQDQ);
        t.row("NP 0F 38 C8", "SHA1NEXTE", "Vdq,Wdq", Sha::sha1NextE).needs(Feature.SHA);
        t.row("NP 0F 38 C9", "SHA1MSG1", "Vdq,Wdq", Sha::sha1Message1).needs(Feature.SHA);
        t.row("NP 0F 38 CA", "SHA1MSG2", "Vdq,Wdq", Sha::sha1Message2).needs(Feature.SHA);
        t.row("NP 0F 38 CB", "SHA256RNDS2", "Vdq,Wdq,XMM0", Sha::sha256Rounds).needs(Feature.SHA);
        t.row("NP 0F 38 CC", "SHA256MSG1", "Vdq,Wdq", Sha::sha256Message1).needs(Feature.SHA);
        t.row("NP 0F 38 CD", "SHA256MSG2", "Vdq,Wdq", Sha::sha256Message2).needs(Feature.SHA);
        t.row("NP 0F 3A CC", "SHA1RNDS4", "Vdq,Wdq,Ib", Sha::sha1Rounds).needs(Feature.SHA);
    }
}
