package org.jkvm.x86.translate;

import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Row;

/** What an instruction does to the arithmetic flags, from its row's declaration. */
final class Effects {
    private static final String ALL = "oszapc";

    private Effects() {
    }

    /** Whether it needs the flags as they were: reads some, leaves some, or may leave all (shifts by zero). */
    static boolean needsFlags(Insn i) {
        Row row = i.row;
        return !arithmetic(row.flagsRead()).isEmpty() || definesFlags(i) && (isPartial(row) || mayShiftByZero(i));
    }

    /** Whether it sets some. */
    static boolean definesFlags(Insn i) {
        return !arithmetic(i.row.flagsWritten()).isEmpty() || !i.row.flagsUndefined().isEmpty();
    }

    private static String arithmetic(String flags) {
        return flags.replace("d", "");
    }

    private static boolean isPartial(Row row) {
        return ALL.chars().anyMatch(f -> row.flagsWritten().indexOf(f) < 0 && row.flagsUndefined().indexOf(f) < 0);
    }

    private static boolean mayShiftByZero(Insn i) {
        return switch (i.row.mnemonic()) {
            case "SHL", "SAL", "SHR", "SAR", "SHLD", "SHRD" -> !hasCount(i) || (i.imm & (i.dstSize == 8 ? 63 : 31)) == 0;
            default -> false;
        };
    }

    private static boolean hasCount(Insn i) {
        return i.row.operands().stream().anyMatch(o -> o.method() == 'I' || o.method() == 'n');
    }
}
