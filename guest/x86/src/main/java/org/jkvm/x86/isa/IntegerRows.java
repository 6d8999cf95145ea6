package org.jkvm.x86.isa;

import static org.jkvm.x86.isa.Row.Mode.D64;
import static org.jkvm.x86.isa.Row.Mode.I64;
import static org.jkvm.x86.isa.Row.Mode.O64;

import org.jkvm.x86.exec.Alu;
import org.jkvm.x86.exec.BitOps;
import org.jkvm.x86.exec.Moves;
import org.jkvm.x86.exec.Multiply;
import org.jkvm.x86.exec.Shifts;
import org.jkvm.x86.exec.Strings;

/** Rows of the general-purpose instructions that compute and move (SDM vol. 2D, tables ). */
final class IntegerRows {
    private static final String ALL = "oszapc";

    private IntegerRows() {
    }

    static void declare(OpcodeTable t) {
        arithmetic(t);
        groups(t);
        multiplication(t);
        shifts(t);
        bits(t);
        moves(t);
        stack(t);
        conversions(t);
        strings(t);
        nops(t);
    }

    // ---- two-operand arithmetic ----

    private static void arithmetic(OpcodeTable t) {
        binary(t, 0, "ADD", "", true, Alu::add);
        binary(t, 1, "OR", "", false, Alu::or);
        binary(t, 2, "ADC", "c", true, Alu::adc);
        binary(t, 3, "SBB", "c", true, Alu::sbb);
        binary(t, 4, "AND", "", false, Alu::and);
        binary(t, 5, "SUB", "", true, Alu::sub);
        binary(t, 6, "XOR", "", false, Alu::xor);
        binary(t, 7, "CMP", "", true, Alu::cmp);
        t.row("84", "TEST", "Eb,Gb", Alu::test).writes("oszpc").undefined("a");
        t.row("85", "TEST", "Ev,Gv", Alu::test).writes("oszpc").undefined("a");
        t.row("A8", "TEST", "AL,Ib", Alu::test).writes("oszpc").undefined("a");
        t.row("A9", "TEST", "rAX,Iz", Alu::test).writes("oszpc").undefined("a");
    }

    /** The six columns of table A-2 and the four of group 1. */
    private static void binary(OpcodeTable t, int number, String name, String reads, boolean aux, Handler h) {
        int base = 8 * number;
        String[] forms = {"Eb,Gb", "Ev,Gv", "Gb,Eb", "Gv,Ev", "AL,Ib", "rAX,Iz"};
        for (int n = 0; n < forms.length; n++) {
            flags(t.row(OpcodeText.hex(base + n), name, forms[n], h), reads, aux, n < 2 && number < 7);
        }
        flags(t.row("80 /" + number, name, "Eb,Ib", h), reads, aux, number < 7);
        flags(t.row("81 /" + number, name, "Ev,Iz", h), reads, aux, number < 7);
        flags(t.row("82 /" + number, name, "Eb,Ib", h).in(I64), reads, aux, number < 7);
        flags(t.row("83 /" + number, name, "Ev,sIb", h), reads, aux, number < 7);
    }

    private static void flags(Row row, String reads, boolean aux, boolean lock) {
        row.reads(reads).writes(aux ? ALL : "oszpc").undefined(aux ? "" : "a");
        if (lock) {
            row.lockable();
        }
    }

    // ---- one operand, exchange ----

