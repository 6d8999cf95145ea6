package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/**
 * A block that branches back to its own beginning, and whose accesses move on by the same amount each turn: it is written a
 * second time without their checks. They are checked in front of that, together with how many turns stay on their pages.
 * Where that fails, the block as it is elsewhere makes one turn. Requests are looked at in each turn as on any edge back, so
 * that nobody takes pages away from a loop that goes on.
 */
final class LoopCode {
    private static final int MOST_SPANS = 4;
    private static final int PAGE = 4096;
    private static final int MOST_STRIDE = 1024;
    /** What has recipe {@link Recipe#CUSTOM} and may be in a loop. */
    private static final Set<String> CUSTOM = Set.of("MOV", "LEA", "BSWAP", "INC", "DEC", "IMUL", "XCHG", "NOP", "CBW", "CWD", "BT",
            "BTS", "BTR", "BTC");

    private final BlockCode code;
    private final Assembler a;
    private final List<Spans.Span> spans;
    private final Label again;
    private final Label checks = new Label();
    private final Label body = new Label();
    private final boolean counted;
    private boolean inBody;
    /** What sets the flags in the host again where it goes back; null where they stay there. */
    private FlagSource source;

    /**
     * Begins.
     *
     * @param again where the block begins with flags in memory
     * @param spans what {@link #spans} found
     */
    LoopCode(BlockCode code, Label again, List<Spans.Span> spans) {
        this.code = code;
        this.a = code.a;
        this.again = again;
        this.spans = spans;
        this.counted = spans.stream().anyMatch(span -> span.stride() != 0);
    }

    // ---- what can be one ----

    /** What {@code block} accesses in each turn, if it is a loop; otherwise nothing. */
    static List<Spans.Span> spans(Block block, Recipe... recipes) {
        return isLoop(block, recipes) ? find(block, recipes) : List.of();
    }

    private static boolean isLoop(Block block, Recipe... recipes) {
        for (int n = 0; n < recipes.length - 1; n++) {
            if (!isAllowed(block.insns[n], recipes[n])) {
                return false;
            }
        }
        Insn last = block.insns[recipes.length - 1];
        return recipes[recipes.length - 1] == Recipe.CUSTOM && Recipe.isConditionalJump(last.row) && last.bits64
                && last.operandSize == 8 && last.end + last.imm == 0 && block.isWithinPage();
    }

    private static boolean isAllowed(Insn i, Recipe recipe) {
        return switch (recipe) {
            case CHANGE, WRITE, READ, EXCHANGE, VECTOR, VECTOR_UNALIGNED, NOTHING -> true;
            case CUSTOM -> CUSTOM.contains(i.row.mnemonic()) && !SegmentCode.isSegment(i.dst) && !SegmentCode.isSegment(i.src);
            default -> false;
        };
    }

    private static List<Spans.Span> find(Block block, Recipe... recipes) {
        List<Spans.Span> found = new ArrayList<>();
        for (int n = 0; n < recipes.length; n++) {
            Access access = (block.apart >>> n & 1) != 0 ? null : Access.operand(block.insns[n], recipes[n]);
            if (access != null) {
                find(found, access, block, n, recipes);
            }
        }
        return found;
    }

    private static void find(List<Spans.Span> found, Access access, Block block, int n, Recipe... recipes) {
        long stride = change(access.key(), block, recipes.length, recipes);
        if (stride == Spans.LOST || Math.abs(stride) > MOST_STRIDE) {
            return;
        }
        long by = change(access.key(), block, n, recipes);
        Spans.Span span = found.stream().filter(s -> s.takes(access, by)).findFirst().orElse(null);
        if (span == null && found.size() < MOST_SPANS) {
            span = new Spans.Span(access, CpuState.LOOP_SPANS + found.size() * Long.BYTES, by, (int) stride);
            found.add(span);
        }
        Recipe recipe = recipes[n];
        if (span != null && recipe != Recipe.CUSTOM && PassThrough.mustAlign(block.insns[n], recipe)) {
            span.align(access, by);
        }
    }

