package org.jkvm.x86.isa;

import static org.jkvm.x86.exec.x87.X87Ops.load;
import static org.jkvm.x86.exec.x87.X87Ops.registers;
import static org.jkvm.x86.exec.x87.X87Ops.store;
import static org.jkvm.x86.exec.x87.X87Ops.store80;

import org.jkvm.x86.exec.x87.X87Control;
import org.jkvm.x86.exec.x87.X87Ops;
import org.jkvm.x86.exec.x87.X87Unit;
import org.jkvm.x86.fp.Arithmetic;
import org.jkvm.x86.fp.Float80Math;

/** Rows of the x87 instructions (SDM vol. 2D, tables ). */
final class X87Rows {
    private static final String STATUS = "oszapc";

    private X87Rows() {
    }

    static void declare(OpcodeTable t) {
        arithmetic(t, 0, 0, "ADD", Arithmetic.ADD);
        arithmetic(t, 1, 1, "MUL", Arithmetic.MULTIPLY);
        arithmetic(t, 4, 5, "SUB", Arithmetic.SUBTRACT);
        arithmetic(t, 5, 4, "SUBR", Arithmetic.SUBTRACT_REVERSED);
        arithmetic(t, 6, 7, "DIV", Arithmetic.DIVIDE);
        arithmetic(t, 7, 6, "DIVR", Arithmetic.DIVIDE_REVERSED);
        comparisons(t);
        loads(t);
        stores(t);
        constants(t);
        functions(t);
        moves(t);
        control(t);
        environment(t);
        aliases(t);
    }

    /** In DC and DE the register forms of subtraction and division are swapped: {@code turned}. */
    private static void arithmetic(OpcodeTable t, int reg, int turned, String name, Arithmetic op) {
        fpu(t, "D8 /" + reg + " mem", "F" + name, "Md", load(4, (u, v) -> u.arithmeticFloat32(op, (int) v)));
        fpu(t, "DC /" + reg + " mem", "F" + name, "Mq", load(8, (u, v) -> u.arithmeticFloat64(op, v)));
        fpu(t, "DA /" + reg + " mem", "FI" + name, "Md", load(4, (u, v) -> u.arithmeticInteger(op, (int) v)));
        fpu(t, "DE /" + reg + " mem", "FI" + name, "Mw", load(2, (u, v) -> u.arithmeticInteger(op, (short) v)));
        fpu(t, "D8 /" + reg + " reg", "F" + name, "ST,STi", X87Ops.toTop(op));
        fpu(t, "DC /" + turned + " reg", "F" + name, "STi,ST", X87Ops.toRegister(op, false));
        fpu(t, "DE /" + turned + " reg", "F" + name + "P", "STi,ST", X87Ops.toRegister(op, true));
    }

    private static void comparisons(OpcodeTable t) {
        compare(t, 2, "COM", false);
        compare(t, 3, "COMP", true);
        fpu(t, "DE =D9", "FCOMPP", "", registers((u, i) -> u.compare(1, true, 2)));
        fpu(t, "DD /4 reg", "FUCOM", "STi", registers((u, i) -> u.compare(i.rm(), false, 0)));
        fpu(t, "DD /5 reg", "FUCOMP", "STi", registers((u, i) -> u.compare(i.rm(), false, 1)));
        fpu(t, "DA =E9", "FUCOMPP", "", registers((u, i) -> u.compare(1, false, 2)));
        fpu(t, "D9 =E4", "FTST", "", registers((u, i) -> u.compareInteger(0, false)));
        fpu(t, "D9 =E5", "FXAM", "", registers((u, i) -> u.examine()));
        flags(t, "DB /5 reg", "FUCOMI", false, false);
        flags(t, "DB /6 reg", "FCOMI", true, false);
        flags(t, "DF /5 reg", "FUCOMIP", false, true);
        flags(t, "DF /6 reg", "FCOMIP", true, true);
    }

    private static void compare(OpcodeTable t, int reg, String name, boolean pop) {
        fpu(t, "D8 /" + reg + " mem", "F" + name, "Md", load(4, (u, v) -> u.compareFloat32((int) v, pop)));
        fpu(t, "DC /" + reg + " mem", "F" + name, "Mq", load(8, (u, v) -> u.compareFloat64(v, pop)));
        fpu(t, "DA /" + reg + " mem", "FI" + name, "Md", load(4, (u, v) -> u.compareInteger((int) v, pop)));
        fpu(t, "DE /" + reg + " mem", "FI" + name, "Mw", load(2, (u, v) -> u.compareInteger((short) v, pop)));
        fpu(t, "D8 /" + reg + " reg", "F" + name, "STi", registers((u, i) -> u.compare(i.rm(), true, pop ? 1 : 0)));
    }

    private static void flags(OpcodeTable t, String opcode, String name, boolean signalling, boolean pop) {
        t.row(opcode, name, "ST,STi", X87Ops.compareFlags(signalling, pop)).writes(STATUS).needs(Feature.CMOV);
    }

