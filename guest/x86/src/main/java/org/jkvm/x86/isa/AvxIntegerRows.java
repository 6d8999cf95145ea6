package org.jkvm.x86.isa;

import static org.jkvm.x86.exec.sse.Lanes.BYTES;

import java.util.function.UnaryOperator;
import org.jkvm.x86.exec.avx.AvxMoves;
import org.jkvm.x86.exec.avx.LaneHandler;
import org.jkvm.x86.exec.sse.Sse4;

/** Rows of the VEX forms of SSE's integer instructions: of 128 bits AVX's, of 256 bits AVX2's (SDM vol. 1, 14.1, 14.6). */
final class AvxIntegerRows {
    private AvxIntegerRows() {
    }

    static void declare(OpcodeTable t) {
        VexForms forms = new VexForms(t);
        arithmetic(forms);
        shuffles(forms, t);
        widening(forms);
        only128(forms);
        cryptography(forms);
    }

    private static void both(VexForms f, UnaryOperator<String> operands, UnaryOperator<Handler> handler, String names) {
        f.declare("128", Feature.AVX, operands, handler, names);
        f.declare("256", Feature.AVX2, operands, handler, names);
    }

    private static void arithmetic(VexForms f) {
        both(f, VexForms::three, LaneHandler::three, "VPADDB VPADDW VPADDD VPADDQ VPADDSB VPADDSW VPADDUSB VPADDUSW VPSUBB "
                + "VPSUBW VPSUBD VPSUBQ VPSUBSB VPSUBSW VPSUBUSB VPSUBUSW VPAVGB VPAVGW VPSADBW VPMULLW VPMULHW VPMULHUW "
                + "VPMADDWD VPMULUDQ VPCMPEQB VPCMPEQW VPCMPEQD VPCMPGTB VPCMPGTW VPCMPGTD VPMINUB VPMAXUB VPMINSW VPMAXSW "
                + "VPAND VPANDN VPOR VPXOR");
        both(f, VexForms::three, LaneHandler::three, "VPHADDW VPHADDD VPHADDSW VPMADDUBSW VPHSUBW VPHSUBD VPHSUBSW VPSIGNB "
                + "VPSIGNW VPSIGND VPMULHRSW VPMULDQ VPCMPEQQ VPCMPGTQ VPMINSB VPMINSD VPMINUW VPMINUD VPMAXSB VPMAXSD "
                + "VPMAXUW VPMAXUD VPMULLD");
        both(f, VexForms::three, h -> LaneHandler.three(h).shift(3), "VMPSADBW");
        both(f, VexForms::vector, LaneHandler::two, "VPABSB VPABSW VPABSD");
    }

    private static void shuffles(VexForms f, OpcodeTable t) {
        both(f, VexForms::three, LaneHandler::three, "VPUNPCKLBW VPUNPCKHBW VPUNPCKLWD VPUNPCKHWD VPUNPCKLDQ VPUNPCKHDQ "
                + "VPUNPCKLQDQ VPUNPCKHQDQ VPACKSSWB VPACKUSWB VPACKSSDW VPACKUSDW VPSHUFB VPALIGNR VPBLENDW");
        both(f, VexForms::vector, LaneHandler::two, "VPSHUFD VPSHUFLW VPSHUFHW");
        Handler blend = LaneHandler.three(Sse4.blendVariable(BYTES));
        t.row("VEX.128.66.0F3A.W0 4C", "VPBLENDVB", "Vx,Hx,Wx,Lx", blend).needs(Feature.AVX);
        t.row("VEX.256.66.0F3A.W0 4C", "VPBLENDVB", "Vx,Hx,Wx,Lx", blend).needs(Feature.AVX2);
        f.shifts("VPSLLW VPSLLD VPSLLQ VPSRLW VPSRLD VPSRLQ VPSRAW VPSRAD VPSLLDQ VPSRLDQ");
    }

    private static void widening(VexForms f) {
        widen(f, 8, "VPMOVSXBW VPMOVSXWD VPMOVSXDQ VPMOVZXBW VPMOVZXWD VPMOVZXDQ");
        widen(f, 4, "VPMOVSXBD VPMOVSXWQ VPMOVZXBD VPMOVZXWQ");
        widen(f, 2, "VPMOVSXBQ VPMOVZXBQ");
    }

    private static void widen(VexForms f, int stride, String names) {
        f.declare("128", Feature.AVX, VexForms::vector, LaneHandler::two, names);
        f.declare("256", Feature.AVX2, VexForms::widened, h -> LaneHandler.two(h).stride(stride), names);
    }

    private static void only128(VexForms f) {
        f.declare("128", Feature.AVX, VexForms::vector, LaneHandler::two, "VPHMINPOSUW");
        f.declare("128", Feature.AVX, UnaryOperator.identity(), AvxMoves::same, "VPCMPESTRI VPCMPISTRI");
        f.declare("128", Feature.AVX, UnaryOperator.identity(), AvxMoves::toFirst, "VPCMPESTRM VPCMPISTRM");
    }

    private static void cryptography(VexForms f) {
        f.declare("128", Feature.AES, VexForms::vector, LaneHandler::two, "VAESIMC VAESKEYGENASSIST");
        f.declare("128", Feature.AES, VexForms::three, LaneHandler::three, "VAESENC VAESENCLAST VAESDEC VAESDECLAST");
        f.declare("256", Feature.VAES, VexForms::three, LaneHandler::three, "VAESENC VAESENCLAST VAESDEC VAESDECLAST");
        f.declare("128", Feature.PCLMULQDQ, VexForms::three, LaneHandler::three, "VPCLMULQDQ");
        f.declare("256", Feature.VPCLMULQDQ, VexForms::three, LaneHandler::three, "VPCLMULQDQ");
    }
}
