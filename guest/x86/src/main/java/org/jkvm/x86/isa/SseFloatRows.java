package org.jkvm.x86.isa;

import static org.jkvm.x86.exec.sse.SseFloat.packed32;
import static org.jkvm.x86.exec.sse.SseFloat.packed64;
import static org.jkvm.x86.exec.sse.SseFloat.scalar32;
import static org.jkvm.x86.exec.sse.SseFloat.scalar64;

import org.jkvm.x86.exec.mmx.MmxOps;
import org.jkvm.x86.exec.sse.Lanes;
import org.jkvm.x86.exec.sse.Packed;
import org.jkvm.x86.exec.sse.Shuffles;
import org.jkvm.x86.exec.sse.SseApproximate;
import org.jkvm.x86.exec.sse.SseConvert;
import org.jkvm.x86.exec.sse.SseFloat;
import org.jkvm.x86.exec.sse.SseFloat.Op32;
import org.jkvm.x86.exec.sse.SseFloat.Op64;
import org.jkvm.x86.fp.Float32;
import org.jkvm.x86.fp.Float64;

/** Rows of the floating-point instructions of SSE, SSE2 and SSE3 (SDM vol. 2D, table A-3). */
final class SseFloatRows {
    private static final String STATUS = "oszapc";

    private SseFloatRows() {
    }

    static void declare(OpcodeTable t) {
        arithmetic(t);
        comparisons(t);
        logic(t);
        shuffles(t);
        conversions(t);
        scalarConversions(t);
        sse3(t);
    }

    private static void arithmetic(OpcodeTable t) {
        four(t, "51", "SQRT", (env, x, y) -> Float32.squareRoot(env, y), (env, x, y) -> Float64.squareRoot(env, y));
        four(t, "58", "ADD", Float32::add, Float64::add, SseFloat::addDouble);
        four(t, "59", "MUL", Float32::multiply, Float64::multiply, SseFloat::multiplyDouble);
        four(t, "5C", "SUB", Float32::subtract, Float64::subtract, SseFloat::subtractDouble);
        four(t, "5D", "MIN", Float32::min, Float64::min);
        four(t, "5E", "DIV", Float32::divide, Float64::divide);
        four(t, "5F", "MAX", Float32::max, Float64::max);
        t.row("NP 0F 52", "RSQRTPS", "Vps,Wps", SseApproximate::rootsPacked).needs(Feature.SSE);
        t.row("F3 0F 52", "RSQRTSS", "Vss,Wss", SseApproximate::rootScalar).needs(Feature.SSE);
        t.row("NP 0F 53", "RCPPS", "Vps,Wps", SseApproximate::reciprocalsPacked).needs(Feature.SSE);
        t.row("F3 0F 53", "RCPSS", "Vss,Wss", SseApproximate::reciprocalScalar).needs(Feature.SSE);
    }

    private static void four(OpcodeTable t, String code, String name, Op32 op32, Op64 op64) {
        four(t, code, name, op32, op64, scalar64(op64));
    }

    /** The four columns of table A-3, the scalar double one with a handler of its own. */
    private static void four(OpcodeTable t, String code, String name, Op32 op32, Op64 op64, Handler scalar) {
        t.row("NP 0F " + code, name + "PS", "Vps,Wps", packed32(op32)).needs(Feature.SSE);
        t.row("66 0F " + code, name + "PD", "Vpd,Wpd", packed64(op64)).needs(Feature.SSE2);
        t.row("F3 0F " + code, name + "SS", "Vss,Wss", scalar32(op32)).needs(Feature.SSE);
        t.row("F2 0F " + code, name + "SD", "Vsd,Wsd", scalar).needs(Feature.SSE2);
    }

    private static void comparisons(OpcodeTable t) {
        t.row("NP 0F C2", "CMPPS", "Vps,Wps,Ib", SseFloat::comparePacked32).needs(Feature.SSE);
        t.row("66 0F C2", "CMPPD", "Vpd,Wpd,Ib", SseFloat::comparePacked64).needs(Feature.SSE2);
        t.row("F3 0F C2", "CMPSS", "Vss,Wss,Ib", SseFloat::compareScalar32).needs(Feature.SSE);
        t.row("F2 0F C2", "CMPSD", "Vsd,Wsd,Ib", SseFloat::compareScalar64).needs(Feature.SSE2);
        t.row("NP 0F 2E", "UCOMISS", "Vss,Wss", SseFloat.compareFlags32(false)).writes(STATUS).needs(Feature.SSE);
        t.row("66 0F 2E", "UCOMISD", "Vsd,Wsd", SseFloat.compareFlags64(false)).writes(STATUS).needs(Feature.SSE2);
        t.row("NP 0F 2F", "COMISS", "Vss,Wss", SseFloat.compareFlags32(true)).writes(STATUS).needs(Feature.SSE);
        t.row("66 0F 2F", "COMISD", "Vsd,Wsd", SseFloat.compareFlags64(true)).writes(STATUS).needs(Feature.SSE2);
    }

    private static void logic(OpcodeTable t) {
        two(t, "54", "ANDP", Packed::and);
        two(t, "55", "ANDNP", Packed::andNot);
        two(t, "56", "ORP", Packed::or);
        two(t, "57", "XORP", Packed::xor);
    }

    private static void two(OpcodeTable t, String code, String name, Handler handler) {
        t.row("NP 0F " + code, name + "S", "Vps,Wps", handler).needs(Feature.SSE);
        t.row("66 0F " + code, name + "D", "Vpd,Wpd", handler).needs(Feature.SSE2);
    }