    private static void loads(OpcodeTable t) {
        fpu(t, "D9 /0 mem", "FLD", "Md", load(4, (u, v) -> u.loadFloat32((int) v)));
        fpu(t, "DD /0 mem", "FLD", "Mq", load(8, X87Unit::loadFloat64));
        fpu(t, "DB /5 mem", "FLD", "Mt", X87Ops::fld80);
        fpu(t, "D9 /0 reg", "FLD", "STi", registers((u, i) -> u.loadRegister(i.rm())));
        fpu(t, "DF /0 mem", "FILD", "Mw", load(2, (u, v) -> u.loadInteger((short) v)));
        fpu(t, "DB /0 mem", "FILD", "Md", load(4, (u, v) -> u.loadInteger((int) v)));
        fpu(t, "DF /5 mem", "FILD", "Mq", load(8, X87Unit::loadInteger));
        fpu(t, "DF /4 mem", "FBLD", "Mt", X87Ops::fbld);
    }

    private static void stores(OpcodeTable t) {
        fpu(t, "D9 /2 mem", "FST", "Md", store(4, X87Unit::convertToFloat32, false));
        fpu(t, "D9 /3 mem", "FSTP", "Md", store(4, X87Unit::convertToFloat32, true));
        fpu(t, "DD /2 mem", "FST", "Mq", store(8, X87Unit::convertToFloat64, false));
        fpu(t, "DD /3 mem", "FSTP", "Mq", store(8, X87Unit::convertToFloat64, true));
        fpu(t, "DB /7 mem", "FSTP", "Mt", store80(X87Unit::convertToFloat80));
        fpu(t, "DF /6 mem", "FBSTP", "Mt", store80(X87Unit::convertToDecimal));
        fpu(t, "DD /2 reg", "FST", "STi", registers((u, i) -> u.storeRegister(i.rm(), false)));
        fpu(t, "DD /3 reg", "FSTP", "STi", registers((u, i) -> u.storeRegister(i.rm(), true)));
        fpu(t, "DF /2 mem", "FIST", "Mw", store(2, u -> u.convertToInteger(16, false), false));
        fpu(t, "DF /3 mem", "FISTP", "Mw", store(2, u -> u.convertToInteger(16, false), true));
        fpu(t, "DB /2 mem", "FIST", "Md", store(4, u -> u.convertToInteger(32, false), false));
        fpu(t, "DB /3 mem", "FISTP", "Md", store(4, u -> u.convertToInteger(32, false), true));
        fpu(t, "DF /7 mem", "FISTP", "Mq", store(8, u -> u.convertToInteger(64, false), true));
        fpu(t, "DF /1 mem", "FISTTP", "Mw", store(2, u -> u.convertToInteger(16, true), true)).needs(Feature.SSE3);
        fpu(t, "DB /1 mem", "FISTTP", "Md", store(4, u -> u.convertToInteger(32, true), true)).needs(Feature.SSE3);
        fpu(t, "DD /1 mem", "FISTTP", "Mq", store(8, u -> u.convertToInteger(64, true), true)).needs(Feature.SSE3);
    }

    private static void constants(OpcodeTable t) {
        String[] names = {"FLD1", "FLDL2T", "FLDL2E", "FLDPI", "FLDLG2", "FLDLN2", "FLDZ"};
        for (int n = 0; n < names.length; n++) {
            fpu(t, "D9 =E" + Integer.toHexString(8 + n), names[n], "", registers((u, i) -> u.loadConstant(i.rm())));
        }
    }

    private static void functions(OpcodeTable t) {
        fpu(t, "D9 =E0", "FCHS", "", registers((u, i) -> u.changeSign()));
        fpu(t, "D9 =E1", "FABS", "", registers((u, i) -> u.absolute()));
        fpu(t, "D9 =F0", "F2XM1", "", registers((u, i) -> u.exponential()));
        fpu(t, "D9 =F1", "FYL2X", "", registers((u, i) -> u.logarithm()));
        fpu(t, "D9 =F2", "FPTAN", "", registers((u, i) -> u.tangent()));
        fpu(t, "D9 =F3", "FPATAN", "", registers((u, i) -> u.arctangent()));
        fpu(t, "D9 =F4", "FXTRACT", "", registers((u, i) -> u.extract()));
        fpu(t, "D9 =F5", "FPREM1", "", registers((u, i) -> u.remainder(true)));
        fpu(t, "D9 =F8", "FPREM", "", registers((u, i) -> u.remainder(false)));
        fpu(t, "D9 =F9", "FYL2XP1", "", registers((u, i) -> u.logarithmPlus1()));
        fpu(t, "D9 =FA", "FSQRT", "", registers((u, i) -> u.unary(Float80Math::squareRoot)));
        fpu(t, "D9 =FB", "FSINCOS", "", registers((u, i) -> u.sineAndCosine()));
        fpu(t, "D9 =FC", "FRNDINT", "", registers((u, i) -> u.unary(Float80Math::roundToIntegral)));
        fpu(t, "D9 =FD", "FSCALE", "", registers((u, i) -> u.binary(Float80Math::scale, 0, false)));
        fpu(t, "D9 =FE", "FSIN", "", registers((u, i) -> u.sine()));
        fpu(t, "D9 =FF", "FCOS", "", registers((u, i) -> u.cosine()));
    }

