package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Memory;
import org.jkvm.x64.Rm;
import org.jkvm.x64.Size;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;

/**
 * The ends of a block. A direct branch is an edge: a jump that {@link NativeCode} sends to its target's translation once there
 * is one. An indirect branch looks into the {@link JumpCache}. Requests are looked at on every edge that goes back and on
 * every indirect branch, so that no loop of generated code is without a look.
 */
final class BranchCode {
    private static final long PAGE_MASK = -4096L;

    private final BlockCode code;
    private final Assembler a;
    private final StackCode stack;
    private final Stubs stubs;
    private final List<Edge> edges = new ArrayList<>();
    private LoopCode loop;

    BranchCode(BlockCode code, StackCode stack, Stubs stubs) {
        this.code = code;
        this.a = code.a;
        this.stack = stack;
        this.stubs = stubs;
    }

    /** The branch back to the block's beginning is {@code other}'s. */
    void loopsBy(LoopCode other) {
        loop = other;
    }

    /** The edges written so far, in the order of their numbers. */
    List<Edge> edges() {
        return edges;
    }

    /** Whether the target has a size that the mode's targets have: with a prefix 64-bit code is the interpreter's. */
    private boolean isNear(Insn i) {
        return i.operandSize == 8 || !code.mode.is64();
    }

    /** Whether the target of a direct branch is within the code segment: beyond the limit there is #GP. */
    private boolean isWithin(Insn i) {
        return isNear(i) && reaches(target(i));
    }

    private boolean reaches(long target) {
        return Long.compareUnsigned(target, code.block.segment.limit()) <= 0;
    }

    private long target(Insn i) {
        return code.rip + i.end + i.imm & mask(i);
    }

    /** What there is of RIP behind a branch (SDM vol. 2A, JMP, near jumps). */
    private static long mask(Insn i) {
        return i.operandSize == 8 ? -1L : i.operandSize == 4 ? 0xffff_ffffL : 0xffff;
    }

    // ---- direct ----

    /** The block goes on at what follows it. */
    void fallThrough(Insn last) {
        edge(code.next(last), last);
    }

    /** The block goes on at what follows {@code last}, which is code of another mode from there on; flags must be in memory. */
    void fallThrough(Insn last, CodeMode mode) {
        Label unknown = new Label();
        a.cmp(QWORD, field(JumpCache.mode(mode.tlb())), (int) CodeMode.common(mode.bits()));
        a.j(Cond.NE, unknown); // Its indirect branches would find code of a third mode.
        code.outOfLine(() -> {
            a.bind(unknown);
            code.address(ADDRESS, code.next(last));
            a.mov(QWORD, field(CpuState.EXIT_TARGET), ADDRESS);
            code.leave(ExitReason.INDIRECT.at(0));
        });
        Edge edge = add(new Edge(code.next(last), mode.bits(), false, false), FlagKeeper.Place.MEMORY);
        edge.patch = a.jmpPatchable(a.address());
    }

    boolean jmp(Insn i) {
        if (i.dst == Insn.IMM) {
            return isWithin(i) && goTo(i);
        }
        if (!isNear(i)) {
            return false;
        }
        loadTarget(i);
        checkTarget(i);
        indirect();
        return true;
    }

    private boolean goTo(Insn i) {
        edge(target(i), i);
        return true;
    }

    boolean conditional(Insn i) {
        if (!isWithin(i)) {
            return false;
        }
        code.flags.need();
        branch(Cond.values()[i.condition], i);
        return true;
    }

    /** Both ways from here: to the branch's target when {@code condition} holds, to what follows otherwise. */
    private void branch(Cond condition, Insn i) {
        FlagKeeper.Place place = code.flags.place();
        long target = target(i);
        if (isBackward(target, i)) {
            Label on = new Label();
            a.j(Cond.values()[condition.ordinal() ^ 1], on);
            if (loop != null) {
                loop.goBack();
            } else {
                edge(target, i);
            }
            a.bind(on);
        } else if (isSamePage(target)) {
            Edge edge = add(target, place);
            edge.patch = a.jPatchable(condition, a.address());
        } else {
            Label far = new Label();
            a.j(condition, far);
            code.outOfLine(() -> {
                a.bind(far);
                code.flags.assume(place);
                edge(target, i);
            });
        }
        code.flags.assume(place);
        edge(code.next(i), i);
    }

    private boolean isSamePage(long target) {
        long linear = code.mode.wrap(target + code.block.segment.base());
        return (linear & PAGE_MASK) == (code.block.linear & PAGE_MASK);
    }

    private boolean isBackward(long target, Insn i) {
        return Long.compareUnsigned(target, code.rip + i.start) <= 0;
    }

    /** Goes to {@code target}, in whatever place the flags are. */
    private void edge(long target, Insn i) {
        if (!isSamePage(target)) {
            code.flags.clobber();
        } else if (code.flags.pending() != null) {
            code.flags.need();
        }
        if (isBackward(target, i)) {
            if (code.flags.place() == FlagKeeper.Place.HOST) {
                backKeepingFlags(target);
                return;
            }
            code.flags.clobber();
            lookAtRequests(ExitReason.REQUEST_AT_EDGE.at(edges.size()));
        }
        Edge edge = add(target, code.flags.place());
        edge.patch = a.jmpPatchable(a.address());
    }

    /** Leaves with {@code reason} when there is a request; flags must be in memory. */
    private void lookAtRequests(int reason) {
        Label request = new Label();
        a.cmp(DWORD, field(CpuState.RUN), 0);
        a.j(Cond.E, request);
        code.outOfLine(() -> {
            a.bind(request);
            code.leave(reason);
        });
    }

