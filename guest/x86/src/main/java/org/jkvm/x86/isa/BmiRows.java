package org.jkvm.x86.isa;

import org.jkvm.x86.exec.Bmi;

/** Rows of the VEX-encoded general-purpose instructions, BMI1 and BMI2 (SDM vol. 2D, tables, group 17). */
final class BmiRows {
    private BmiRows() {
    }

    static void declare(OpcodeTable t) {
        bmi1(t);
        bmi2(t);
    }

    private static void bmi1(OpcodeTable t) {
        t.row("VEX.LZ.0F38 F2", "ANDN", "Gy,By,Ey", Bmi::andn).writes("oszc").undefined("ap").needs(Feature.BMI1);
        t.row("VEX.LZ.0F38 F3 /1", "BLSR", "By,Ey", Bmi::blsr).writes("oszc").undefined("ap").needs(Feature.BMI1);
        t.row("VEX.LZ.0F38 F3 /2", "BLSMSK", "By,Ey", Bmi::blsmsk).writes("oszc").undefined("ap").needs(Feature.BMI1);
        t.row("VEX.LZ.0F38 F3 /3", "BLSI", "By,Ey", Bmi::blsi).writes("oszc").undefined("ap").needs(Feature.BMI1);
        t.row("VEX.LZ.0F38 F7", "BEXTR", "Gy,Ey,By", Bmi::bextr).writes("ozc").undefined("sap").needs(Feature.BMI1);
    }

    private static void bmi2(OpcodeTable t) {
        t.row("VEX.LZ.0F38 F5", "BZHI", "Gy,Ey,By", Bmi::bzhi).writes("oszc").undefined("ap").needs(Feature.BMI2);
        t.row("VEX.LZ.F3.0F38 F5", "PEXT", "Gy,By,Ey", Bmi::pext).needs(Feature.BMI2);
        t.row("VEX.LZ.F2.0F38 F5", "PDEP", "Gy,By,Ey", Bmi::pdep).needs(Feature.BMI2);
        t.row("VEX.LZ.F2.0F38 F6", "MULX", "Gy,By,Ey", Bmi::mulx).needs(Feature.BMI2);
        t.row("VEX.LZ.66.0F38 F7", "SHLX", "Gy,Ey,By", Bmi::shlx).needs(Feature.BMI2);
        t.row("VEX.LZ.F3.0F38 F7", "SARX", "Gy,Ey,By", Bmi::sarx).needs(Feature.BMI2);
        t.row("VEX.LZ.F2.0F38 F7", "SHRX", "Gy,Ey,By", Bmi::shrx).needs(Feature.BMI2);
        t.row("VEX.LZ.F2.0F3A F0", "RORX", "Gy,Ey,Ib", Bmi::rorx).needs(Feature.BMI2);
    }
}