    private static void groups(OpcodeTable t) {
        t.row("F6 /0", "TEST", "Eb,Ib", Alu::test).writes("oszpc").undefined("a");
        t.row("F6 /1", "TEST", "Eb,Ib", Alu::test).writes("oszpc").undefined("a");
        t.row("F7 /0", "TEST", "Ev,Iz", Alu::test).writes("oszpc").undefined("a");
        t.row("F7 /1", "TEST", "Ev,Iz", Alu::test).writes("oszpc").undefined("a");
        t.row("F6 /2", "NOT", "Eb", Alu::not).lockable();
        t.row("F7 /2", "NOT", "Ev", Alu::not).lockable();
        t.row("F6 /3", "NEG", "Eb", Alu::neg).writes(ALL).lockable();
        t.row("F7 /3", "NEG", "Ev", Alu::neg).writes(ALL).lockable();
        t.row("FE /0", "INC", "Eb", Alu::inc).writes("oszap").lockable();
        t.row("FF /0", "INC", "Ev", Alu::inc).writes("oszap").lockable();
        t.row("FE /1", "DEC", "Eb", Alu::dec).writes("oszap").lockable();
        t.row("FF /1", "DEC", "Ev", Alu::dec).writes("oszap").lockable();
        for (int n = 0; n < 8; n++) {
            t.row(OpcodeText.hex(0x40 + n), "INC", "Zv", Alu::inc).writes("oszap").in(I64);
            t.row(OpcodeText.hex(0x48 + n), "DEC", "Zv", Alu::dec).writes("oszap").in(I64);
        }
        t.row("0F C0", "XADD", "Eb,Gb", Alu::xadd).writes(ALL).lockable();
        t.row("0F C1", "XADD", "Ev,Gv", Alu::xadd).writes(ALL).lockable();
        t.row("0F B0", "CMPXCHG", "Eb,Gb", Alu::cmpxchg).writes(ALL).lockable();
        t.row("0F B1", "CMPXCHG", "Ev,Gv", Alu::cmpxchg).writes(ALL).lockable();
        t.row("0F C7 /1 mem", "CMPXCHG8B", "M", Alu::cmpxchgPair).writes("z").needs(Feature.CX8).lockable();
        t.row("86", "XCHG", "Eb,Gb", Alu::xchg).lockable();
        t.row("87", "XCHG", "Ev,Gv", Alu::xchg).lockable();
    }

    private static void multiplication(OpcodeTable t) {
        t.row("F6 /4", "MUL", "Eb", Multiply::mul).writes("oc").undefined("szap");
        t.row("F7 /4", "MUL", "Ev", Multiply::mul).writes("oc").undefined("szap");
        t.row("F6 /5", "IMUL", "Eb", Multiply::imul1).writes("oc").undefined("szap");
        t.row("F7 /5", "IMUL", "Ev", Multiply::imul1).writes("oc").undefined("szap");
        t.row("0F AF", "IMUL", "Gv,Ev", Multiply::imul2).writes("oc").undefined("szap");
        t.row("69", "IMUL", "Gv,Ev,Iz", Multiply::imul3).writes("oc").undefined("szap");
        t.row("6B", "IMUL", "Gv,Ev,sIb", Multiply::imul3).writes("oc").undefined("szap");
        t.row("F6 /6", "DIV", "Eb", Multiply::div).undefined(ALL);
        t.row("F7 /6", "DIV", "Ev", Multiply::div).undefined(ALL);
        t.row("F6 /7", "IDIV", "Eb", Multiply::idiv).undefined(ALL);
        t.row("F7 /7", "IDIV", "Ev", Multiply::idiv).undefined(ALL);
        t.row("27", "DAA", "", Multiply::daa).reads("ac").writes("szapc").undefined("o").in(I64);
        t.row("2F", "DAS", "", Multiply::das).reads("ac").writes("szapc").undefined("o").in(I64);
        t.row("37", "AAA", "", Multiply::aaa).reads("a").writes("ac").undefined("oszp").in(I64);
        t.row("3F", "AAS", "", Multiply::aas).reads("a").writes("ac").undefined("oszp").in(I64);
        t.row("D4", "AAM", "Ib", Multiply::aam).writes("szp").undefined("oac").in(I64);
        t.row("D5", "AAD", "Ib", Multiply::aad).writes("szp").undefined("oac").in(I64);
    }

    // ---- shifts and bits ----