    private static void moves(OpcodeTable t) {
        fpu(t, "D9 /1 reg", "FXCH", "STi", registers((u, i) -> u.exchange(i.rm())));
        moveIf(t, "DA /0 reg", "FCMOVB", 0x2, "c");
        moveIf(t, "DA /1 reg", "FCMOVE", 0x4, "z");
        moveIf(t, "DA /2 reg", "FCMOVBE", 0x6, "cz");
        moveIf(t, "DA /3 reg", "FCMOVU", 0xa, "p");
        moveIf(t, "DB /0 reg", "FCMOVNB", 0x3, "c");
        moveIf(t, "DB /1 reg", "FCMOVNE", 0x5, "z");
        moveIf(t, "DB /2 reg", "FCMOVNBE", 0x7, "cz");
        moveIf(t, "DB /3 reg", "FCMOVNU", 0xb, "p");
    }

    private static void moveIf(OpcodeTable t, String opcode, String name, int condition, String flags) {
        t.row(opcode, name, "ST,STi", X87Ops.moveIf(condition)).reads(flags).needs(Feature.CMOV);
    }

    private static void control(OpcodeTable t) {
        fpu(t, "9B", "FWAIT", "", X87Control::fwait);
        fpu(t, "D9 =D0", "FNOP", "", X87Control.stack((u, i) -> { }));
        fpu(t, "D9 =F6", "FDECSTP", "", X87Control.stack((u, i) -> u.rotate(-1)));
        fpu(t, "D9 =F7", "FINCSTP", "", X87Control.stack((u, i) -> u.rotate(1)));
        fpu(t, "DD /0 reg", "FFREE", "STi", X87Control.stack((u, i) -> u.free(i.rm(), false)));
        fpu(t, "DB =E0", "FNENI", "", X87Control::ignored);
        fpu(t, "DB =E1", "FNDISI", "", X87Control::ignored);
        fpu(t, "DB =E2", "FNCLEX", "", X87Control::fnclex);
        fpu(t, "DB =E3", "FNINIT", "", X87Control::fninit);
        fpu(t, "DB =E4", "FNSETPM", "", X87Control::ignored);
    }

    private static void environment(OpcodeTable t) {
        fpu(t, "D9 /4 mem", "FLDENV", "M", X87Control::fldenv);
        fpu(t, "D9 /5 mem", "FLDCW", "Mw", X87Control::fldcw);
        fpu(t, "D9 /6 mem", "FNSTENV", "M", X87Control::fnstenv);
        fpu(t, "D9 /7 mem", "FNSTCW", "Mw", X87Control::fnstcw);
        fpu(t, "DD /4 mem", "FRSTOR", "M", X87Control::frstor);
        fpu(t, "DD /6 mem", "FNSAVE", "M", X87Control::fnsave);
        fpu(t, "DD /7 mem", "FNSTSW", "Mw", X87Control::fnstsw);
        fpu(t, "DF =E0", "FNSTSW", "AX", X87Control::fnstswAx);
    }

    /** Encodings that the manual reserves and every processor takes for another one (AMD64 APM vol. 3, table A-15). */
    private static void aliases(OpcodeTable t) {
        fpu(t, "DC /2 reg", "FCOM", "STi", registers((u, i) -> u.compare(i.rm(), true, 0)));
        fpu(t, "DC /3 reg", "FCOMP", "STi", registers((u, i) -> u.compare(i.rm(), true, 1)));
        fpu(t, "DE /2 reg", "FCOMP", "STi", registers((u, i) -> u.compare(i.rm(), true, 1)));
        fpu(t, "DD /1 reg", "FXCH", "STi", registers((u, i) -> u.exchange(i.rm())));
        fpu(t, "DF /0 reg", "FFREEP", "STi", X87Control.stack((u, i) -> u.free(i.rm(), true)));
        fpu(t, "DF /1 reg", "FXCH", "STi", registers((u, i) -> u.exchange(i.rm())));
        fpu(t, "DF /2 reg", "FSTP", "STi", registers((u, i) -> u.storeRegister(i.rm(), true)));
        fpu(t, "DF /3 reg", "FSTP", "STi", registers((u, i) -> u.storeRegister(i.rm(), true)));
        fpu(t, "D9 /3 reg", "FSTPNCE", "STi", registers((u, i) -> u.storeRegister(i.rm(), true)));
    }

    private static Row fpu(OpcodeTable t, String opcode, String mnemonic, String operands, Handler handler) {
        return t.row(opcode, mnemonic, operands, handler).needs(Feature.FPU);
    }
}