    /** Looks at requests by JRCXZ, the one branch that needs no flags. */
    private void backKeepingFlags(long target) {
        int number = edges.size();
        Label request = new Label();
        a.mov(QWORD, TEMP, Gpr.RCX);
        a.mov(DWORD, Gpr.RCX, field(CpuState.RUN));
        a.jrcxz(request);
        a.mov(QWORD, Gpr.RCX, TEMP);
        Edge edge = add(target, FlagKeeper.Place.HOST);
        edge.patch = a.jmpPatchable(a.address());
        a.bind(request);
        a.mov(QWORD, Gpr.RCX, TEMP);
        code.flags.clobber();
        code.leave(ExitReason.REQUEST_AT_EDGE.at(number));
    }

    private Edge add(long target, FlagKeeper.Place place) {
        return add(new Edge(target, code.mode.bits(), isSamePage(target), place == FlagKeeper.Place.HOST), place);
    }

    private Edge add(Edge edge, FlagKeeper.Place place) {
        int number = edges.size();
        edges.add(edge);
        code.outOfLine(() -> {
            edge.unlinked = a.address();
            code.flags.assume(place);
            code.flags.clobber();
            code.leave(ExitReason.EDGE.at(number));
        });
        return edge;
    }

    /** LOOP, LOOPE and LOOPNE. */
    boolean loop(Insn i, Cond zero) {
        if (!isWithin(i)) {
            return false;
        }
        Size size = IntegerCode.size(i.addressSize);
        Label on = new Label();
        code.flags.clobber();
        a.lea(size, Gpr.RCX, Mem.at(Gpr.RCX, -1));
        if (zero != null) {
            FlagKeeper.writeRestore(a);
            a.j(Cond.values()[zero.ordinal() ^ 1], on);
        }
        a.test(size, Gpr.RCX, Gpr.RCX);
        a.j(Cond.E, on);
        edge(target(i), i);
        a.bind(on);
        code.flags.assume(FlagKeeper.Place.MEMORY);
        edge(code.next(i), i);
        return true;
    }

    boolean jcxz(Insn i) {
        if (!isWithin(i)) {
            return false;
        }
        Size size = IntegerCode.size(i.addressSize);
        code.flags.clobber();
        a.test(size, Gpr.RCX, Gpr.RCX);
        branch(Cond.E, i);
        return true;
    }

    // ---- calls ----

    boolean call(Insn i) {
        boolean direct = i.dst == Insn.IMM;
        if (!(direct ? isWithin(i) : isNear(i)) || !stack.isNatural(i.operandSize)) {
            return false;
        }
        if (!direct) {
            loadTarget(i);
            checkTarget(i);
            a.mov(QWORD, field(CpuState.CARRIED), ADDRESS);
        }
        Mem top = stack.reserve(i.operandSize);
        pushReturn(code.next(i), top, IntegerCode.size(i.operandSize));
        stack.drop(-i.operandSize);
        if (direct) {
            edge(target(i), i);
        } else {
            a.mov(QWORD, ADDRESS, field(CpuState.CARRIED));
            indirect();
        }
        return true;
    }

    private void pushReturn(long back, Mem top, Size size) {
        if (back == (int) back || size != QWORD) {
            a.mov(size, top, (int) back);
            code.relocations().address(a.length(), back);
        } else {
            code.address(TEMP, back);
            a.mov(QWORD, top, TEMP);
        }
    }

    boolean ret(Insn i) {
        if (!isNear(i) || !stack.isNatural(i.operandSize)) {
            return false;
        }
        Mem top = stack.top(i.operandSize);
        loadFrom(i, top);
        checkTarget(i);
        stack.drop(i.operandSize + (int) (i.imm & 0xffff));
        indirect();
        return true;
    }

    // ---- indirect ----

    /** The target of an indirect branch, in ADDRESS. */
    private void loadTarget(Insn i) {
        loadFrom(i, i.dst == Insn.MEM ? code.memory.operand(i, i.operandSize, false, false)
                : code.load(i.dst - CpuState.GENERAL >> 3, ADDRESS));
    }

    /** Loads as much as {@code i} takes of a target into ADDRESS. */
    private void loadFrom(Insn i, Rm from) {
        if (i.operandSize == 2) {
            a.movzx(DWORD, ADDRESS, WORD, from);
        } else if (from instanceof Memory memory) {
            a.mov(IntegerCode.size(i.operandSize), ADDRESS, memory);
        } else {
            a.mov(IntegerCode.size(i.operandSize), ADDRESS, (Gpr) from);
        }
    }

    /** Leaves where the target in ADDRESS is beyond the code segment's limit, and nothing has happened yet. */
    private void checkTarget(Insn i) {
        if (!reaches(mask(i))) {
            code.spareFlags();
            a.cmp(DWORD, ADDRESS, (int) code.block.segment.limit());
            a.j(Cond.A, code.step());
        }
    }

    /** Goes to the RIP in ADDRESS. */
    private void indirect() {
        code.flags.clobber();
        a.mov(QWORD, field(CpuState.EXIT_TARGET), ADDRESS);
        lookAtRequests(ExitReason.REQUEST_AT_INDIRECT.at(0));
        JumpLookup.write(a, code.mode, stubs);
    }

    /** The mode has changed, and {@link CpuState#EXIT_TARGET} says where to go on; flags must be in memory. */
    void lookAtRequests() {
        lookAtRequests(ExitReason.REQUEST_AT_INDIRECT.at(0));
    }

    /** Goes to {@link CpuState#EXIT_TARGET}, 64-bit code of {@code mode}; flags must be in memory. */
    void goTo(CodeMode mode) {
        a.mov(QWORD, ADDRESS, field(CpuState.EXIT_TARGET));
        JumpLookup.writeTo(a, mode, stubs);
    }
}
