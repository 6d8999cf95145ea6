package org.jkvm.x86.translate;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;

/**
 * Accesses of a block that lie close together: through the same registers, which change by known amounts at most in between.
 * They are checked together before the first of them; what turns their addresses into the host's stands in the struct from
 * there on, so that the others cost two instructions and no flags. Nothing between them takes a page away: an instruction that
 * might is the interpreter's, and ends all spans; other processors' requests wait for the end of the block.
 */
final class Spans {
    /** As many at a time as the struct has fields for. */
    private static final int SLOTS = 12;
    /** The longer a span is, the more often it has two pages. */
    private static final int MOST_BYTES = 256;
    /** That an address changes by who knows how much. */
    static final long LOST = Long.MIN_VALUE;
    private static final int RSP = 4;
    /** What carries from one instruction of its kind to the next. */
    private static final Set<String> CARRYING = Set.of("ADC", "SBB", "ADCX", "ADOX");

    private final Insn[] insns;
    private final Recipe[] recipes;
    private final long apart;
    private Access[] operands;
    private Access[] stacked;
    private long chained;
    private final List<Span> active = new ArrayList<>(SLOTS);
    private final List<Span> lasting;
    private final List<Check> checks;

    /**
     * The check of a span.
     *
     * @param first   number of the instruction before which it is made
     * @param size    bytes
     * @param tag     what the soft TLB must have for them
     * @param members the instructions whose accesses lie in the span, a bit each
     */
    record Check(int first, int size, int tag, long members) {
        /** Whether there is something to be checked, not only something to go on with. */
        boolean isOne() {
            return members != 0;
        }
    }

    /** One of them. Addresses are relative to what the registers hold where it is checked. */
    static final class Span {
        final Access.Key key;
        /** Field of the struct with what turns addresses into the host's. */
        final int field;
        private long low;
        private long high;
        private boolean write;
        private long moved;
        private int alignment = 1;
        private long alignedAt;
        /** By how much it moves each turn of the loop that it is of. */
        private final int stride;

        private Span(Access first, int field) {
            this(first, field, 0, 0);
        }

        /** Of a loop, for an access made when the registers have changed by {@code by}. */
        Span(Access first, int field, long by, int stride) {
            this.key = first.key();
            this.field = field;
            this.low = by + first.disp();
            this.high = low + first.size();
            this.write = first.write();
            this.stride = stride;
        }

        private boolean covers(Access access) {
            return access.key().same(key) && moved + access.disp() >= low && moved + access.disp() + access.size() <= high
                    && (write || !access.write());
        }

        /** Takes {@code access} in, made when the registers have changed by {@code by}, if it is near enough. */
        boolean takes(Access access, long by) {
            if (access == null || !access.key().same(key)) {
                return false;
            }
            long newLow = Math.min(low, by + access.disp());
            long newHigh = Math.max(high, by + access.disp() + access.size());
            if (newHigh - newLow > MOST_BYTES || newLow != (int) newLow) {
                return false;
            }
            low = newLow;
            high = newHigh;
            write |= access.write();
            return true;
        }

        /** The access made when the registers have changed by {@code by} must be aligned; so it is in each turn, or in none. */
        void align(Access access, long by) {
            if (alignment == 1 && stride % access.size() == 0) {
                alignment = access.size();
                alignedAt = by + access.disp();
            }
        }

        /** Whether an access now was found to be aligned when the span was checked. */
        boolean isAligned(Access access) {
            return alignment >= access.size() && (moved + access.disp() - alignedAt) % access.size() == 0;
        }

        /** What something in it must be a multiple of: 1 for nothing. */
        int alignment() {
            return alignment;
        }

        /** Displacement of that from the first byte. */
        int alignedAt() {
            return (int) (alignedAt - low);
        }

        int stride() {
            return stride;
        }

        /** Displacement of its first byte. */
        int low() {
            return (int) low;
        }

        int size() {
            return (int) (high - low);
        }

