package org.jkvm.x86.isa;

import static org.jkvm.x86.exec.sse.Lanes.DWORDS;

import org.jkvm.x86.exec.avx.AvxMoves;
import org.jkvm.x86.exec.avx.AvxShuffles;
import org.jkvm.x86.exec.avx.Gather;
import org.jkvm.x86.exec.avx.LaneHandler;
import org.jkvm.x86.exec.sse.Lanes;
import org.jkvm.x86.exec.sse.Packed;
import org.jkvm.x86.exec.sse.Sse4;

/** Rows of the instructions that AVX2 has and SSE has not (SDM vol. 1, 14.6; vol. 2D, tables ). */
final class Avx2Rows {
    private Avx2Rows() {
    }

    static void declare(OpcodeTable t) {
        broadcasts(t);
        permutes(t);
        shifts(t);
        masked(t);
        gathers(t);
    }

    private static void broadcasts(OpcodeTable t) {
        t.row("VEX.66.0F38.W0 18 reg", "VBROADCASTSS", "Vx,Wss", AvxShuffles.broadcast(4)).needs(Feature.AVX2);
        t.row("VEX.256.66.0F38.W0 19 reg", "VBROADCASTSD", "Vqq,Wsd", AvxShuffles.broadcast(8)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 58", "VPBROADCASTD", "Vx,Wd", AvxShuffles.broadcast(4)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 59", "VPBROADCASTQ", "Vx,Wq", AvxShuffles.broadcast(8)).needs(Feature.AVX2);
        t.row("VEX.256.66.0F38.W0 5A mem", "VBROADCASTI128", "Vqq,Mdq", AvxShuffles.broadcast(16)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 78", "VPBROADCASTB", "Vx,Wb", AvxShuffles.broadcast(1)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 79", "VPBROADCASTW", "Vx,Ww", AvxShuffles.broadcast(2)).needs(Feature.AVX2);
    }

    private static void permutes(OpcodeTable t) {
        t.row("VEX.256.66.0F38.W0 16", "VPERMPS", "Vqq,Hqq,Wqq", AvxShuffles::permuteDwords).needs(Feature.AVX2);
        t.row("VEX.256.66.0F38.W0 36", "VPERMD", "Vqq,Hqq,Wqq", AvxShuffles::permuteDwords).needs(Feature.AVX2);
        t.row("VEX.256.66.0F3A.W1 00", "VPERMQ", "Vqq,Wqq,Ib", AvxShuffles::permuteQwords).needs(Feature.AVX2);
        t.row("VEX.256.66.0F3A.W1 01", "VPERMPD", "Vqq,Wqq,Ib", AvxShuffles::permuteQwords).needs(Feature.AVX2);
        t.row("VEX.66.0F3A.W0 02", "VPBLENDD", "Vx,Hx,Wx,Ib", LaneHandler.three(Sse4.blend(DWORDS)).shift(4))
                .needs(Feature.AVX2);
        t.row("VEX.256.66.0F3A.W0 38", "VINSERTI128", "Vqq,Hqq,Wdq,Ib", AvxShuffles::insert).needs(Feature.AVX2);
        t.row("VEX.256.66.0F3A.W0 39", "VEXTRACTI128", "Wdq,Vqq,Ib", AvxShuffles::extract).needs(Feature.AVX2);
        t.row("VEX.256.66.0F3A.W0 46", "VPERM2I128", "Vqq,Hqq,Wqq,Ib", AvxShuffles::permuteHalves).needs(Feature.AVX2);
    }

    private static void shifts(OpcodeTable t) {
        Handler rightDwords = LaneHandler.three(Packed.vertical(Lanes.dwords((a, n) -> n >>> 5 == 0 ? a >>> n : 0)));
        Handler rightQwords = LaneHandler.three(Packed.vertical((a, n) -> n >>> 6 == 0 ? a >>> n : 0));
        Handler rightSigned = LaneHandler.three(Packed.vertical(Lanes.dwords((a, n) -> a >> (n >>> 5 == 0 ? n : 31))));
        Handler leftDwords = LaneHandler.three(Packed.vertical(Lanes.dwords((a, n) -> n >>> 5 == 0 ? a << n : 0)));
        Handler leftQwords = LaneHandler.three(Packed.vertical((a, n) -> n >>> 6 == 0 ? a << n : 0));
        t.row("VEX.66.0F38.W0 45", "VPSRLVD", "Vx,Hx,Wx", rightDwords).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W1 45", "VPSRLVQ", "Vx,Hx,Wx", rightQwords).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 46", "VPSRAVD", "Vx,Hx,Wx", rightSigned).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 47", "VPSLLVD", "Vx,Hx,Wx", leftDwords).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W1 47", "VPSLLVQ", "Vx,Hx,Wx", leftQwords).needs(Feature.AVX2);
    }

    private static void masked(OpcodeTable t) {
        t.row("VEX.66.0F38.W0 8C mem", "VPMASKMOVD", "Vx,Hx,Mx", AvxMoves.maskedLoad(4)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W1 8C mem", "VPMASKMOVQ", "Vx,Hx,Mx", AvxMoves.maskedLoad(8)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 8E mem", "VPMASKMOVD", "Mx,Hx,Vx", AvxMoves.maskedStore(4)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W1 8E mem", "VPMASKMOVQ", "Mx,Hx,Vx", AvxMoves.maskedStore(8)).needs(Feature.AVX2);
    }

    private static void gathers(OpcodeTable t) {
        t.row("VEX.66.0F38.W0 90 mem", "VPGATHERDD", "Vx,vd,Hx", Gather.of(4, 4)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W1 90 mem", "VPGATHERDQ", "Vx,vq,Hx", Gather.of(4, 8)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 91 mem", "VPGATHERQD", "Vdq,vd,Hdq", Gather.of(8, 4)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W1 91 mem", "VPGATHERQQ", "Vx,vq,Hx", Gather.of(8, 8)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 92 mem", "VGATHERDPS", "Vx,vd,Hx", Gather.of(4, 4)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W1 92 mem", "VGATHERDPD", "Vx,vq,Hx", Gather.of(4, 8)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W0 93 mem", "VGATHERQPS", "Vdq,vd,Hdq", Gather.of(8, 4)).needs(Feature.AVX2);
        t.row("VEX.66.0F38.W1 93 mem", "VGATHERQPD", "Vx,vq,Hx", Gather.of(8, 8)).needs(Feature.AVX2);
    }
}
