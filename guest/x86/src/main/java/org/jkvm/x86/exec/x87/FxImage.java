package org.jkvm.x86.exec.x87;

import org.jkvm.x86.fp.Float80;

/**
 * The x87 part of the FXSAVE and XSAVE legacy area, as little-endian 8-byte words: words 0 to 2 and, for ST(0) to ST(7),
 * 4 to 19 (SDM vol. 1, table 10-2 and 13.4.1). Word 3 is MXCSR's, 20 on are the XMM registers'. Used by one thread.
 */
public final class FxImage {
    /** Words that {@link #save} fills and {@link #load} reads; word 3 is left alone. */
    public static final int WORDS = 20;
    private static final int REGISTERS = 4;
    private static final long LOW = 0xffff_ffffL;

    private final Float80 scratch = new Float80();

    /**
     * Fills {@code words} from the registers.
     *
     * @param wide with REX.W: 64-bit pointers and no selectors
     */
    public void save(X87State state, long[] words, boolean wide) {
        words[0] = state.control() | (long) state.status() << 16 | (long) state.valid() << 32 | (long) state.opcode() << 48;
        words[1] = pointer(state.instructionOffset(), state.instructionSelector(), wide);
        words[2] = pointer(state.operandOffset(), state.operandSelector(), wide);
        for (int i = 0; i < 8; i++) {
            state.load(i, scratch);
            words[REGISTERS + 2 * i] = scratch.significand();
            words[REGISTERS + 2 * i + 1] = scratch.signExponent();
        }
    }

    private static long pointer(long offset, int selector, boolean wide) {
        return wide ? offset : offset & LOW | (long) selector << 32;
    }

    /**
     * Loads the registers from {@code words}.
     *
     * @param wide with REX.W: 64-bit pointers and no selectors
     */
    public void load(X87State state, long[] words, boolean wide) {
        state.setControl((int) words[0] & 0xffff);
        state.setStatus((int) (words[0] >>> 16) & 0xffff);
        state.setValid((int) (words[0] >>> 32) & 0xff);
        state.setInstruction((int) (words[0] >>> 48), wide ? 0 : (int) (words[1] >>> 32), wide ? words[1] : words[1] & LOW);
        state.setOperand(wide ? 0 : (int) (words[2] >>> 32), wide ? words[2] : words[2] & LOW);
        int top = state.top();
        for (int i = 0; i < 8; i++) {
            scratch.set((int) words[REGISTERS + 2 * i + 1], words[REGISTERS + 2 * i]);
            state.storePhysical(top + i & 7, scratch);
        }
    }
}