        int tag() {
            return write ? Mmu.WRITE_TAG : Mmu.READ_TAG;
        }
    }

    Spans(Block block, Recipe... recipes) {
        this(block, recipes, List.of(), new ArrayList<>());
    }

    private Spans(Block block, Recipe[] recipes, List<Span> lasting, List<Check> checks) {
        this.insns = block.insns;
        this.recipes = recipes;
        this.apart = block.apart;
        this.lasting = lasting;
        this.checks = checks;
    }

    /** Those of the same block as a loop, with spans that were checked before. */
    Spans inLoop(Block block, List<Span> checked) {
        return new Spans(block, recipes, checked, checks);
    }

    /** The number of a check by which the interpreter goes on with instruction {@code n}. */
    int goingOn(int n) {
        checks.add(new Check(n, 0, 0, 0));
        return checks.size() - 1;
    }

    /** The checks written so far; an exit says which of them it is for. */
    List<Check> checks() {
        return checks;
    }

    /** The span that {@code access} lies in, whose check was made already; or null. */
    Span covering(Access access) {
        Span checked = covering(access, lasting);
        return checked != null ? checked : covering(access, active);
    }

    private static Span covering(Access access, List<Span> spans) {
        for (Span span : spans) {
            if (span.covers(access)) {
                return span;
            }
        }
        return null;
    }

    /**
     * A new span, to be checked now, for {@code access} of instruction {@code n} and others behind it; null if there are none,
     * unless {@link #ahead} is going to have some.
     */
    Span begin(int n, Access access) {
        lookAhead();
        Span span = isApart(n) ? null : around(n, access, bit(n));
        if (span == null && (chained >>> n & 1) != 0 && !isAlone(n) && nextAhead(n) >= 0) {
            span = begin(new Span(access, freeField()), n, bit(n));
        }
        return span;
    }

    /**
     * A new span, to be checked now, before instruction {@code n}, for an access behind it in a chain of carries, or null: each
     * check in such a chain saves the flags and restores them, unless all are made in front.
     */
    Span ahead(int n) {
        int k = nextAhead(n);
        if (k < 0) {
            return null;
        }
        Access now = now(n, k);
        return isApart(k) ? begin(new Span(now, freeField()), n, bit(k)) : around(n, now, 0);
    }

    /** The first of these that needs a check, and for which there is room; or -1. */
    private int nextAhead(int n) {
        for (int k = n + 1; k < insns.length && active.size() < SLOTS; k++) {
            if ((chained >>> k & 1) != 0 && !isAlone(k)) {
                Access now = now(n, k);
                if (now != null && covering(now) == null) {
                    return k;
                }
            }
        }
        return -1;
    }

    /** The access of instruction {@code k} by what registers are before {@code n}; null if that is not known. */
    private Access now(int n, int k) {
        Access access = operands[k];
        long by = access.disp();
        for (int m = n; m < k; m++) {
            long step = recipes[m] == Recipe.LEAVE ? LOST : change(insns[m], recipes[m], access.key());
            if (step == LOST) {
                return null;
            }
            by += step;
        }
        return by == (int) by ? new Access(access.key(), (int) by, access.size(), access.write()) : null;
    }

    /**
     * A span for {@code access}, by what registers are before instruction {@code n}, of which {@code own} are members, and for
     * those of instructions behind it that are near; null if there are none.
     */
    private Span around(int n, Access access, long own) {
        Span span = new Span(access, freeField());
        long members = 0;
        long by = 0;
        for (int k = n; k < insns.length; k++) {
            if (recipes[k] == Recipe.LEAVE) {
                break;
            }
            if (k > n && !isApart(k) && (span.takes(operands[k], by) | span.takes(stacked[k], by))) {
                members |= bit(k);
            }
            long step = change(insns[k], recipes[k], span.key);
            if (step == LOST) {
                break;
            }
            by += step;
        }
        return members == 0 ? null : begin(span, n, members | own);
    }

