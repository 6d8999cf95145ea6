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
 * @param carry   whether it reads or leaves at most CF, and sets all others
 */
record Effects(boolean reads, boolean defines, boolean partial, boolean shifts, boolean counted, boolean carry) {
    private static final String ALL = "oszapc";
    private static final Set<String> SHIFTS = Set.of("SHL", "SAL", "SHR", "SAR", "SHLD", "SHRD");
    /** What was found out already: the same for ever. */
    private static final Map<Row, Effects> KNOWN = new ConcurrentHashMap<>();

    /** Whether {@code i} needs the flags as they were: reads some, leaves some, or may leave all (shifts by zero). */
    static boolean needsFlags(Insn i) {
        Effects e = of(i.row);
        return e.reads || e.defines && (e.partial || e.mayShiftByZero(i));
    }

    /** Whether {@code i} reads some. */
    static boolean reads(Insn i) {
        return of(i.row).reads;
    }

    /** Whether all that {@code i} needs is CF: ADC, SBB, INC, DEC. */
    static boolean needsCarryOnly(Insn i) {
        return of(i.row).carry;
    }

    /** Whether {@code i} sets some; an undefined opcode does not. */
    static boolean definesFlags(Insn i) {
        return i.row != null && of(i.row).defines;
    }

    /** Whether {@code i} shifts by CL, and leaves the flags where that is zero. */
    static boolean shiftsByCl(Insn i) {
        Effects e = of(i.row);
        return e.shifts && !e.counted;
    }

    private static Effects of(Row row) {
        return KNOWN.computeIfAbsent(row, Effects::declared);
    }

    private static Effects declared(Row row) {
        String set = row.flagsWritten() + row.flagsUndefined();
        boolean partial = ALL.chars().anyMatch(f -> set.indexOf(f) < 0);
        boolean shifts = SHIFTS.contains(row.mnemonic());
        boolean carry = !shifts && ALL.chars().allMatch(f -> f == 'c' || set.indexOf(f) >= 0 && row.flagsRead().indexOf(f) < 0);
        boolean counted = row.operands().stream().anyMatch(o -> o.method() == 'I' || o.method() == 'n');
        return new Effects(isArithmetic(row.flagsRead()), isArithmetic(set), partial, shifts, counted, carry);
    }

    private static boolean isArithmetic(String flags) {
        return flags.chars().anyMatch(f -> ALL.indexOf(f) >= 0);
    }

    private boolean mayShiftByZero(Insn i) {
        return shifts && (!counted || (i.imm & (i.dstSize == 8 ? 63 : 31)) == 0);
    }
}
