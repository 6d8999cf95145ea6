package org.jkvm.x86.translate;

import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/** Which general registers an instruction writes: a bit each. */
final class Writes {
    private static final int ANY = 0xffff;
    private static final int RAX = 1;
    private static final int RDX = 1 << 2;
    private static final int RSP = 1 << 4;

    private Writes() {
    }

    /** The bit of the register at {@code location} of the struct; 0 where that is no general register. */
    static int register(int location) {
        return location >= CpuState.GENERAL && location < CpuState.ZERO ? 1 << (location - CpuState.GENERAL >> 3) : 0;
    }

    /** What {@code i}, which is translated by {@code recipe}, may write. */
    static int of(Insn i, Recipe recipe) {
        return switch (recipe) {
            case NOTHING, READ -> 0;
            case WRITE, CHANGE, VECTOR, VECTOR_UNALIGNED, MMX -> register(i.dst);
            case EXCHANGE -> register(i.dst) | register(i.src) | register(i.src2);
            case X87 -> RAX; // FNSTSW AX.
            case CUSTOM -> custom(i);
            case LEAVE -> ANY;
        };
    }

    private static int custom(Insn i) {
        return switch (i.row.mnemonic()) {
            case "MOV", "LEA", "BSWAP" -> register(i.dst);
            case "XCHG", "NOP" -> register(i.dst) | register(i.src);
            case "CBW" -> RAX;
            case "CWD" -> RDX;
            case "PUSH" -> RSP;
            case "POP" -> RSP | register(i.dst);
            case "SWAPGS", "MFENCE", "LFENCE", "SFENCE" -> 0;
            default -> ANY;
        };
    }
}