    /** By how much the first {@code count} instructions change addresses with {@code key}. */
    private static long change(Access.Key key, Block block, int count, Recipe... recipes) {
        long sum = 0;
        for (int n = 0; n < count; n++) {
            long step = Spans.change(block.insns[n], recipes[n], key);
            if (step == Spans.LOST || Math.abs(step) > MOST_STRIDE) {
                return Spans.LOST;
            }
            sum += step;
        }
        return sum;
    }

    // ---- what is written ----

    /** The block, or its body here, goes back to its beginning; the flags are in the host's. */
    void goBack() {
        if (!inBody) {
            source = code.sourceAtBeginning();
        }
        if (source != null) {
            goBackByFlags();
        } else {
            goBackKeepingFlags();
        }
    }

    private void goBackByFlags() {
        Label request = new Label();
        a.cmp(DWORD, field(CpuState.RUN), 0);
        a.j(Cond.E, request);
        if (inBody && counted) {
            a.alu(Alu.SUB, DWORD, field(CpuState.TURNS), 1);
            a.j(Cond.AE, body);
        }
        a.jmp(inBody && !counted ? body : checks);
        code.outOfLine(() -> {
            a.bind(request);
            leave();
        });
    }

    /** By JRCXZ, the one branch that needs no flags. */
    private void goBackKeepingFlags() {
        Label request = new Label();
        a.mov(QWORD, TEMP, Gpr.RCX);
        a.mov(DWORD, Gpr.RCX, field(CpuState.RUN));
        a.jrcxz(request);
        if (inBody && counted) {
            Label last = new Label();
            a.mov(DWORD, Gpr.RCX, field(CpuState.TURNS));
            a.jrcxz(last);
            a.lea(DWORD, Gpr.RCX, Mem.at(Gpr.RCX, -1));
            a.mov(DWORD, field(CpuState.TURNS), Gpr.RCX);
            goKeepingRcx(body);
            a.bind(last);
        }
        goKeepingRcx(inBody && !counted ? body : checks);
        a.bind(request);
        a.mov(QWORD, Gpr.RCX, TEMP);
        leave();
    }

    private void goKeepingRcx(Label to) {
        a.mov(QWORD, Gpr.RCX, TEMP);
        a.jmp(to);
    }

    /** There is a request. */
    private void leave() {
        saveFlags();
        code.leaveForBeginning(ExitReason.REQUEST_AT_INDIRECT);
    }

    private void saveFlags() {
        if (source != null) {
            source.write(a);
        }
        FlagKeeper.writeSave(a);
    }

    /** Writes the checks and, by {@code turn}, the body. */
    void write(Runnable turn) {
        Label fails = new Label();
        a.bind(checks);
        if (source == null) {
            saveFlags();
        }
        Spans.Span first = null;
        for (Spans.Span span : spans) {
            code.memory.checkForLoop(span, fails);
            if (span.stride() != 0) {
                limit(span, first == null);
                first = span;
            }
        }
        if (source == null) {
            FlagKeeper.writeRestore(a);
        }
        writeBody(turn);
        fail(fails);
    }

    private void fail(Label fails) {
        boolean saved = source == null;
        code.outOfLine(() -> {
            a.bind(fails);
            if (!saved) {
                saveFlags();
            }
            a.jmp(again);
        });
    }

    private void writeBody(Runnable turn) {
        a.bind(body);
        if (source != null) {
            code.flags.assume(source);
        } else {
            code.flags.assume(FlagKeeper.Place.HOST);
        }
        inBody = true;
        code.beginLoop(spans);
        turn.run();
    }

    /** Counts the turns that the span, whose offset into its page is in ADDRESS, stays in it after the first: at least so many. */
    private void limit(Spans.Span span, boolean first) {
        if (span.stride() > 0) {
            a.neg(DWORD, ADDRESS);
            a.alu(Alu.ADD, DWORD, ADDRESS, PAGE - span.size());
        }
        int shift = Integer.SIZE - Integer.numberOfLeadingZeros(Math.abs(span.stride()) - 1);
        if (shift > 0) {
            a.shift(Shift.SHR, DWORD, ADDRESS, shift);
        }
        Label enough = new Label();
        if (!first) {
            a.alu(Alu.CMP, DWORD, ADDRESS, field(CpuState.TURNS));
            a.j(Cond.AE, enough);
        }
        a.mov(DWORD, field(CpuState.TURNS), ADDRESS);
        a.bind(enough);
    }
}
