package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.TEMP;

import java.util.Map;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Rm;
import org.jkvm.x64.Size;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/**
 * An executed instruction whose flags can be had again from the registers as it left them: a comparison is repeated, the result
 * of a logical operation tested, an addition taken back and done once more. That is cheaper than saving the flags of each
 * before the next memory access, after which nobody asks for most of them. Registers that are about to change are kept in
 * the struct for it; and what is shifted, of whose flags the result does not tell.
 */
final class FlagSource {
    private static final Map<String, Shift> SHIFTS = Map.of("SHL", Shift.SHL, "SHR", Shift.SHR, "SAR", Shift.SAR);

    private enum Way { COMPARE, TEST, TEST_RESULT, ADD, SUBTRACT, NEGATE, SHIFT }

    private final Insn i;
    private final Way way;
    /** Where the operands are in the struct; those of registers are where these are. */
    private final int left;
    private final int right;

    private FlagSource(Insn i, Way way, int left, int right) {
        this.i = i;
        this.way = way;
        this.left = left;
        this.right = right;
    }

    /** How to have the flags of {@code i} again, or null. */
    static FlagSource of(Insn i) {
        if (!isPlain(i.dst)) {
            return null;
        }
        Way way = switch (i.row.mnemonic()) {
            case "CMP" -> Way.COMPARE;
            case "TEST" -> Way.TEST;
            case "AND", "OR", "XOR" -> Way.TEST_RESULT;
            case "ADD" -> i.src == i.dst ? null : Way.ADD;
            case "SUB" -> i.src == i.dst ? null : Way.SUBTRACT;
            case "NEG" -> Way.NEGATE;
            default -> null;
        };
        boolean unary = way == Way.TEST_RESULT || way == Way.NEGATE;
        return way == null || !unary && i.src != Insn.IMM && !isPlain(i.src) ? null
                : new FlagSource(i, way, i.dst, unary ? Insn.IMM : i.src);
    }

    /** Whether {@code i} is a shift of a register by a number that is not zero. */
    static boolean isShift(Insn i) {
        return isPlain(i.dst) && SHIFTS.containsKey(i.row.mnemonic()) && !Effects.needsFlags(i);
    }

    /** Whether all it takes is registers as they are, and nothing kept. */
    boolean isOfRegisters() {
        return left < CpuState.FLAG_OPERANDS && right < CpuState.FLAG_OPERANDS;
    }

    /** Keeps what {@code i}, a shift, is about to shift. */
    static FlagSource beforeShift(Insn i, Assembler a) {
        return new FlagSource(i, Way.SHIFT, kept(a, i.dst, CpuState.FLAG_OPERANDS), Insn.IMM);
    }

    /** The same when the registers are about to change; uses TEMP. */
    FlagSource kept(Assembler a) {
        return new FlagSource(i, way, kept(a, left, CpuState.FLAG_OPERANDS), kept(a, right, CpuState.FLAG_OPERANDS + Long.BYTES));
    }

    private static int kept(Assembler a, int location, int field) {
        if (Writes.register(location) == 0) {
            return location;
        }
        a.mov(QWORD, HostRegisters.field(field), host(a, location));
        return field;
    }

    /** A general register that is not AH to BH. */
    private static boolean isPlain(int location) {
        return Writes.register(location) != 0 && (location & 7) == 0;
    }

    /** The registers that must stay as they are, a bit each. */
    int registers() {
        return Writes.register(left) | Writes.register(right);
    }

    /** Sets the host's flags; uses TEMP. */
    void write(Assembler a) {
        Size size = IntegerCode.size(i.dstSize);
        switch (way) {
            case COMPARE -> operation(a, Alu.CMP, size, host(a, left));
            case TEST -> test(a, size, host(a, left));
            case TEST_RESULT -> {
                Gpr result = host(a, left);
                a.test(size, result, result);
            }
            case ADD -> again(a, Alu.SUB, Alu.ADD, size);
            case SUBTRACT -> again(a, Alu.ADD, Alu.SUB, size);
            case NEGATE -> {
                copy(a);
                a.neg(size, TEMP);
                a.neg(size, TEMP);
            }
            case SHIFT -> {
                copy(a);
                a.shift(SHIFTS.get(i.row.mnemonic()), size, TEMP, (int) i.imm & (size == QWORD ? 63 : 31));
            }
        }
    }

    private void again(Assembler a, Alu back, Alu forth, Size size) {
        copy(a);
        operation(a, back, size, TEMP);
        operation(a, forth, size, TEMP);
    }

    private void copy(Assembler a) {
        Gpr result = host(a, left);
        if (result != TEMP) {
            a.mov(QWORD, TEMP, result);
        }
    }

    private void operation(Assembler a, Alu operation, Size size, Gpr to) {
        if (right == Insn.IMM) {
            a.alu(operation, size, to, immediate(size));
        } else if (rm(right) instanceof Gpr register) {
            a.alu(operation, size, to, register);
        } else {
            a.alu(operation, size, to, HostRegisters.field(right));
        }
    }

    private void test(Assembler a, Size size, Gpr with) {
        if (right == Insn.IMM) {
            a.test(size, with, immediate(size));
        } else {
            a.test(size, rm(right), with);
        }
    }

    private int immediate(Size size) {
        return switch (size) {
            case BYTE -> (byte) i.imm;
            case WORD -> (short) i.imm;
            default -> (int) i.imm;
        };
    }

    /** The register's holder; one of the struct is loaded into TEMP. */
    private static Gpr host(Assembler a, int location) {
        if (rm(location) instanceof Gpr register) {
            return register;
        }
        a.mov(QWORD, TEMP, HostRegisters.field(location));
        return TEMP;
    }

    private static Rm rm(int location) {
        Gpr register = Writes.register(location) == 0 ? null : HostRegisters.of(location - CpuState.GENERAL >> 3);
        return register == null ? HostRegisters.field(location) : register;
    }
}