    private static void shifts(OpcodeTable t) {
        Handler[] handlers = {Shifts::rol, Shifts::ror, Shifts::rcl, Shifts::rcr, Shifts::shl, Shifts::shr, Shifts::shl,
            Shifts::sar};
        String[] names = {"ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAL", "SAR"};
        String[][] forms = {{"C0", "Eb,Ib"}, {"C1", "Ev,Ib"}, {"D0", "Eb,1"}, {"D1", "Ev,1"}, {"D2", "Eb,CL"},
            {"D3", "Ev,CL"}};
        for (int n = 0; n < 8; n++) {
            for (String[] form : forms) {
                Row row = t.row(form[0] + " /" + n, names[n], form[1], handlers[n]);
                row.reads(n == 2 || n == 3 ? "c" : "").writes(n < 4 ? "oc" : "oszpc").undefined(n < 4 ? "" : "a");
            }
        }
        t.row("0F A4", "SHLD", "Ev,Gv,Ib", Shifts::shld).writes("oszpc").undefined("a");
        t.row("0F A5", "SHLD", "Ev,Gv,CL", Shifts::shld).writes("oszpc").undefined("a");
        t.row("0F AC", "SHRD", "Ev,Gv,Ib", Shifts::shrd).writes("oszpc").undefined("a");
        t.row("0F AD", "SHRD", "Ev,Gv,CL", Shifts::shrd).writes("oszpc").undefined("a");
    }

    private static void bits(OpcodeTable t) {
        t.row("0F A3", "BT", "Ev,Gv", BitOps::bt).writes("c").undefined("osap");
        t.row("0F AB", "BTS", "Ev,Gv", BitOps::bts).writes("c").undefined("osap").lockable();
        t.row("0F B3", "BTR", "Ev,Gv", BitOps::btr).writes("c").undefined("osap").lockable();
        t.row("0F BB", "BTC", "Ev,Gv", BitOps::btc).writes("c").undefined("osap").lockable();
        t.row("0F BA /4", "BT", "Ev,Ib", BitOps::bt).writes("c").undefined("osap");
        t.row("0F BA /5", "BTS", "Ev,Ib", BitOps::bts).writes("c").undefined("osap").lockable();
        t.row("0F BA /6", "BTR", "Ev,Ib", BitOps::btr).writes("c").undefined("osap").lockable();
        t.row("0F BA /7", "BTC", "Ev,Ib", BitOps::btc).writes("c").undefined("osap").lockable();
        t.row("0F BC", "BSF", "Gv,Ev", BitOps::bsf).writes("z").undefined("osapc");
        t.row("0F BD", "BSR", "Gv,Ev", BitOps::bsr).writes("z").undefined("osapc");
        t.row("F3 0F BC", "TZCNT", "Gv,Ev", BitOps::tzcnt).writes("zc").undefined("osap").needs(Feature.BMI1);
        t.row("F3 0F BD", "LZCNT", "Gv,Ev", BitOps::lzcnt).writes("zc").undefined("osap").needs(Feature.LZCNT);
        t.row("F3 0F B8", "POPCNT", "Gv,Ev", BitOps::popcnt).writes(ALL).needs(Feature.POPCNT);
        t.row("0F 38 F0 mem", "MOVBE", "Gv,Mv", BitOps::movbe).needs(Feature.MOVBE);
        t.row("0F 38 F1 mem", "MOVBE", "Mv,Gv", BitOps::movbe).needs(Feature.MOVBE);
        t.row("F2 0F 38 F0", "CRC32", "Gy,Eb", BitOps::crc32).needs(Feature.SSE4_2);
        t.row("F2 0F 38 F1", "CRC32", "Gy,Ev", BitOps::crc32).needs(Feature.SSE4_2);
        t.row("66 0F 38 F6", "ADCX", "Gy,Ey", BitOps::adcx).reads("c").writes("c").needs(Feature.ADX);
        t.row("F3 0F 38 F6", "ADOX", "Gy,Ey", BitOps::adox).reads("o").writes("o").needs(Feature.ADX);
        String[] reads = {"o", "o", "c", "c", "z", "z", "zc", "zc", "s", "s", "p", "p", "so", "so", "szo", "szo"};
        for (int n = 0; n < 16; n++) {
            t.row("0F " + OpcodeText.hex(0x90 + n), "SET" + ControlRows.CONDITIONS[n], "Eb", BitOps::setcc).reads(reads[n]);
            t.row("0F " + OpcodeText.hex(0x40 + n), "CMOV" + ControlRows.CONDITIONS[n], "Gv,Ev", BitOps::cmov).reads(reads[n])
                    .needs(Feature.CMOV);
        }
        for (int n = 0; n < 8; n++) {
            t.row("0F " + OpcodeText.hex(0xc8 + n), "BSWAP", "Zv", BitOps::bswap);
        }
    }

