package org.jkvm.x86.isa;

import static org.jkvm.x86.isa.Row.Mode.O64;

import org.jkvm.x86.exec.ExtendedState;
import org.jkvm.x86.exec.avx.AvxMoves;
import org.jkvm.x86.exec.avx.AvxShuffles;
import org.jkvm.x86.exec.avx.LaneHandler;
import org.jkvm.x86.exec.sse.Shuffles;
import org.jkvm.x86.exec.sse.SseMoves;

/** VEX-encoded rows that move vector registers, their halves and their elements (SDM vol. 2D, tables ). */
final class AvxMoveRows {
    private static final int BYTE_SIGNS = 16;

    private AvxMoveRows() {
    }

    static void declare(OpcodeTable t) {
        whole(t);
        quadwords(t);
        scalars(t);
        general(t);
        signs(t);
        halves(t);
        state(t);
    }

    private static void whole(OpcodeTable t) {
        t.row("VEX.0F.WIG 10", "VMOVUPS", "Vps,Wps", AvxMoves::load).needs(Feature.AVX);
        t.row("VEX.0F.WIG 11", "VMOVUPS", "Wps,Vps", AvxMoves::store).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG 10", "VMOVUPD", "Vpd,Wpd", AvxMoves::load).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG 11", "VMOVUPD", "Wpd,Vpd", AvxMoves::store).needs(Feature.AVX);
        t.row("VEX.0F.WIG 28", "VMOVAPS", "Vps,Wps", AvxMoves::loadAligned).needs(Feature.AVX);
        t.row("VEX.0F.WIG 29", "VMOVAPS", "Wps,Vps", AvxMoves::storeAligned).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG 28", "VMOVAPD", "Vpd,Wpd", AvxMoves::loadAligned).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG 29", "VMOVAPD", "Wpd,Vpd", AvxMoves::storeAligned).needs(Feature.AVX);
        t.row("VEX.0F.WIG 2B mem", "VMOVNTPS", "Mps,Vps", AvxMoves::storeAligned).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG 2B mem", "VMOVNTPD", "Mpd,Vpd", AvxMoves::storeAligned).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG 6F", "VMOVDQA", "Vx,Wx", AvxMoves::loadAligned).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG 7F", "VMOVDQA", "Wx,Vx", AvxMoves::storeAligned).needs(Feature.AVX);
        t.row("VEX.F3.0F.WIG 6F", "VMOVDQU", "Vx,Wx", AvxMoves::load).needs(Feature.AVX);
        t.row("VEX.F3.0F.WIG 7F", "VMOVDQU", "Wx,Vx", AvxMoves::store).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG E7 mem", "VMOVNTDQ", "Mx,Vx", AvxMoves::storeAligned).needs(Feature.AVX);
        t.row("VEX.F2.0F.WIG F0 mem", "VLDDQU", "Vx,Mx", AvxMoves::load).needs(Feature.AVX);
        t.row("VEX.128.66.0F38.WIG 2A mem", "VMOVNTDQA", "Vx,Mx", AvxMoves::loadAligned).needs(Feature.AVX);
        t.row("VEX.256.66.0F38.WIG 2A mem", "VMOVNTDQA", "Vx,Mx", AvxMoves::loadAligned).needs(Feature.AVX2);
    }

    private static void quadwords(OpcodeTable t) {
        t.row("VEX.128.0F.WIG 12 mem", "VMOVLPS", "Vq,Hq,Mq", LaneHandler.scalar(SseMoves::loadLow)).needs(Feature.AVX);
        t.row("VEX.128.0F.WIG 12 reg", "VMOVHLPS", "Vq,Hq,Uq", LaneHandler.scalar(SseMoves::highToLow)).needs(Feature.AVX);
        t.row("VEX.128.0F.WIG 13 mem", "VMOVLPS", "Mq,Vq", AvxMoves.same(SseMoves::storeLow)).needs(Feature.AVX);
        t.row("VEX.128.0F.WIG 16 mem", "VMOVHPS", "Vq,Hq,Mq", LaneHandler.scalar(SseMoves::loadHigh)).needs(Feature.AVX);
        t.row("VEX.128.0F.WIG 16 reg", "VMOVLHPS", "Vq,Hq,Uq", LaneHandler.scalar(SseMoves::loadHigh)).needs(Feature.AVX);
        t.row("VEX.128.0F.WIG 17 mem", "VMOVHPS", "Mq,Vq", AvxMoves.same(SseMoves::storeHigh)).needs(Feature.AVX);
        t.row("VEX.128.66.0F.WIG 12 mem", "VMOVLPD", "Vq,Hq,Mq", LaneHandler.scalar(SseMoves::loadLow)).needs(Feature.AVX);
        t.row("VEX.128.66.0F.WIG 13 mem", "VMOVLPD", "Mq,Vq", AvxMoves.same(SseMoves::storeLow)).needs(Feature.AVX);
        t.row("VEX.128.66.0F.WIG 16 mem", "VMOVHPD", "Vq,Hq,Mq", LaneHandler.scalar(SseMoves::loadHigh)).needs(Feature.AVX);
        t.row("VEX.128.66.0F.WIG 17 mem", "VMOVHPD", "Mq,Vq", AvxMoves.same(SseMoves::storeHigh)).needs(Feature.AVX);
        t.row("VEX.128.F3.0F.WIG 7E", "VMOVQ", "Vq,Wq", AvxMoves.narrow(SseMoves::load64)).needs(Feature.AVX);
        t.row("VEX.128.66.0F.WIG D6 mem", "VMOVQ", "Wq,Vq", AvxMoves.same(SseMoves::store64)).needs(Feature.AVX);
        t.row("VEX.128.66.0F.WIG D6 reg", "VMOVQ", "Wq,Vq", AvxMoves.narrow(SseMoves::store64)).needs(Feature.AVX);
        t.row("VEX.128.F2.0F.WIG 12", "VMOVDDUP", "Vq,Wq", LaneHandler.two(SseMoves::duplicateLow)).needs(Feature.AVX);
        t.row("VEX.256.F2.0F.WIG 12", "VMOVDDUP", "Vx,Wx", LaneHandler.two(SseMoves::duplicateLow)).needs(Feature.AVX);
    }

    private static void scalars(OpcodeTable t) {
        t.row("VEX.LIG.F3.0F.WIG 10 mem", "VMOVSS", "Vss,Wss", AvxMoves.narrow(SseMoves::load32)).needs(Feature.AVX);
        t.row("VEX.LIG.F3.0F.WIG 10 reg", "VMOVSS", "Vss,Hss,Wss", LaneHandler.scalar(SseMoves::merge32)).needs(Feature.AVX);
        t.row("VEX.LIG.F3.0F.WIG 11 mem", "VMOVSS", "Wss,Vss", AvxMoves.same(SseMoves::store32)).needs(Feature.AVX);
        t.row("VEX.LIG.F3.0F.WIG 11 reg", "VMOVSS", "Wss,Hss,Vss", LaneHandler.scalar(SseMoves::merge32)).needs(Feature.AVX);
        t.row("VEX.LIG.F2.0F.WIG 10 mem", "VMOVSD", "Vsd,Wsd", AvxMoves.narrow(SseMoves::load64)).needs(Feature.AVX);
        t.row("VEX.LIG.F2.0F.WIG 10 reg", "VMOVSD", "Vsd,Hsd,Wsd", LaneHandler.scalar(SseMoves::loadLow)).needs(Feature.AVX);
        t.row("VEX.LIG.F2.0F.WIG 11 mem", "VMOVSD", "Wsd,Vsd", AvxMoves.same(SseMoves::storeLow)).needs(Feature.AVX);
        t.row("VEX.LIG.F2.0F.WIG 11 reg", "VMOVSD", "Wsd,Hsd,Vsd", LaneHandler.scalar(SseMoves::loadLow)).needs(Feature.AVX);
    }

    private static void general(OpcodeTable t) {
        t.row("VEX.128.66.0F 6E", "VMOVD", "Vy,Ey", AvxMoves.narrow(SseMoves::fromGeneral)).needs(Feature.AVX);
        t.row("VEX.128.66.0F 7E", "VMOVD", "Ey,Vy", AvxMoves.same(SseMoves::toGeneral)).needs(Feature.AVX);
        t.row("VEX.128.66.0F.W0 C4", "VPINSRW", "Vdq,Hdq,Edw,Ib", insert(Shuffles::insertWord, 2)).needs(Feature.AVX);
        t.row("VEX.128.66.0F3A.W0 20", "VPINSRB", "Vdq,Hdq,Edb,Ib", insert(Shuffles::insertByte, 1)).needs(Feature.AVX);
        t.row("VEX.128.66.0F3A.W0 22", "VPINSRD", "Vdq,Hdq,Ed,Ib", insert(Shuffles::insertWide, 0)).needs(Feature.AVX);
        t.row("VEX.128.66.0F3A.W1 22", "VPINSRQ", "Vdq,Hdq,Eq,Ib", insert(Shuffles::insertWide, 0)).in(O64)
                .needs(Feature.AVX);
        t.row("VEX.128.66.0F.W0 C5 reg", "VPEXTRW", "Gd,Udq,Ib", AvxMoves.same(Shuffles::extractWord)).needs(Feature.AVX);
        t.row("VEX.128.66.0F3A.W0 14", "VPEXTRB", "Edb,Vdq,Ib", AvxMoves.same(Shuffles::extractByte)).needs(Feature.AVX);
        t.row("VEX.128.66.0F3A.W0 15", "VPEXTRW", "Edw,Vdq,Ib", AvxMoves.same(Shuffles::extractWord)).needs(Feature.AVX);
        t.row("VEX.128.66.0F3A.W0 16", "VPEXTRD", "Ed,Vdq,Ib", AvxMoves.same(Shuffles::extractWide)).needs(Feature.AVX);
        t.row("VEX.128.66.0F3A.W1 16", "VPEXTRQ", "Eq,Vdq,Ib", AvxMoves.same(Shuffles::extractWide)).in(O64)
                .needs(Feature.AVX);
        t.row("VEX.128.66.0F3A.WIG 17", "VEXTRACTPS", "Ed,Vdq,Ib", AvxMoves.same(Shuffles::extractFloat)).needs(Feature.AVX);
    }

    /** Inserts a general register's low bits or {@code memory} bytes, or as many as the operand code says. */
    private static Handler insert(Handler sse, int memory) {
        return LaneHandler.scalar(sse).memory(memory, -1);
    }

    private static void signs(OpcodeTable t) {
        t.row("VEX.0F.WIG 50 reg", "VMOVMSKPS", "Gd,Ups", AvxMoves.signs(SseMoves::signsOfFloats, 4)).needs(Feature.AVX);
        t.row("VEX.66.0F.WIG 50 reg", "VMOVMSKPD", "Gd,Upd", AvxMoves.signs(SseMoves::signsOfDoubles, 2)).needs(Feature.AVX);
        Handler bytes = AvxMoves.signs(SseMoves::signsOfBytes, BYTE_SIGNS);
        t.row("VEX.128.66.0F.WIG D7 reg", "VPMOVMSKB", "Gd,Ux", bytes).needs(Feature.AVX);
        t.row("VEX.256.66.0F.WIG D7 reg", "VPMOVMSKB", "Gd,Ux", bytes).needs(Feature.AVX2);
        t.row("VEX.128.66.0F.WIG F7 reg", "VMASKMOVDQU", "Vdq,Udq", AvxMoves.same(SseMoves::maskedStore)).needs(Feature.AVX);
    }

    private static void halves(OpcodeTable t) {
        t.row("VEX.256.66.0F3A.W0 18", "VINSERTF128", "Vqq,Hqq,Wdq,Ib", AvxShuffles::insert).needs(Feature.AVX);
        t.row("VEX.256.66.0F3A.W0 19", "VEXTRACTF128", "Wdq,Vqq,Ib", AvxShuffles::extract).needs(Feature.AVX);
        t.row("VEX.256.66.0F38.W0 1A mem", "VBROADCASTF128", "Vqq,Mdq", AvxShuffles.broadcast(16)).needs(Feature.AVX);
        t.row("VEX.66.0F38.W0 18 mem", "VBROADCASTSS", "Vx,Wss", AvxShuffles.broadcast(4)).needs(Feature.AVX);
        t.row("VEX.256.66.0F38.W0 19 mem", "VBROADCASTSD", "Vqq,Wsd", AvxShuffles.broadcast(8)).needs(Feature.AVX);
        t.row("VEX.66.0F38.W0 2C mem", "VMASKMOVPS", "Vps,Hps,Mps", AvxMoves.maskedLoad(4)).needs(Feature.AVX);
        t.row("VEX.66.0F38.W0 2D mem", "VMASKMOVPD", "Vpd,Hpd,Mpd", AvxMoves.maskedLoad(8)).needs(Feature.AVX);
        t.row("VEX.66.0F38.W0 2E mem", "VMASKMOVPS", "Mps,Hps,Vps", AvxMoves.maskedStore(4)).needs(Feature.AVX);
        t.row("VEX.66.0F38.W0 2F mem", "VMASKMOVPD", "Mpd,Hpd,Vpd", AvxMoves.maskedStore(8)).needs(Feature.AVX);
    }

    private static void state(OpcodeTable t) {
        t.row("VEX.128.0F.WIG 77", "VZEROUPPER", "", AvxMoves::zeroUpper).needs(Feature.AVX);
        t.row("VEX.256.0F.WIG 77", "VZEROALL", "", AvxMoves::zeroAll).needs(Feature.AVX);
        t.row("VEX.LZ.0F.WIG AE /2 mem", "VLDMXCSR", "Md", AvxMoves.same(ExtendedState::ldmxcsr)).needs(Feature.AVX);
        t.row("VEX.LZ.0F.WIG AE /3 mem", "VSTMXCSR", "Md", AvxMoves.same(ExtendedState::stmxcsr)).needs(Feature.AVX);
    }
}
