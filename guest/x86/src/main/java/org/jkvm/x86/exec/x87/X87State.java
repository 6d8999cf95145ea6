package org.jkvm.x86.exec.x87;

import static org.jkvm.linux.RawMemory.getByte;
import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.getShort;
import static org.jkvm.linux.RawMemory.putByte;
import static org.jkvm.linux.RawMemory.putLong;
import static org.jkvm.linux.RawMemory.putShort;

import org.jkvm.x86.fp.Float80;

/**
 * The x87 registers where they live in native memory, {@link #SIZE} bytes that generated code may use as well: R0 to R7 by
 * physical number, the control, status and tag words and the pointers to the last instruction (SDM vol. 1, 8.1). ST(i) is
 * the register TOP + i. Tags are kept as one bit a register, not empty; the full tag word derives from that and the values.
 */
public final class X87State {
    /** Offset of R0; the registers are 16 bytes apart, 10 used. */
    public static final int REGISTERS = 0x00;
    /** Offset of the control word, 2 bytes. */
    public static final int FCW = 0x80;
    /** Offset of the status word with TOP, 2 bytes. */
    public static final int FSW = 0x82;
    /** Offset of the abridged tag word: bit n is one where Rn is not empty; 1 byte. */
    public static final int FTW = 0x84;
    /** Offset of the last opcode: 11 bits in 2 bytes. */
    public static final int FOP = 0x86;
    /** Offset of the last instruction's offset, 8 bytes. */
    public static final int FIP = 0x88;
    /** Offset of the last instruction's selector, 2 bytes. */
    public static final int FCS = 0x90;
    /** Offset of the last operand's selector, 2 bytes. */
    public static final int FDS = 0x92;
    /** Offset of the last operand's offset, 8 bytes. */
    public static final int FDP = 0x98;
    /** Bytes of it all. */
    public static final int SIZE = 0xa0;

    /** The control word after FNINIT: everything masked, nearest, 64 bits (SDM vol. 1, 8.1.5). */
    public static final int INITIAL_CONTROL = 0x37f;
    /** Stack fault. */
    public static final int SF = 0x40;
    /** Exception summary. */
    public static final int ES = 0x80;
    /** Condition code 0. */
    public static final int C0 = 0x100;
    /** Condition code 1. */
    public static final int C1 = 0x200;
    /** Condition code 2. */
    public static final int C2 = 0x400;
    /** TOP, as a mask. */
    public static final int TOP = 0x3800;
    /** Condition code 3. */
    public static final int C3 = 0x4000;
    /** Busy: the same as {@link #ES} since the 287. */
    public static final int BUSY = 0x8000;
    private static final int TOP_SHIFT = 11;
    private static final int EXCEPTIONS = 0x3f;
    /** Bit 6 of the control word is reserved and reads as one. */
    private static final int CONTROL_ONES = 0x40;
    private static final int CONTROL_BITS = 0x1f7f;

    // SAFETY: the x87 part of the processor's struct, which outlives this; register numbers are masked to 0 to 7.
    private final long at;

    /** A view of {@link #SIZE} bytes at {@code address}, which outlive it. */
    public X87State(long address) {
        at = address;
    }

    /** What FNINIT leaves; the registers' contents stay. */
    public void initialize() {
        putShort(at + FCW, INITIAL_CONTROL);
        putShort(at + FSW, 0);
        putByte(at + FTW, 0);
        putShort(at + FOP, 0);
        putLong(at + FIP, 0);
        putShort(at + FCS, 0);
        putShort(at + FDS, 0);
        putLong(at + FDP, 0);
    }

    /** Power-up and RESET: every register +0, single precision, no exception masked (SDM vol. 3A, table 9-1). */
    public void reset() {
        initialize();
        putShort(at + FCW, CONTROL_ONES);
        putByte(at + FTW, 0xff);
        for (int number = 0; number < 8; number++) {
            putLong(at + REGISTERS + 16 * number, 0);
            putShort(at + REGISTERS + 16 * number + 8, 0);
        }
    }

    /** The control word. */
    public int control() {
        return getShort(at + FCW);
    }

    /** Loads the control word, and finds anew whether an exception is pending. */
    public void setControl(int value) {
        putShort(at + FCW, value & CONTROL_BITS | CONTROL_ONES);
        setStatus(status());
    }

