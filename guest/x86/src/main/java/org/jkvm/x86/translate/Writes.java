package org.jkvm.x86.translate;

import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/** Which general registers an instruction writes: a bit each. */
final class Writes {
    private static final int ANY = 0xffff;
    private static final int RAX = 1;
    private static final int RCX = 1 << 1;
    private static final int RDX = 1 << 2;
    private static final int RSP = 1 << 4;
    private static final int RBP = 1 << 5;

    private Writes() {
    }

    /** The bit of the register at {@code location} of the struct; 0 where that is no general register. */
    static int register(int location) {
        return location >= CpuState.GENERAL && location < CpuState.ZERO ? 1 << (location - CpuState.GENERAL >> 3) : 0;
    }

    /** What {@code i}, which is translated by {@code recipe}, may write. */
    static int of(Insn i, Recipe recipe) {
        return recipe == Recipe.LEAVE ? ANY : named(i, recipe) | implied(i);
    }

    /** Registers that no operand names. */
    private static int implied(Insn i) {
        return switch (i.row.mnemonic()) {
            case "MUL", "CMPXCHG8B" -> RAX | RDX;
            case "CMPXCHG" -> RAX;
            case "PCMPESTRI", "PCMPISTRI", "VPCMPESTRI", "VPCMPISTRI" -> RCX;
            default -> 0;
        };
    }

    private static int named(Insn i, Recipe recipe) {
        return switch (recipe) {
            case NOTHING, READ -> 0;
            case WRITE, CHANGE, VECTOR, VECTOR_UNALIGNED, MMX -> register(i.dst);
            case EXCHANGE -> register(i.dst) | register(i.src) | register(i.src2);
            case X87 -> RAX; // FNSTSW AX.
            case CUSTOM -> custom(i);
            case SYSTEM, LEAVE -> ANY;
        };
    }

    private static int custom(Insn i) {
        return switch (i.row.mnemonic()) {
            case "MOV", "LEA", "BSWAP", "INC", "DEC", "BTS", "BTR", "BTC" -> register(i.dst);
            case "IMUL" -> i.src == Insn.NONE ? RAX | RDX : register(i.dst);
            case "DIV", "IDIV" -> RAX | RDX;
            case "XCHG", "NOP" -> register(i.dst) | register(i.src);
            case "CBW" -> RAX;
            case "CWD" -> RDX;
            case "PUSH", "PUSHF" -> RSP;
            case "POP" -> RSP | register(i.dst);
            case "LEAVE" -> RSP | RBP;
            case "SWAPGS", "MFENCE", "LFENCE", "SFENCE", "BT", "CMC", "CLC", "STC", "CLD", "STD", "CMPXCHG8B" -> 0;
            default -> Recipe.isConditionalJump(i.row) ? 0 : ANY;
        };
    }
}
