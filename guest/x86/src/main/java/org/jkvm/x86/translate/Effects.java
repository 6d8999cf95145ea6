package org.jkvm.x86.translate;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.isa.Row;

/**
 * What an instruction does to the arithmetic flags, from its row's declaration.
 *
 * @param reads   whether it reads some
 * @param defines whether it sets some
 * @param partial whether it leaves some as they are
 * @param shifts  whether it leaves all where its count is zero
 * @param counted whether that count is in the instruction
 */
record Effects(boolean reads, boolean defines, boolean partial, boolean shifts, boolean counted) {
    private static final String ALL = "oszapc";
    private static final Set<String> SHIFTS = Set.of("SHL", "SAL", "SHR", "SAR", "SHLD", "SHRD");
    /** What was found out already: the same for ever. */
    private static final Map<Row, Effects> KNOWN = new ConcurrentHashMap<>();

    /** Whether {@code i} needs the flags as they were: reads some, leaves some, or may leave all (shifts by zero). */
    static boolean needsFlags(Insn i) {
        Effects e = of(i.row);
        return e.reads || e.defines && (e.partial || e.mayShiftByZero(i));
    }

    /** Whether {@code i} sets some. */
    static boolean definesFlags(Insn i) {
        return of(i.row).defines;
    }

    private static Effects of(Row row) {
        return KNOWN.computeIfAbsent(row, Effects::declared);
    }

    private static Effects declared(Row row) {
        boolean partial = ALL.chars().anyMatch(f -> row.flagsWritten().indexOf(f) < 0 && row.flagsUndefined().indexOf(f) < 0);
        boolean counted = row.operands().stream().anyMatch(o -> o.method() == 'I' || o.method() == 'n');
        return new Effects(isArithmetic(row.flagsRead()), isArithmetic(row.flagsWritten() + row.flagsUndefined()), partial,
                SHIFTS.contains(row.mnemonic()), counted);
    }

    private static boolean isArithmetic(String flags) {
        return flags.chars().anyMatch(f -> ALL.indexOf(f) >= 0);
    }

    private boolean mayShiftByZero(Insn i) {
        return shifts && (!counted || (i.imm & (i.dstSize == 8 ? 63 : 31)) == 0);
    }
}
