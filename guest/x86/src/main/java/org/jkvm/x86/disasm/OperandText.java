package org.jkvm.x86.disasm;

import org.jkvm.base.Bits;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Operand;
import org.jkvm.x86.state.Segment;

/** Operands of one decoded instruction at one address as text. */
final class OperandText {
    private static final String[] BASE_INDEX_16 = {"bx+si", "bx+di", "bp+si", "bp+di", "si", "di", "bp", "bx"};

    private final Insn insn;
    private final long next;
    private boolean firstImmediate = true;

    /** {@code next} is the address of the instruction after it. */
    OperandText(Insn insn, long next) {
        this.insn = insn;
        this.next = next;
    }

    /** The operand's text; operands are to be asked for in order, for immediates. */
    String text(Operand operand) {
        int size = Mnemonics.size(insn, operand, operand.size(insn.operandSize, rexW(), insn.vexL));
        return switch (operand.method()) {
            case 'R' -> general(rm(), size);
            case 'E' -> insn.memory() ? memory(size) : general(rm(), size);
            case 'G' -> general(reg(), size);
            case 'Z', 'r' -> general(fixed(operand, size), size);
            case 'M', 'v' -> memory(size);
            case 'X' -> RegisterNames.pointer(size) + source() + ":[" + general(6, insn.addressSize) + "]";
            case 'Y' -> RegisterNames.pointer(size) + "es:[" + general(7, insn.addressSize) + "]";
            case 'I' -> immediate(operand, size);
            case 'J' -> hex(next + insn.imm & Bits.mask(8 * branchSize()));
            case 'A' -> hex(insn.imm2 & 0xffff) + ":" + hex(insn.imm);
            case 'O' -> source() + ":" + hex(insn.disp & Bits.mask(8 * insn.addressSize));
            case 'n' -> operand.text();
            case 'S' -> RegisterNames.segment(insn.reg());
            case 's' -> RegisterNames.segment(operand.number());
            case 'C' -> "cr" + (reg() + (insn.lock ? 8 : 0));
            case 'D' -> "dr" + reg();
            case 'B' -> general(insn.vvvv, size);
            case 'L' -> RegisterNames.vector((int) insn.imm >>> 4 & (insn.bits64 ? 15 : 7), size);
            case 'H' -> RegisterNames.vector(insn.vvvv, size);
            case 'V' -> RegisterNames.vector(reg(), size);
            case 'W', 'U' -> insn.memory() ? memory(size) : RegisterNames.vector(rm(), size);
            case 'P' -> "mm" + insn.reg();
            case 'Q', 'N' -> insn.memory() ? memory(size) : "mm" + insn.rm();
            case 'x' -> "xmm0";
            case 'f' -> operand.number() < 0 ? "st(" + insn.rm() + ")" : "st";
            default -> throw new IllegalStateException("operand " + operand.text());
        };
    }

    /** Hexadecimal as GNU writes it. */
    static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private boolean rexW() {
        return (insn.rex & 8) != 0;
    }

    private int reg() {
        return insn.reg() + ((insn.rex & 4) != 0 ? 8 : 0);
    }

    private int rm() {
        return insn.rm() + ((insn.rex & 1) != 0 ? 8 : 0);
    }

    private String general(int number, int size) {
        return RegisterNames.general(number, size == 0 ? insn.operandSize : size, insn.rex != 0);
    }

    /** The register in an opcode's low bits, or a row's fixed one (which REX.B does not touch). */
    private int fixed(Operand operand, int size) {
        if (operand.method() == 'r') {
            return operand.number();
        }
        return insn.row.code() & 7 | ((insn.rex & 1) != 0 ? 8 : 0);
    }

    private int branchSize() {
        return insn.bits64 ? 8 : insn.operandSize;
    }

    private String source() {
        return RegisterNames.segment(insn.override >= 0 ? insn.override : Segment.DS);
    }

    private String immediate(Operand operand, int size) {
        long value = firstImmediate ? insn.imm : insn.imm2;
        firstImmediate = false;
        boolean extended = operand.type().startsWith("s") || operand.type().equals("z");
        return hex(value & Bits.mask(8 * (extended ? insn.operandSize : size)));
    }

    /** XLAT's implied operand. */
    String table() {
        return "BYTE PTR " + source() + ":[" + general(3, insn.addressSize) + "]";
    }

    /** A memory operand of {@code size} bytes. */
    String memory(int size) {
        return RegisterNames.pointer(size) + override() + (insn.addressSize == 2 ? address16() : address());
    }

    private String override() {
        return insn.override >= 0 ? RegisterNames.segment(insn.override) + ":" : "";
    }

    private String address16() {
        int mod = insn.modrm >>> 6;
        if (mod == 0 && insn.rm() == 6) {
            return (insn.override < 0 ? "ds:" : "") + hex(insn.disp & 0xffff);
        }
        return "[" + BASE_INDEX_16[insn.rm()] + (mod == 0 ? "" : signed((short) insn.disp)) + "]";
    }

    private String address() {
        boolean sib = insn.rm() == 4;
        if (insn.ripRelative) {
            return "[" + (insn.addressSize == 8 ? "rip+" : "eip+") + hex(insn.disp - insn.end) + "]";
        }
        String index = index(sib);
        if (insn.baseNumber < 0 && index.isEmpty()) {
            return (insn.override < 0 ? "ds:" : "") + hex(insn.disp & insn.addressMask);
        }
        String base = insn.baseNumber < 0 ? "" : general(insn.baseNumber, insn.addressSize);
        String plus = base.isEmpty() || index.isEmpty() ? "" : "+";
        boolean displaced = insn.modrm >= 0x40 || insn.baseNumber < 0;
        return "[" + base + plus + index + (displaced ? signed(insn.disp) : "") + "]";
    }

    /** GNU names the absent index of a SIB byte, unless there is no shorter way to write the operand. */
    private String index(boolean sib) {
        if (insn.vsib >= 0) {
            boolean narrow = insn.row.vexW() == 1 && (insn.row.code() & 1) == 0; // Doublewords for quadwords.
            return RegisterNames.vector(insn.indexNumber, insn.vexL && !narrow ? 32 : 16) + "*" + (1 << insn.scale);
        }
        if (insn.indexNumber >= 0) {
            return general(insn.indexNumber, insn.addressSize) + "*" + (1 << insn.scale);
        }
        boolean needless = insn.baseNumber < 0 ? insn.bits64 : (insn.baseNumber & 7) == 4;
        boolean plain = !sib || insn.scale == 0 && needless;
        return plain ? "" : (insn.addressSize == 8 ? "riz*" : "eiz*") + (1 << insn.scale);
    }

    private static String signed(long displacement) {
        return displacement < 0 ? "-" + hex(-displacement) : "+" + hex(displacement);
    }

    /** Where a RIP-relative operand is. */
    long ripTarget() {
        return next + insn.disp - insn.end & insn.addressMask;
    }
}