    // ---- moves ----

    private static void moves(OpcodeTable t) {
        t.row("88", "MOV", "Eb,Gb", Moves::mov);
        t.row("89", "MOV", "Ev,Gv", Moves::mov);
        t.row("8A", "MOV", "Gb,Eb", Moves::mov);
        t.row("8B", "MOV", "Gv,Ev", Moves::mov);
        t.row("8C", "MOV", "Ev,Sw", Moves::movFromSegment);
        t.row("8E", "MOV", "Sw,Ew", Moves::movToSegment).endsBlock();
        t.row("A0", "MOV", "AL,Ob", Moves::mov);
        t.row("A1", "MOV", "rAX,Ov", Moves::mov);
        t.row("A2", "MOV", "Ob,AL", Moves::mov);
        t.row("A3", "MOV", "Ov,rAX", Moves::mov);
        t.row("C6 /0", "MOV", "Eb,Ib", Moves::mov);
        t.row("C7 /0", "MOV", "Ev,Iz", Moves::mov);
        t.row("8D mem", "LEA", "Gv,M", Moves::lea);
        t.row("0F B6", "MOVZX", "Gv,Eb", Moves::movzx);
        t.row("0F B7", "MOVZX", "Gv,Ew", Moves::movzx);
        t.row("0F BE", "MOVSX", "Gv,Eb", Moves::movsx);
        t.row("0F BF", "MOVSX", "Gv,Ew", Moves::movsx);
        t.row("63", "MOVSXD", "Gv,Ez", Moves::movsx).in(O64);
        t.row("D7", "XLAT", "", Moves::xlat);
        t.row("NP 0F C3 mem", "MOVNTI", "My,Gy", Moves::mov).needs(Feature.SSE2);
        for (int n = 0; n < 8; n++) {
            t.row(OpcodeText.hex(0xb0 + n), "MOV", "Zb,Ib", Moves::mov);
            t.row(OpcodeText.hex(0xb8 + n), "MOV", "Zv,Iv", Moves::mov);
            t.row(OpcodeText.hex(0x90 + n), n == 0 ? "NOP" : "XCHG", "Zv,rAX", n == 0 ? Alu::nop : Alu::xchg);
        }
        t.row("C4 mem", "LES", "Gv,Mp", Moves::les).in(I64);
        t.row("C5 mem", "LDS", "Gv,Mp", Moves::lds).in(I64);
        t.row("0F B2 mem", "LSS", "Gv,Mp", Moves::lss).endsBlock();
        t.row("0F B4 mem", "LFS", "Gv,Mp", Moves::lfs);
        t.row("0F B5 mem", "LGS", "Gv,Mp", Moves::lgs);
    }

