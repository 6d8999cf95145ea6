package org.jkvm.x86.isa;

import org.jkvm.x86.exec.mmx.MmxOps;
import org.jkvm.x86.exec.sse.SseMoves;

/** Rows that move XMM and MMX registers (SDM vol. 2D, table A-3). */
final class SseMoveRows {
    private SseMoveRows() {
    }

    static void declare(OpcodeTable t) {
        sse(t);
        sse2(t);
        integers(t);
        mmx(t);
        later(t);
    }

    private static void sse(OpcodeTable t) {
        t.row("NP 0F 10", "MOVUPS", "Vps,Wps", SseMoves::loadUnaligned).needs(Feature.SSE);
        t.row("NP 0F 11", "MOVUPS", "Wps,Vps", SseMoves::storeUnaligned).needs(Feature.SSE);
        t.row("F3 0F 10 mem", "MOVSS", "Vss,Wss", SseMoves::load32).needs(Feature.SSE);
        t.row("F3 0F 10 reg", "MOVSS", "Vss,Wss", SseMoves::merge32).needs(Feature.SSE);
        t.row("F3 0F 11 mem", "MOVSS", "Wss,Vss", SseMoves::store32).needs(Feature.SSE);
        t.row("F3 0F 11 reg", "MOVSS", "Wss,Vss", SseMoves::merge32).needs(Feature.SSE);
        t.row("NP 0F 12 mem", "MOVLPS", "Vq,Mq", SseMoves::loadLow).needs(Feature.SSE);
        t.row("NP 0F 12 reg", "MOVHLPS", "Vq,Uq", SseMoves::highToLow).needs(Feature.SSE);
        t.row("NP 0F 13 mem", "MOVLPS", "Mq,Vq", SseMoves::storeLow).needs(Feature.SSE);
        t.row("NP 0F 16 mem", "MOVHPS", "Vq,Mq", SseMoves::loadHigh).needs(Feature.SSE);
        t.row("NP 0F 16 reg", "MOVLHPS", "Vq,Uq", SseMoves::loadHigh).needs(Feature.SSE);
        t.row("NP 0F 17 mem", "MOVHPS", "Mq,Vq", SseMoves::storeHigh).needs(Feature.SSE);
        t.row("NP 0F 28", "MOVAPS", "Vps,Wps", SseMoves::loadAligned).needs(Feature.SSE);
        t.row("NP 0F 29", "MOVAPS", "Wps,Vps", SseMoves::storeAligned).needs(Feature.SSE);
        t.row("NP 0F 2B mem", "MOVNTPS", "Mps,Vps", SseMoves::storeAligned).needs(Feature.SSE);
        t.row("NP 0F 50 reg", "MOVMSKPS", "Gd,Ups", SseMoves::signsOfFloats).needs(Feature.SSE);
    }

    private static void sse2(OpcodeTable t) {
        t.row("66 0F 10", "MOVUPD", "Vpd,Wpd", SseMoves::loadUnaligned).needs(Feature.SSE2);
        t.row("66 0F 11", "MOVUPD", "Wpd,Vpd", SseMoves::storeUnaligned).needs(Feature.SSE2);
        t.row("F2 0F 10 mem", "MOVSD", "Vsd,Wsd", SseMoves::load64).needs(Feature.SSE2);
        t.row("F2 0F 10 reg", "MOVSD", "Vsd,Wsd", SseMoves::loadLow).needs(Feature.SSE2);
        t.row("F2 0F 11 mem", "MOVSD", "Wsd,Vsd", SseMoves::storeLow).needs(Feature.SSE2);
        t.row("F2 0F 11 reg", "MOVSD", "Wsd,Vsd", SseMoves::loadLow).needs(Feature.SSE2);
        t.row("66 0F 12 mem", "MOVLPD", "Vq,Mq", SseMoves::loadLow).needs(Feature.SSE2);
        t.row("66 0F 13 mem", "MOVLPD", "Mq,Vq", SseMoves::storeLow).needs(Feature.SSE2);
        t.row("66 0F 16 mem", "MOVHPD", "Vq,Mq", SseMoves::loadHigh).needs(Feature.SSE2);
        t.row("66 0F 17 mem", "MOVHPD", "Mq,Vq", SseMoves::storeHigh).needs(Feature.SSE2);
        t.row("66 0F 28", "MOVAPD", "Vpd,Wpd", SseMoves::loadAligned).needs(Feature.SSE2);
        t.row("66 0F 29", "MOVAPD", "Wpd,Vpd", SseMoves::storeAligned).needs(Feature.SSE2);
        t.row("66 0F 2B mem", "MOVNTPD", "Mpd,Vpd", SseMoves::storeAligned).needs(Feature.SSE2);
        t.row("66 0F 50 reg", "MOVMSKPD", "Gd,Upd", SseMoves::signsOfDoubles).needs(Feature.SSE2);
    }

