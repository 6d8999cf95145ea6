package org.jkvm.x64;

/**
 * x86-64 instructions by their names in the Intel SDM vol. 2, destination first. The operand size is the first argument
 * where an instruction has several; a register is written {@link Gpr#RAX} at every size, and {@link HighByte} is the rest.
 * The families of instructions are the superclasses. Not thread-safe.
 */
public final class Assembler extends ControlInstructions {
    /** Starts at host address {@code origin}, where {@link #toByteArray} will be placed. */
    public Assembler(long origin) {
        super(origin);
    }

    /**
     * Writes a decoded instruction with other operands: its ModRM.reg comes from {@code instruction}, its ModRM.rm is
     * {@code rm}. Registers of other kinds (MMX, x87, control) are named by the {@link Gpr} with their number.
     *
     * @throws IllegalArgumentException when the operands need a REX prefix that the instruction cannot have
     */
    public void encode(Reencoding instruction, Rm rm) {
        if (instruction.isVex()) {
            vex(instruction.vexOpcode(), instruction.reg(), instruction.vvvv(), rm, instruction.immediateBytes());
        } else {
            lockIfSo(instruction);
            int rex = rex(instruction, rexR(instruction.reg()) | rexXb(rm));
            modRm(instruction.legacyPrefix(), rex, instruction.opcodeWithEscape(), instruction.reg(), rm,
                    instruction.immediateBytes());
        }
        immediate(instruction.immediate(), instruction.immediateBytes());
    }

    /** Writes a decoded instruction that has no ModRM byte and no register in its opcode. */
    public void encode(Reencoding instruction) {
        lockIfSo(instruction);
        prefixes(instruction.legacyPrefix(), rex(instruction, 0), instruction.opcodeWithEscape());
        immediate(instruction.immediate(), instruction.immediateBytes());
    }

    /** Writes a decoded instruction whose opcode's low three bits name a register, with {@code register} there. */
    public void encodeInOpcode(Reencoding instruction, Gpr register) {
        lockIfSo(instruction);
        int rex = rex(instruction, register.number() >> 3);
        opcodeReg(instruction.legacyPrefix(), rex, instruction.opcodeWithEscape() & ~7, register);
        immediate(instruction.immediate(), instruction.immediateBytes());
    }

    private void lockIfSo(Reencoding instruction) {
        if (instruction.has(Reencoding.LOCK)) {
            lock();
        }
    }

    private static int rex(Reencoding instruction, int rxb) {
        int rex = rxb | (instruction.w() ? 8 : 0);
        return switch (instruction.rex()) {
            case AS_NEEDED -> rex;
            case ALWAYS -> rex | 0x40;
            case NEVER -> {
                if (rex != 0) {
                    throw new IllegalArgumentException("AH, CH, DH or BH beside an operand that needs REX: " + instruction);
                }
                yield 0;
            }
        };
    }
}
