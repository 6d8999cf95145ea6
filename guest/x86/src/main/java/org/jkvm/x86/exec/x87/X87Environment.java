package org.jkvm.x86.exec.x87;

import org.jkvm.x86.fp.Float80;

/**
 * The seven words that FNSTENV, FNSAVE, FLDENV and FRSTOR move, in each of their four formats (SDM vol. 1, figures 8-9 to
 * 8-12). Holds the words while they are on their way; used by one thread.
 */
public final class X87Environment {
    /** Words in an environment. */
    public static final int WORDS = 7;
    /** What the unused upper half of a 32-bit word holds. */
    private static final int UPPER = 0xffff_0000;

    private final int[] words = new int[WORDS];
    private final Float80 scratch = new Float80();

    /** Word {@code index}; its low 16 bits in the 16-bit formats. */
    public int word(int index) {
        return words[index];
    }

    /** Sets word {@code index}, as read from memory. */
    public void setWord(int index, int value) {
        words[index] = value;
    }

    /** Fills the words from the registers, for an operand size of 32 bits ({@code wide}) or 16. */
    public void save(X87State state, boolean wide, boolean protectedMode) {
        int upper = wide ? UPPER : 0;
        words[0] = upper | state.control();
        words[1] = upper | state.status();
        words[2] = upper | state.fullTag(scratch);
        if (protectedMode) {
            saveProtected(state, wide);
        } else {
            saveReal(state, wide);
        }
    }

    private void saveProtected(X87State state, boolean wide) {
        int mask = wide ? -1 : 0xffff;
        words[3] = (int) state.instructionOffset() & mask;
        words[4] = wide ? state.opcode() << 16 | state.instructionSelector() : state.instructionSelector();
        words[5] = (int) state.operandOffset() & mask;
        words[6] = wide ? UPPER | state.operandSelector() : state.operandSelector();
    }

    /** Real-address and virtual-8086 mode store linear addresses. */
    private void saveReal(X87State state, boolean wide) {
        int upper = wide ? UPPER : 0;
        int instruction = (state.instructionSelector() << 4) + (int) state.instructionOffset();
        int operand = (state.operandSelector() << 4) + (int) state.operandOffset();
        words[3] = upper | instruction & 0xffff;
        words[4] = high(instruction, wide) | state.opcode();
        words[5] = upper | operand & 0xffff;
        words[6] = high(operand, wide);
    }

    /** Bits 31:16 (19:16 in the 16-bit format) of a linear address, in bits 27:12 (15:12). */
    private static int high(int linear, boolean wide) {
        return (wide ? linear >>> 16 : linear >>> 16 & 15) << 12;
    }

    /** Loads the registers from the words. */
    public void load(X87State state, boolean wide, boolean protectedMode) {
        if (protectedMode) {
            loadProtected(state, wide);
        } else {
            loadReal(state, wide);
        }
        state.setFullTag(words[2]);
        // The status word last: ES follows from the new masks.
        state.setControl(words[0]);
        state.setStatus(words[1] & 0xffff);
    }

    private void loadProtected(X87State state, boolean wide) {
        long mask = wide ? 0xffff_ffffL : 0xffff;
        state.setInstruction(wide ? words[4] >>> 16 : 0, words[4], words[3] & mask);
        state.setOperand(words[6], words[5] & mask);
    }

    private void loadReal(X87State state, boolean wide) {
        int mask = wide ? 0xffff : 15;
        state.setInstruction(words[4], 0, (words[4] >>> 12 & mask) << 16 & 0xffff_ffffL | words[3] & 0xffff);
        state.setOperand(0, (words[6] >>> 12 & mask) << 16 & 0xffff_ffffL | words[5] & 0xffff);
    }
}