    private Span begin(Span span, int n, long members) {
        if (active.size() == SLOTS) {
            active.removeFirst();
        }
        active.add(span);
        checks.add(new Check(n, span.size(), span.tag(), members));
        return span;
    }

    private static long bit(int n) {
        return 1L << n;
    }

    private boolean isApart(int n) {
        return (apart & bit(n)) != 0;
    }

    /** Whether it may not even be checked before it is made. */
    private boolean isAlone(int n) {
        return (apart >>> Integer.SIZE & bit(n)) != 0;
    }

    /** Finds out what the block accesses, and where a carry is on its way meanwhile, once. */
    private void lookAhead() {
        if (operands != null) {
            return;
        }
        operands = new Access[insns.length];
        stacked = new Access[insns.length];
        for (int k = 0; k < insns.length; k++) {
            operands[k] = Access.operand(insns[k], recipes[k]);
            stacked[k] = Access.stack(insns[k], recipes[k]);
        }
        boolean carries = false;
        for (int k = insns.length - 1; k >= 0; k--) {
            if (recipes[k] == Recipe.LEAVE) {
                carries = false;
            } else if (Effects.definesFlags(insns[k]) || Effects.needsFlags(insns[k])) {
                carries = CARRYING.contains(insns[k].row.mnemonic());
            }
            chained |= carries && operands[k] != null ? bit(k) : 0;
        }
    }

    private int freeField() {
        for (int n = 0; n < SLOTS; n++) {
            int field = CpuState.SPANS + 8 * n;
            if (isFree(field)) {
                return field;
            }
        }
        return active.getFirst().field; // Which makes way.
    }

    private boolean isFree(int field) {
        for (Span span : active) {
            if (span.field == field) {
                return false;
            }
        }
        return true;
    }

    /** Instruction {@code n} was written. */
    void passed(int n) {
        for (Span span : lasting) {
            span.moved += change(insns[n], recipes[n], span.key);
        }
        for (int k = active.size() - 1; k >= 0; k--) {
            Span span = active.get(k);
            long step = recipes[n] == Recipe.LEAVE ? LOST : change(insns[n], recipes[n], span.key);
            if (step == LOST) {
                active.remove(k);
            } else {
                span.moved += step;
            }
        }
    }

    /** The interpreter may do anything here. */
    void end() {
        active.clear();
    }

    /** By how much {@code i} changes addresses with {@code key}; {@link #LOST} if that is not known. */
    static long change(Insn i, Recipe recipe, Access.Key key) {
        if (i.row.mnemonic().equals("SWAPGS") && key.segmentBase() != CpuState.ZERO) {
            return LOST;
        }
        int written = Writes.of(i, recipe);
        long base = change(i, written, key.base());
        long index = change(i, written, key.index());
        return base == LOST || index == LOST ? LOST : base + (index << key.scale());
    }

    /** By how much {@code i}, which writes the registers {@code written}, changes {@code register}. */
    private static long change(Insn i, int written, int register) {
        return register < 0 || (written >>> register & 1) == 0 ? 0 : change(i, register);
    }

    /** By how much {@code i}, which writes {@code register}, changes it. */
    private static long change(Insn i, int register) {
        int location = CpuState.GENERAL + 8 * register;
        boolean all = i.dst == location && i.dstSize == 8;
        return switch (i.row.mnemonic()) {
            case "PUSH", "PUSHF" -> register == RSP && i.operandSize == 8 ? -8 : LOST;
            case "POP" -> register == RSP && i.operandSize == 8 && i.dst != location ? 8 : LOST;
            case "ADD" -> all && i.src == Insn.IMM ? i.imm : LOST;
            case "SUB" -> all && i.src == Insn.IMM ? -i.imm : LOST;
            case "INC" -> all ? 1 : LOST;
            case "DEC" -> all ? -1 : LOST;
            case "LEA" -> all && i.baseNumber == register && i.indexNumber < 0 && i.addressSize == 8 ? i.disp : LOST;
            default -> LOST;
        };
    }
}