    private static void shuffles(OpcodeTable t) {
        t.row("NP 0F 14", "UNPCKLPS", "Vps,Wps", Packed.unpackLow(Lanes::interleaveDwords)).needs(Feature.SSE);
        t.row("66 0F 14", "UNPCKLPD", "Vpd,Wpd", Shuffles::unpackLowQwords).needs(Feature.SSE2);
        t.row("NP 0F 15", "UNPCKHPS", "Vps,Wps", Packed.unpackHigh(Lanes::interleaveDwords)).needs(Feature.SSE);
        t.row("66 0F 15", "UNPCKHPD", "Vpd,Wpd", Shuffles::unpackHighQwords).needs(Feature.SSE2);
        t.row("NP 0F C6", "SHUFPS", "Vps,Wps,Ib", Shuffles::shuffleFloats).needs(Feature.SSE);
        t.row("66 0F C6", "SHUFPD", "Vpd,Wpd,Ib", Shuffles::shuffleDoubles).needs(Feature.SSE2);
    }

    private static void conversions(OpcodeTable t) {
        t.row("NP 0F 2A", "CVTPI2PS", "Vps,Qpi", MmxOps::toFloats).needs(Feature.SSE);
        t.row("66 0F 2A", "CVTPI2PD", "Vpd,Qpi", MmxOps::toDoubles).needs(Feature.SSE2);
        t.row("NP 0F 2C", "CVTTPS2PI", "Ppi,Wq", MmxOps.fromFloats(true)).needs(Feature.SSE);
        t.row("66 0F 2C", "CVTTPD2PI", "Ppi,Wpd", MmxOps.fromDoubles(true)).needs(Feature.SSE2);
        t.row("NP 0F 2D", "CVTPS2PI", "Ppi,Wq", MmxOps.fromFloats(false)).needs(Feature.SSE);
        t.row("66 0F 2D", "CVTPD2PI", "Ppi,Wpd", MmxOps.fromDoubles(false)).needs(Feature.SSE2);
        t.row("NP 0F 5A", "CVTPS2PD", "Vpd,Wq", SseConvert::floatsToDoubles).needs(Feature.SSE2);
        t.row("66 0F 5A", "CVTPD2PS", "Vps,Wpd", SseConvert::doublesToFloats).needs(Feature.SSE2);
        t.row("NP 0F 5B", "CVTDQ2PS", "Vps,Wdq", SseConvert.dwordsToFloats()).needs(Feature.SSE2);
        t.row("66 0F 5B", "CVTPS2DQ", "Vdq,Wps", SseConvert.floatsToDwords()).needs(Feature.SSE2);
        t.row("F3 0F 5B", "CVTTPS2DQ", "Vdq,Wps", SseConvert.truncateFloatsToDwords()).needs(Feature.SSE2);
        t.row("F3 0F E6", "CVTDQ2PD", "Vpd,Wq", SseConvert::dwordsToDoubles).needs(Feature.SSE2);
        t.row("F2 0F E6", "CVTPD2DQ", "Vdq,Wpd", SseConvert::doublesToDwords).needs(Feature.SSE2);
        t.row("66 0F E6", "CVTTPD2DQ", "Vdq,Wpd", SseConvert::truncateDoublesToDwords).needs(Feature.SSE2);
    }

    private static void scalarConversions(OpcodeTable t) {
        t.row("F3 0F 2A", "CVTSI2SS", "Vss,Ey", SseConvert::generalToFloat).needs(Feature.SSE);
        t.row("F2 0F 2A", "CVTSI2SD", "Vsd,Ey", SseConvert::generalToDouble).needs(Feature.SSE2);
        t.row("F3 0F 2C", "CVTTSS2SI", "Gy,Wss", SseConvert::truncateFloatToGeneral).needs(Feature.SSE);
        t.row("F2 0F 2C", "CVTTSD2SI", "Gy,Wsd", SseConvert::truncateDoubleToGeneral).needs(Feature.SSE2);
        t.row("F3 0F 2D", "CVTSS2SI", "Gy,Wss", SseConvert::floatToGeneral).needs(Feature.SSE);
        t.row("F2 0F 2D", "CVTSD2SI", "Gy,Wsd", SseConvert::doubleToGeneral).needs(Feature.SSE2);
        t.row("F2 0F 5A", "CVTSD2SS", "Vss,Wsd", SseConvert::doubleToFloat).needs(Feature.SSE2);
        t.row("F3 0F 5A", "CVTSS2SD", "Vsd,Wss", SseConvert::floatToDouble).needs(Feature.SSE2);
    }

    private static void sse3(OpcodeTable t) {
        t.row("66 0F D0", "ADDSUBPD", "Vpd,Wpd", SseFloat::addSubtract64).needs(Feature.SSE3);
        t.row("F2 0F D0", "ADDSUBPS", "Vps,Wps", SseFloat.addSubtract32()).needs(Feature.SSE3);
        t.row("66 0F 7C", "HADDPD", "Vpd,Wpd", SseFloat.neighbours64(Float64::add)).needs(Feature.SSE3);
        t.row("F2 0F 7C", "HADDPS", "Vps,Wps", SseFloat.neighbours32(Float32::add)).needs(Feature.SSE3);
        t.row("66 0F 7D", "HSUBPD", "Vpd,Wpd", SseFloat.neighbours64(Float64::subtract)).needs(Feature.SSE3);
        t.row("F2 0F 7D", "HSUBPS", "Vps,Wps", SseFloat.neighbours32(Float32::subtract)).needs(Feature.SSE3);
    }
}
