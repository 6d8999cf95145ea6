package org.jkvm.x86.disasm;

import org.jkvm.x86.isa.Insn;

/** Prefixes that are written before the mnemonic. */
final class Prefixes {
    private static final int REPNE = 0xf2;

    private Prefixes() {
    }

    static String text(Insn insn) {
        StringBuilder text = new StringBuilder();
        if (insn.lock && !insn.row.mnemonic().equals("MOV")) {
            text.append("lock ");
        }
        if (insn.rep != 0 && insn.row.mandatoryPrefix() != insn.rep) {
            text.append(repeat(insn)).append(' ');
        }
        return text.toString();
    }

    private static String repeat(Insn insn) {
        String name = insn.row.mnemonic();
        boolean compares = name.startsWith("CMPS") || name.startsWith("SCAS");
        if (insn.rep == REPNE) {
            return insn.row.isBlockEnd() ? "bnd" : "repnz";
        }
        return Mnemonics.isString(insn) && !compares ? "rep" : "repz";
    }
}
