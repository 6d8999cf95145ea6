package org.jkvm.x86.translate;

import java.util.Set;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/**
 * A memory access of an instruction in 64-bit code.
 *
 * @param key   the registers that its address is made of
 * @param disp  displacement
 * @param size  bytes
 * @param write whether it writes
 */
record Access(Key key, int disp, int size, boolean write) {
    private static final int RSP = 4;
    private static final int RBP = 5;
    private static final int NONE = -1;
    private static final Key STACK = new Key(CpuState.ZERO, RSP, NONE, 0);
    private static final Key FRAME = new Key(CpuState.ZERO, RBP, NONE, 0);
    /** Eight bytes onto the stack. */
    static final Access PUSHED = new Access(STACK, -8, 8, true);
    /** Eight bytes from the stack. */
    static final Access POPPED = new Access(STACK, 0, 8, false);
    /** Eight bytes where RBP points. */
    static final Access FRAMED = new Access(FRAME, 0, 8, false);
    /** Instructions with an operand in memory that they do not touch. */
    private static final Set<String> NO_ACCESS = Set.of("LEA", "NOP", "PREFETCH", "PREFETCHW");
    /** What has recipe {@link Recipe#CUSTOM} and a memory operand of its own size; the second set reads it only. */
    private static final Set<String> CUSTOM = Set.of("MOV", "XCHG", "INC", "DEC", "IMUL", "DIV", "IDIV", "PUSH", "CALL", "JMP");
    private static final Set<String> READING = Set.of("IMUL", "DIV", "IDIV", "PUSH", "CALL", "JMP");

    /**
     * What addresses are relative to.
     *
     * @param segmentBase offset of the segment's base in the struct
     * @param base        number of the base register, or -1
     * @param index       number of the index register, or -1
     * @param scale       shift of the index
     */
    record Key(int segmentBase, int base, int index, int scale) {
        /** {@link #equals}, without what that takes to start. */
        boolean same(Key other) {
            return base == other.base && index == other.index && scale == other.scale && segmentBase == other.segmentBase;
        }
    }

    /** Whether {@code i} has an operand in memory and touches it. */
    static boolean happens(Insn i) {
        return PassThrough.usesMemory(i) && !NO_ACCESS.contains(i.row.mnemonic());
    }

    /** Whether the address of {@code i}'s memory operand in 64-bit code is a constant, or one from where {@code i} is. */
    static boolean isFixed(Insn i) {
        return i.segmentBase == CpuState.ZERO && i.vsib == Insn.NONE
                && (i.ripRelative || i.baseNumber < 0 && i.indexNumber < 0);
    }

    /** The key of {@code i}'s memory operand; null where it has none that others could share. */
    static Key key(Insn i) {
        boolean shareable = i.bits64 && i.addressSize == 8 && !i.ripRelative && i.vsib == Insn.NONE && i.disp == (int) i.disp
                && (i.baseNumber >= 0 || i.indexNumber >= 0 || i.segmentBase != CpuState.ZERO);
        return shareable ? new Key(i.segmentBase, i.baseNumber, i.indexNumber, i.indexNumber < 0 ? 0 : i.scale) : null;
    }

    /** The operand of {@code i}, or null. */
    static Access operand(Insn i, Recipe recipe) {
        if (recipe == Recipe.LEAVE || !happens(i)) {
            return null;
        }
        Key key = key(i);
        if (key == null || recipe == Recipe.CUSTOM && !CUSTOM.contains(i.row.mnemonic())) {
            return null;
        }
        boolean write = i.dst == Insn.MEM && recipe != Recipe.READ && !READING.contains(i.row.mnemonic());
        return new Access(key, (int) i.disp, PassThrough.memorySize(i), write);
    }

    /** What {@code i} pushes or pops, or null. */
    static Access stack(Insn i, Recipe recipe) {
        if (recipe != Recipe.CUSTOM || !i.bits64 || i.operandSize != 8) {
            return null;
        }
        return switch (i.row.mnemonic()) {
            case "PUSH", "PUSHF", "CALL" -> PUSHED;
            case "POP", "POPF", "RET" -> POPPED;
            case "LEAVE" -> FRAMED;
            default -> null;
        };
    }
}