    /** The status word. */
    public int status() {
        return getShort(at + FSW);
    }

    /** Loads the status word; ES and B follow from flags and masks whatever they are in {@code value}. */
    public void setStatus(int value) {
        boolean pending = (value & ~control() & EXCEPTIONS) != 0;
        putShort(at + FSW, pending ? value | ES | BUSY : value & ~(ES | BUSY));
    }

    /** Whether an unmasked exception waits for the next waiting instruction. */
    public boolean isPending() {
        return (status() & ES) != 0;
    }

    /** The physical number of ST(0). */
    public int top() {
        return status() >>> TOP_SHIFT & 7;
    }

    /** Moves ST(0) by {@code steps}: -1 as a push does, 1 as a pop. */
    public void rotate(int steps) {
        int status = status();
        putShort(at + FSW, status & ~TOP | status + (steps << TOP_SHIFT) & TOP);
    }

    /** Bit n is one where Rn is not empty. */
    public int valid() {
        return getByte(at + FTW);
    }

    /** Replaces {@link #valid}. */
    public void setValid(int bits) {
        putByte(at + FTW, bits);
    }

    /** Whether ST(i) is empty; {@code i} counts modulo 8. */
    public boolean isEmpty(int i) {
        return (valid() >>> physical(i) & 1) == 0;
    }

    /** Marks ST(i) empty. */
    public void free(int i) {
        setValid(valid() & ~(1 << physical(i)));
    }

    /** Reads ST(i). */
    public void load(int i, Float80 to) {
        loadPhysical(physical(i), to);
    }

    /** Writes ST(i) and marks it not empty. */
    public void store(int i, Float80 value) {
        int number = physical(i);
        storePhysical(number, value);
        setValid(valid() | 1 << number);
    }

    /** Reads Rn. */
    public void loadPhysical(int number, Float80 to) {
        long register = at + REGISTERS + 16 * number;
        to.set(getShort(register + 8), getLong(register));
    }

    /** Writes Rn; its tag stays. */
    public void storePhysical(int number, Float80 value) {
        long register = at + REGISTERS + 16 * number;
        putLong(register, value.significand());
        putShort(register + 8, value.signExponent());
    }

    private int physical(int i) {
        return top() + i & 7;
    }

    /** The tag word of FNSTENV: two bits a register: 0 valid, 1 zero, 2 special, 3 empty (SDM vol. 1, figure 8-7). */
    public int fullTag(Float80 scratch) {
        int tags = 0;
        for (int number = 7; number >= 0; number--) {
            loadPhysical(number, scratch);
            tags = tags << 2 | ((valid() >>> number & 1) == 0 ? 3 : tag(scratch));
        }
        return tags;
    }

    private static int tag(Float80 value) {
        if (value.biasedExponent() == 0) {
            return value.significand() == 0 ? 1 : 2;
        }
        return value.biasedExponent() == 0x7fff || value.significand() >= 0 ? 2 : 0;
    }

    /** Takes over a full tag word; all that counts is which registers are empty. */
    public void setFullTag(int tags) {
        int bits = 0;
        for (int number = 0; number < 8; number++) {
            bits |= (tags >>> 2 * number & 3) != 3 ? 1 << number : 0;
        }
        setValid(bits);
    }

    /** The last opcode, 11 bits. */
    public int opcode() {
        return getShort(at + FOP);
    }

    /** The last instruction's offset. */
    public long instructionOffset() {
        return getLong(at + FIP);
    }

    /** The last instruction's selector. */
    public int instructionSelector() {
        return getShort(at + FCS);
    }

    /** The last operand's offset. */
    public long operandOffset() {
        return getLong(at + FDP);
    }

    /** The last operand's selector. */
    public int operandSelector() {
        return getShort(at + FDS);
    }

    /** Records the last instruction: its 11-bit opcode, selector and offset. */
    public void setInstruction(int opcode, int selector, long offset) {
        putShort(at + FOP, opcode & 0x7ff);
        putShort(at + FCS, selector);
        putLong(at + FIP, offset);
    }

    /** Records the last memory operand. */
    public void setOperand(int selector, long offset) {
        putShort(at + FDS, selector);
        putLong(at + FDP, offset);
    }
}
