package org.jkvm.x86.differential;

import java.util.HexFormat;
import org.jkvm.x86.isa.Feature;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Row;

/**
 * An instruction to be tried.
 *
 * @param row   of the opcode tables
 * @param bytes its encoding
 * @param insn  as the decoder sees it
 * @param form  in words: operand size, register or memory, prefixes
 */
record Candidate(Row row, byte[] bytes, Insn insn, String form) {
    /** Whether x87, MMX or SSE registers may take part: everything that a CPUID feature added. */
    boolean usesVectors() {
        return row.feature() != Feature.BASE;
    }

    @Override
    public String toString() {
        return row + " [" + HexFormat.ofDelimiter(" ").formatHex(bytes) + "] " + form;
    }
}