    private static void stack(OpcodeTable t) {
        for (int n = 0; n < 8; n++) {
            t.row(OpcodeText.hex(0x50 + n), "PUSH", "Zv", Moves::push).in(D64);
            t.row(OpcodeText.hex(0x58 + n), "POP", "Zv", Moves::pop).in(D64);
        }
        t.row("68", "PUSH", "Iz", Moves::push).in(D64);
        t.row("6A", "PUSH", "sIb", Moves::push).in(D64);
        t.row("FF /6", "PUSH", "Ev", Moves::push).in(D64);
        t.row("8F /0", "POP", "Ev", Moves::pop).in(D64);
        t.row("06", "PUSH", "ES", Moves::pushSegment).in(I64);
        t.row("0E", "PUSH", "CS", Moves::pushSegment).in(I64);
        t.row("16", "PUSH", "SS", Moves::pushSegment).in(I64);
        t.row("1E", "PUSH", "DS", Moves::pushSegment).in(I64);
        t.row("0F A0", "PUSH", "FS", Moves::pushSegment).in(D64);
        t.row("0F A8", "PUSH", "GS", Moves::pushSegment).in(D64);
        t.row("07", "POP", "ES", Moves::popSegment).in(I64);
        t.row("17", "POP", "SS", Moves::popSegment).in(I64).endsBlock();
        t.row("1F", "POP", "DS", Moves::popSegment).in(I64);
        t.row("0F A1", "POP", "FS", Moves::popSegment).in(D64);
        t.row("0F A9", "POP", "GS", Moves::popSegment).in(D64);
        t.row("60", "PUSHA", "", Moves::pusha).in(I64);
        t.row("61", "POPA", "", Moves::popa).in(I64);
        t.row("9C", "PUSHF", "", Moves::pushf).reads("oszapcd").in(D64);
        t.row("9D", "POPF", "", Moves::popf).writes("oszapcd").in(D64).endsBlock();
        t.row("C8", "ENTER", "Iw,Ib", Moves::enter).in(D64);
        t.row("C9", "LEAVE", "", Moves::leave).in(D64);
    }

    private static void conversions(OpcodeTable t) {
        t.row("98", "CBW", "", Moves::cbw);
        t.row("99", "CWD", "", Moves::cwd);
        t.row("9E", "SAHF", "", Moves::sahf).writes("szapc");
        t.row("9F", "LAHF", "", Moves::lahf).reads("szapc");
        t.row("F5", "CMC", "", Moves::cmc).reads("c").writes("c");
        t.row("F8", "CLC", "", Moves::clc).writes("c");
        t.row("F9", "STC", "", Moves::stc).writes("c");
        t.row("FC", "CLD", "", Moves::cld).writes("d");
        t.row("FD", "STD", "", Moves::std).writes("d");
        t.row("D6", "SALC", "", Moves::salc).reads("c").in(I64);
    }

    private static void strings(OpcodeTable t) {
        t.row("A4", "MOVS", "Yb,Xb", Strings::movs).reads("d").endsBlock();
        t.row("A5", "MOVS", "Yv,Xv", Strings::movs).reads("d").endsBlock();
        t.row("A6", "CMPS", "Xb,Yb", Strings::cmps).reads("d").writes(ALL).endsBlock();
        t.row("A7", "CMPS", "Xv,Yv", Strings::cmps).reads("d").writes(ALL).endsBlock();
        t.row("AA", "STOS", "Yb,AL", Strings::stos).reads("d").endsBlock();
        t.row("AB", "STOS", "Yv,rAX", Strings::stos).reads("d").endsBlock();
        t.row("AC", "LODS", "AL,Xb", Strings::lods).reads("d").endsBlock();
        t.row("AD", "LODS", "rAX,Xv", Strings::lods).reads("d").endsBlock();
        t.row("AE", "SCAS", "AL,Yb", Strings::scas).reads("d").writes(ALL).endsBlock();
        t.row("AF", "SCAS", "rAX,Yv", Strings::scas).reads("d").writes(ALL).endsBlock();
    }

    private static void nops(OpcodeTable t) {
        t.row("F3 90", "PAUSE", "Zv,rAX", Alu::nop);
        for (int code = 0x18; code <= 0x1f; code++) {
            t.row("0F " + OpcodeText.hex(code), code == 0x18 ? "PREFETCH" : "NOP", "Ev", Moves::nop);
        }
        t.row("0F 0D mem", "PREFETCHW", "Ev", Moves::nop);
    }
}
