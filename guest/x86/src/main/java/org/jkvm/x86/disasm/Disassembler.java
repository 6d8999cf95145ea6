package org.jkvm.x86.disasm;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.x86.isa.Decoder;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.OpcodeTable;
import org.jkvm.x86.isa.Operand;

/**
 * Turns machine code into Intel syntax as GNU's {@code objdump -M intel} writes it, from the same opcode tables that the
 * interpreter runs by. For the monitor, logs and tests; one thread at a time.
 */
public final class Disassembler {
    private static final int MNEMONIC_WIDTH = 6;
    private static final long EVERY_FEATURE = -1L;

    private final int bits;
    private final Decoder decoder = new Decoder(OpcodeTable.x86(), EVERY_FEATURE);

    /**
     * One instruction.
     *
     * @param address its linear address
     * @param length  in bytes, at least 1
     * @param text    the instruction, or "(bad)"
     */
    public record Line(long address, int length, String text) {
    }

    /** A disassembler of code of {@code bits} bits: 16, 32 or 64. */
    public Disassembler(int bits) {
        this.bits = bits;
    }

    /**
     * Disassembles the instruction at {@code code[start]}, which lies at {@code address}; looks no further than
     * {@code end}. What is no instruction, or not all there, is one bad byte.
     */
    public Line disassemble(byte[] code, int start, int end, long address) {
        Insn insn = new Insn();
        if (decoder.decode(code, start, end, bits, insn) != Decoder.Status.OK) {
            return new Line(address, 1, "(bad)");
        }
        return new Line(address, insn.length(), text(insn, address));
    }

    /** Disassembles {@code count} instructions, or as many as there are, from {@code code[0]} at {@code address}. */
    public List<Line> listing(byte[] code, long address, int count) {
        List<Line> lines = new ArrayList<>();
        int at = 0;
        while (at < code.length && lines.size() < count) {
            Line line = disassemble(code, at, code.length, address + at);
            lines.add(line);
            at += line.length();
        }
        return lines;
    }

    /** The text of an instruction that {@code decode} filled in with {@code start} 0. */
    private String text(Insn insn, long address) {
        OperandText operands = new OperandText(insn, address + insn.length());
        StringBuilder text = new StringBuilder();
        text.append(Prefixes.text(insn)).append(Mnemonics.text(insn, bits));
        String separator = " ".repeat(Math.max(1, MNEMONIC_WIDTH + 1 - text.length()));
        for (Operand operand : Mnemonics.shown(insn)) {
            text.append(separator).append(operands.text(operand));
            separator = ",";
        }
        if (insn.row.mnemonic().equals("XLAT")) {
            text.append(separator).append(operands.table());
        }
        if (insn.ripRelative && insn.memory()) {
            text.append("        # ").append(OperandText.hex(operands.ripTarget() & Bits.mask(64)));
        }
        return text.toString();
    }
}
