package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.slot;

import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Rm;
import org.jkvm.x64.Size;
import org.jkvm.x86.isa.Insn;

/**
 * An executed instruction whose flags can be had again from the registers as it left them: a comparison is repeated, the result
 * of a logical operation tested, an addition taken back and done once more. That is cheaper than saving the flags of each
 * before the next memory access, after which nobody asks for most of them.
 */
final class FlagSource {
    private enum Way { COMPARE, TEST, TEST_RESULT, ADD, SUBTRACT, NEGATE }

    private final Insn i;
    private final Way way;

    private FlagSource(Insn i, Way way) {
        this.i = i;
        this.way = way;
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
        return way == null || !unary && i.src != Insn.IMM && !isPlain(i.src) ? null : new FlagSource(i, way);
    }

    /** A general register that is not AH to BH. */
    private static boolean isPlain(int location) {
        return Writes.register(location) != 0 && (location & 7) == 0;
    }

    /** The registers that must stay as they are, a bit each. */
    int registers() {
        return Writes.register(i.dst) | (way == Way.TEST_RESULT || way == Way.NEGATE ? 0 : Writes.register(i.src));
    }

    /** Sets the host's flags; uses TEMP. */
    void write(Assembler a) {
        Size size = IntegerCode.size(i.dstSize);
        switch (way) {
            case COMPARE -> operation(a, Alu.CMP, size, host(a, i.dst));
            case TEST -> test(a, size, host(a, i.dst));
            case TEST_RESULT -> {
                Gpr result = host(a, i.dst);
                a.test(size, result, result);
            }
            case ADD -> again(a, Alu.SUB, Alu.ADD, size);
            case SUBTRACT -> again(a, Alu.ADD, Alu.SUB, size);
            case NEGATE -> {
                copy(a);
                a.neg(size, TEMP);
                a.neg(size, TEMP);
            }
        }
    }

    private void again(Assembler a, Alu back, Alu forth, Size size) {
        copy(a);
        operation(a, back, size, TEMP);
        operation(a, forth, size, TEMP);
    }

    private void copy(Assembler a) {
        Gpr result = host(a, i.dst);
        if (result != TEMP) {
            a.mov(QWORD, TEMP, result);
        }
    }

    private void operation(Assembler a, Alu operation, Size size, Gpr left) {
        if (i.src == Insn.IMM) {
            a.alu(operation, size, left, immediate(size));
        } else if (rm(i.src) instanceof Gpr right) {
            a.alu(operation, size, left, right);
        } else {
            a.alu(operation, size, left, slot(number(i.src)));
        }
    }

    private void test(Assembler a, Size size, Gpr left) {
        if (i.src == Insn.IMM) {
            a.test(size, left, immediate(size));
        } else {
            a.test(size, rm(i.src), left);
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
        a.mov(QWORD, TEMP, slot(number(location)));
        return TEMP;
    }

    private static Rm rm(int location) {
        Gpr register = HostRegisters.of(number(location));
        return register == null ? slot(number(location)) : register;
    }

    private static int number(int location) {
        return location >> 3;
    }
}
