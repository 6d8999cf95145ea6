package org.jkvm.x86.isa;

import static org.jkvm.x86.isa.Row.Mode.F64;
import static org.jkvm.x86.isa.Row.Mode.I64;

import org.jkvm.x86.exec.Branches;

/** Rows of branches, calls, returns and software interrupts. */
final class ControlRows {
    /** Condition codes by number (SDM vol. 1, appendix B). */
    static final String[] CONDITIONS = {"O", "NO", "B", "AE", "E", "NE", "BE", "A", "S", "NS", "P", "NP", "L", "GE", "LE",
        "G"};
    private static final String[] READS = {"o", "c", "z", "zc", "s", "p", "so", "szo"};

    private ControlRows() {
    }

    static void declare(OpcodeTable t) {
        for (int n = 0; n < 16; n++) {
            t.row(OpcodeText.hex(0x70 + n), "J" + CONDITIONS[n], "Jb", Branches::jcc).reads(READS[n / 2]).in(F64)
                    .endsBlock();
            t.row("0F " + OpcodeText.hex(0x80 + n), "J" + CONDITIONS[n], "Jz", Branches::jcc).reads(READS[n / 2]).in(F64)
                    .endsBlock();
        }
        near(t);
        far(t);
        interrupts(t);
    }

    private static void near(OpcodeTable t) {
        t.row("EB", "JMP", "Jb", Branches::jmp).in(F64).endsBlock();
        t.row("E9", "JMP", "Jz", Branches::jmp).in(F64).endsBlock();
        t.row("FF /4", "JMP", "Ev", Branches::jmpIndirect).in(F64).endsBlock();
        t.row("E8", "CALL", "Jz", Branches::call).in(F64).endsBlock();
        t.row("FF /2", "CALL", "Ev", Branches::callIndirect).in(F64).endsBlock();
        t.row("C2", "RET", "Iw", Branches::ret).in(F64).endsBlock();
        t.row("C3", "RET", "", Branches::ret).in(F64).endsBlock();
        t.row("E0", "LOOPNE", "Jb", Branches::loopne).reads("z").in(F64).endsBlock();
        t.row("E1", "LOOPE", "Jb", Branches::loope).reads("z").in(F64).endsBlock();
        t.row("E2", "LOOP", "Jb", Branches::loop).in(F64).endsBlock();
        t.row("E3", "JCXZ", "Jb", Branches::jcxz).in(F64).endsBlock();
    }

    private static void far(OpcodeTable t) {
        t.row("EA", "JMPF", "Ap", Branches::jmpFar).in(I64).endsBlock();
        t.row("9A", "CALLF", "Ap", Branches::callFar).in(I64).endsBlock();
        t.row("FF /5 mem", "JMPF", "Mp", Branches::jmpFarIndirect).endsBlock();
        t.row("FF /3 mem", "CALLF", "Mp", Branches::callFarIndirect).endsBlock();
        t.row("CA", "RETF", "Iw", Branches::retFar).endsBlock();
        t.row("CB", "RETF", "", Branches::retFar).endsBlock();
        t.row("CF", "IRET", "", Branches::iret).writes("oszapcd").endsBlock();
    }

    private static void interrupts(OpcodeTable t) {
        t.row("CC", "INT3", "", Branches::int3).endsBlock();
        t.row("CD", "INT", "Ib", Branches::interrupt).endsBlock();
        t.row("CE", "INTO", "", Branches::into).reads("o").in(I64).endsBlock();
        t.row("F1", "INT1", "", Branches::int1).endsBlock();
        t.row("62 mem", "BOUND", "Gv,Ma", Branches::bound).in(I64);
        t.row("0F 0B", "UD2", "", Branches::undefined).endsBlock();
        t.row("0F B9", "UD1", "Gv,Ev", Branches::undefined).endsBlock();
        t.row("0F FF", "UD0", "Gv,Ev", Branches::undefined).endsBlock();
    }
}
