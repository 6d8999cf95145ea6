package org.jkvm.x86.isa;

import static org.jkvm.x86.exec.sse.Lanes.DWORDS;
import static org.jkvm.x86.exec.sse.Lanes.QWORD;

import java.util.function.UnaryOperator;
import org.jkvm.x86.exec.avx.AvxFloat;
import org.jkvm.x86.exec.avx.AvxMoves;
import org.jkvm.x86.exec.avx.AvxShuffles;
import org.jkvm.x86.exec.avx.LaneHandler;
import org.jkvm.x86.exec.sse.Shuffles;
import org.jkvm.x86.exec.sse.Sse4;
import org.jkvm.x86.exec.sse.SseConvert;

/** Rows of AVX's floating-point instructions: SSE's (SDM vol. 1, tables 14-2 to 14-7), and its own. */
final class AvxFloatRows {
    private static final String STATUS = "oszapc";

    private AvxFloatRows() {
    }

    static void declare(OpcodeTable t) {
        VexForms forms = new VexForms(t);
        packed(forms);
        scalar(forms, t);
        conversions(forms, t);
        own(t);
    }

    private static void packed(VexForms f) {
        UnaryOperator<Handler> three = LaneHandler::three;
        f.declare("", Feature.AVX, VexForms::three, three, "VADDPS VADDPD VMULPS VMULPD VSUBPS VSUBPD VMINPS VMINPD VDIVPS "
                + "VDIVPD VMAXPS VMAXPD VANDPS VANDPD VANDNPS VANDNPD VORPS VORPD VXORPS VXORPD VCMPPS VCMPPD VUNPCKLPS "
                + "VUNPCKLPD VUNPCKHPS VUNPCKHPD VSHUFPS VADDSUBPS VADDSUBPD VHADDPS VHADDPD VHSUBPS VHSUBPD");
        f.declare("", Feature.AVX, VexForms::three, h -> LaneHandler.three(h).shift(2), "VSHUFPD VBLENDPD");
        f.declare("", Feature.AVX, VexForms::three, h -> LaneHandler.three(h).shift(4), "VBLENDPS");
        f.declare("", Feature.AVX, VexForms::three, sse -> AvxFloat::dotFloats, "VDPPS");
        f.declare("128", Feature.AVX, VexForms::three, sse -> AvxFloat::dotDoubles, "VDPPD");
        f.declare("", Feature.AVX, VexForms::vector, LaneHandler::two, "VSQRTPS VSQRTPD VRSQRTPS VRCPPS VROUNDPS VROUNDPD "
                + "VMOVSLDUP VMOVSHDUP");
    }

    private static void scalar(VexForms f, OpcodeTable t) {
        f.declare("LIG", Feature.AVX, VexForms::threeScalar, LaneHandler::scalar, "VADDSS VADDSD VMULSS VMULSD VSUBSS "
                + "VSUBSD VMINSS VMINSD VDIVSS VDIVSD VMAXSS VMAXSD VSQRTSS VSQRTSD VRSQRTSS VRCPSS VCMPSS VCMPSD VROUNDSS "
                + "VROUNDSD VCVTSS2SD VCVTSD2SS");
        f.declare("LIG", Feature.AVX, UnaryOperator.identity(), AvxMoves::same, "VUCOMISS VUCOMISD VCOMISS VCOMISD");
        t.row("VEX.128.66.0F3A.WIG 21", "VINSERTPS", "Vdq,Hdq,Wd,Ib", LaneHandler.scalar(Sse4::insertFloat).memory(0, 0x3f))
                .needs(Feature.AVX);
    }