    private static void integers(OpcodeTable t) {
        t.row("66 0F 6E", "MOVD", "Vy,Ey", SseMoves::fromGeneral).needs(Feature.SSE2);
        t.row("66 0F 7E", "MOVD", "Ey,Vy", SseMoves::toGeneral).needs(Feature.SSE2);
        t.row("66 0F 6F", "MOVDQA", "Vdq,Wdq", SseMoves::loadAligned).needs(Feature.SSE2);
        t.row("F3 0F 6F", "MOVDQU", "Vdq,Wdq", SseMoves::loadUnaligned).needs(Feature.SSE2);
        t.row("F3 0F 7E", "MOVQ", "Vq,Wq", SseMoves::load64).needs(Feature.SSE2);
        t.row("66 0F 7F", "MOVDQA", "Wdq,Vdq", SseMoves::storeAligned).needs(Feature.SSE2);
        t.row("F3 0F 7F", "MOVDQU", "Wdq,Vdq", SseMoves::storeUnaligned).needs(Feature.SSE2);
        t.row("66 0F D6", "MOVQ", "Wq,Vq", SseMoves::store64).needs(Feature.SSE2);
        t.row("66 0F D7 reg", "PMOVMSKB", "Gd,Udq", SseMoves::signsOfBytes).needs(Feature.SSE2);
        t.row("66 0F E7 mem", "MOVNTDQ", "Mdq,Vdq", SseMoves::storeAligned).needs(Feature.SSE2);
        t.row("66 0F F7 reg", "MASKMOVDQU", "Vdq,Udq", SseMoves::maskedStore).needs(Feature.SSE2);
    }

    private static void mmx(OpcodeTable t) {
        t.row("NP 0F 6E", "MOVD", "Py,Ey", MmxOps::fromGeneral).needs(Feature.MMX);
        t.row("NP 0F 7E", "MOVD", "Ey,Py", MmxOps::toGeneral).needs(Feature.MMX);
        t.row("NP 0F 6F", "MOVQ", "Pq,Qq", MmxOps::load).needs(Feature.MMX);
        t.row("NP 0F 7F", "MOVQ", "Qq,Pq", MmxOps::store).needs(Feature.MMX);
        t.row("NP 0F 77", "EMMS", "", MmxOps::emms).needs(Feature.MMX);
        t.row("NP 0F D7 reg", "PMOVMSKB", "Gd,Nq", MmxOps::signs).needs(Feature.SSE);
        t.row("NP 0F E7 mem", "MOVNTQ", "Mq,Pq", MmxOps::store).needs(Feature.SSE);
        t.row("NP 0F F7 reg", "MASKMOVQ", "Pq,Nq", MmxOps::maskedStore).needs(Feature.SSE);
        t.row("F3 0F D6 reg", "MOVQ2DQ", "Vdq,Nq", MmxOps::toXmm).needs(Feature.SSE2);
        t.row("F2 0F D6 reg", "MOVDQ2Q", "Pq,Uq", MmxOps::fromXmm).needs(Feature.SSE2);
    }

    private static void later(OpcodeTable t) {
        t.row("F2 0F 12", "MOVDDUP", "Vq,Wq", SseMoves::duplicateLow).needs(Feature.SSE3);
        t.row("F3 0F 12", "MOVSLDUP", "Vps,Wps", SseMoves::duplicateEven).needs(Feature.SSE3);
        t.row("F3 0F 16", "MOVSHDUP", "Vps,Wps", SseMoves::duplicateOdd).needs(Feature.SSE3);
        t.row("F2 0F F0 mem", "LDDQU", "Vdq,Mdq", SseMoves::loadUnaligned).needs(Feature.SSE3);
        t.row("66 0F 38 2A mem", "MOVNTDQA", "Vdq,Mdq", SseMoves::loadAligned).needs(Feature.SSE4_1);
    }
}
