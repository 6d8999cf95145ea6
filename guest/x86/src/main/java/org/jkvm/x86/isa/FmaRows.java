package org.jkvm.x86.isa;

import org.jkvm.x86.exec.avx.F16c;
import org.jkvm.x86.exec.avx.Fma;
import org.jkvm.x86.exec.avx.Fma.Operation;

/** Rows of FMA and F16C (SDM vol. 2D, tables ). */
final class FmaRows {
    private static final String[] ORDERS = {"132", "213", "231"};
    /** The opcode of the first order's packed form; the scalar one, where there is one, follows it. */
    private static final int FIRST = 0x96;

    private FmaRows() {
    }

    static void declare(OpcodeTable t) {
        for (int n = 0; n < ORDERS.length; n++) {
            int base = FIRST + 0x10 * n;
            packed(t, base, "VFMADDSUB", Operation.MADDSUB, ORDERS[n]);
            packed(t, base + 1, "VFMSUBADD", Operation.MSUBADD, ORDERS[n]);
            both(t, base + 2, "VFMADD", Operation.MADD, ORDERS[n]);
            both(t, base + 4, "VFMSUB", Operation.MSUB, ORDERS[n]);
            both(t, base + 6, "VFNMADD", Operation.NMADD, ORDERS[n]);
            both(t, base + 8, "VFNMSUB", Operation.NMSUB, ORDERS[n]);
        }
        t.row("VEX.128.66.0F38.W0 13", "VCVTPH2PS", "Vdq,Wq", F16c::toFloats).needs(Feature.F16C);
        t.row("VEX.256.66.0F38.W0 13", "VCVTPH2PS", "Vqq,Wdq", F16c::toFloats).needs(Feature.F16C);
        t.row("VEX.128.66.0F3A.W0 1D", "VCVTPS2PH", "Wq,Vdq,Ib", F16c::fromFloats).needs(Feature.F16C);
        t.row("VEX.256.66.0F3A.W0 1D", "VCVTPS2PH", "Wdq,Vqq,Ib", F16c::fromFloats).needs(Feature.F16C);
    }

    private static void both(OpcodeTable t, int code, String name, Operation operation, String order) {
        packed(t, code, name, operation, order);
        String opcode = " " + OpcodeText.hex(code + 1);
        t.row("VEX.LIG.66.0F38.W0" + opcode, name + order + "SS", "Vss,Hss,Wss", Fma.of(operation, order, false, true))
                .needs(Feature.FMA);
        t.row("VEX.LIG.66.0F38.W1" + opcode, name + order + "SD", "Vsd,Hsd,Wsd", Fma.of(operation, order, true, true))
                .needs(Feature.FMA);
    }

    private static void packed(OpcodeTable t, int code, String name, Operation operation, String order) {
        String opcode = " " + OpcodeText.hex(code);
        t.row("VEX.66.0F38.W0" + opcode, name + order + "PS", "Vps,Hps,Wps", Fma.of(operation, order, false, false))
                .needs(Feature.FMA);
        t.row("VEX.66.0F38.W1" + opcode, name + order + "PD", "Vpd,Hpd,Wpd", Fma.of(operation, order, true, false))
                .needs(Feature.FMA);
    }
}