    private static void conversions(VexForms f, OpcodeTable t) {
        f.declare("", Feature.AVX, VexForms::vector, LaneHandler::two, "VCVTDQ2PS VCVTPS2DQ VCVTTPS2DQ");
        UnaryOperator<Handler> wider = h -> LaneHandler.two(h).stride(8);
        f.declare("128", Feature.AVX, UnaryOperator.identity(), wider, "VCVTPS2PD VCVTDQ2PD");
        f.declare("256", Feature.AVX, VexForms::widened, wider, "VCVTPS2PD VCVTDQ2PD");
        t.row("VEX.66.0F.WIG 5A", "VCVTPD2PS", "Vdq,Wpd", LaneHandler.halves(SseConvert::doublesToFloats))
                .needs(Feature.AVX);
        t.row("VEX.F2.0F.WIG E6", "VCVTPD2DQ", "Vdq,Wpd", LaneHandler.halves(SseConvert::doublesToDwords))
                .needs(Feature.AVX);
        t.row("VEX.66.0F.WIG E6", "VCVTTPD2DQ", "Vdq,Wpd", LaneHandler.halves(SseConvert::truncateDoublesToDwords))
                .needs(Feature.AVX);
        toGeneral(t, "F3", "2C", "VCVTTSS2SI", "Wss", SseConvert::truncateFloatToGeneral);
        toGeneral(t, "F2", "2C", "VCVTTSD2SI", "Wsd", SseConvert::truncateDoubleToGeneral);
        toGeneral(t, "F3", "2D", "VCVTSS2SI", "Wss", SseConvert::floatToGeneral);
        toGeneral(t, "F2", "2D", "VCVTSD2SI", "Wsd", SseConvert::doubleToGeneral);
        t.row("VEX.LIG.F3.0F 2A", "VCVTSI2SS", "Vss,Hss,Ey", LaneHandler.scalar(SseConvert::generalToFloat))
                .needs(Feature.AVX);
        t.row("VEX.LIG.F2.0F 2A", "VCVTSI2SD", "Vsd,Hsd,Ey", LaneHandler.scalar(SseConvert::generalToDouble))
                .needs(Feature.AVX);
    }

    private static void toGeneral(OpcodeTable t, String prefix, String code, String name, String source, Handler sse) {
        t.row("VEX.LIG.%s.0F %s".formatted(prefix, code), name, "Gy," + source, AvxMoves.same(sse)).needs(Feature.AVX);
    }

    private static void own(OpcodeTable t) {
        Handler variableFloats = LaneHandler.three(AvxShuffles::chooseFloats);
        Handler variableDoubles = LaneHandler.three(AvxShuffles::chooseDoubles);
        t.row("VEX.66.0F38.W0 0C", "VPERMILPS", "Vps,Hps,Wps", variableFloats).needs(Feature.AVX);
        t.row("VEX.66.0F38.W0 0D", "VPERMILPD", "Vpd,Hpd,Wpd", variableDoubles).needs(Feature.AVX);
        t.row("VEX.66.0F38.W0 0E", "VTESTPS", "Vps,Wps", AvxShuffles.test(DWORDS)).writes(STATUS).needs(Feature.AVX);
        t.row("VEX.66.0F38.W0 0F", "VTESTPD", "Vpd,Wpd", AvxShuffles.test(QWORD)).writes(STATUS).needs(Feature.AVX);
        t.row("VEX.66.0F38.WIG 17", "VPTEST", "Vx,Wx", AvxShuffles.test(-1)).writes(STATUS).needs(Feature.AVX);
        t.row("VEX.66.0F3A.W0 04", "VPERMILPS", "Vps,Wps,Ib", LaneHandler.two(Shuffles::shuffleDwords)).needs(Feature.AVX);
        t.row("VEX.66.0F3A.W0 05", "VPERMILPD", "Vpd,Wpd,Ib", LaneHandler.two(AvxShuffles::permuteDoubles).shift(2))
                .needs(Feature.AVX);
        t.row("VEX.256.66.0F3A.W0 06", "VPERM2F128", "Vqq,Hqq,Wqq,Ib", AvxShuffles::permuteHalves).needs(Feature.AVX);
        t.row("VEX.66.0F3A.W0 4A", "VBLENDVPS", "Vps,Hps,Wps,Lps", LaneHandler.three(Sse4.blendVariable(DWORDS)))
                .needs(Feature.AVX);
        t.row("VEX.66.0F3A.W0 4B", "VBLENDVPD", "Vpd,Hpd,Wpd,Lpd", LaneHandler.three(Sse4.blendVariable(QWORD)))
                .needs(Feature.AVX);
    }
}
