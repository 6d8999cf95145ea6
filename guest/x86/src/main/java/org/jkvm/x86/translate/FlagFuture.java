package org.jkvm.x86.translate;

import java.util.Set;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.isa.Insn;

/** What the rest of a block does with the flags. */
final class FlagFuture {
    /** What {@link IntegerCode} writes without ever leaving, as long as no operand is in memory. */
    private static final Set<String> NEVER_LEAVES = Set.of("MOV", "LEA", "BSWAP", "INC", "DEC", "IMUL", "XCHG", "NOP", "CBW",
            "CWD");

    private final Insn[] insns;
    private final Recipe[] recipes;

    FlagFuture(Block block, Recipe... recipes) {
        this.insns = block.insns;
        this.recipes = recipes;
    }

    /**
     * Whether the flags are wanted or set again in this block before any of {@code registers}, a bit each, is written, from
     * instruction {@code n} on.
     */
    boolean keeps(int registers, int n) {
        for (int k = n; k < insns.length; k++) {
            Insn i = insns[k];
            Recipe recipe = recipes[k];
            if (recipe == Recipe.LEAVE || Effects.needsFlags(i) || Effects.definesFlags(i)) {
                return true;
            }
            if ((Writes.of(i, recipe) & registers) != 0) {
                return false;
            }
        }
        return false;
    }

    /** Whether the flags are wanted or set again in this block, from instruction {@code n} on. */
    boolean comeBack(int n) {
        return next(n) >= 0;
    }

    /** The first instruction from {@code n} on that wants or sets flags; -1 if the block is left before, or ends. */
    private int next(int n) {
        for (int k = n; k < insns.length && recipes[k] != Recipe.LEAVE; k++) {
            if (Effects.needsFlags(insns[k]) || Effects.definesFlags(insns[k])) {
                return k;
            }
        }
        return -1;
    }

    /** Whether the host's flags are clobbered behind instruction {@code n} before they are wanted or set again, which they are. */
    boolean isInterrupted(int n) {
        int next = next(n + 1);
        for (int k = n + 1; k <= next; k++) {
            if (BlockTranslator.clobbers(insns[k])) {
                return true;
            }
        }
        return false;
    }

    /** Whether the first instruction behind {@code n} that has to do with flags wants some. */
    boolean wantedNext(int n) {
        int next = next(n + 1);
        return next >= 0 && Effects.needsFlags(insns[next]);
    }

    /** Whether all flags are set again behind instruction {@code n} before anything reads one or can leave the block. */
    boolean overwritesAll(int n) {
        for (int k = n + 1; k < insns.length; k++) {
            Insn i = insns[k];
            if (!stays(i, recipes[k]) || Effects.reads(i)) {
                return false;
            }
            if (Effects.definesFlags(i) && !Effects.needsFlags(i)) {
                return true;
            }
        }
        return false;
    }

    private static boolean stays(Insn i, Recipe recipe) {
        return !PassThrough.usesMemory(i) && switch (recipe) {
            case CHANGE, WRITE, READ, EXCHANGE, NOTHING -> true;
            case CUSTOM -> NEVER_LEAVES.contains(i.row.mnemonic()) && !SegmentCode.loads(i);
            default -> false;
        };
    }
}
