package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.STRUCT;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.x64.ArithmeticInstructions.Alu;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Mem;
import org.jkvm.x64.Size;
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

    BranchCode(BlockCode code, StackCode stack, Stubs stubs) {
        this.code = code;
        this.a = code.a;
        this.stack = stack;
        this.stubs = stubs;
    }

    /** The edges written so far, in the order of their numbers. */
    List<Edge> edges() {
        return edges;
    }

    private boolean isNear(Insn i) {
        return i.operandSize == (code.mode.is64() ? 8 : 4);
    }

    private long target(Insn i) {
        return code.wrap(code.rip + i.end + i.imm);
    }

    // ---- direct ----

    /** The block goes on at what follows it. */
    void fallThrough(Insn last) {
        edge(code.next(last), last);
    }

    boolean jmp(Insn i) {
        if (!isNear(i)) {
            return false;
        }
        if (i.dst == Insn.IMM) {
            edge(target(i), i);
            return true;
        }
        loadTarget(i);
        indirect();
        return true;
    }

    boolean conditional(Insn i) {
        if (!isNear(i)) {
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
            edge(target, i);
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
        return (target & PAGE_MASK) == (code.rip & PAGE_MASK);
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
        int number = edges.size();
        Edge edge = new Edge(target, isSamePage(target), place == FlagKeeper.Place.HOST);
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
        if (!isNear(i) || i.addressSize == 2) {
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
        if (!isNear(i) || i.addressSize == 2) {
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
        if (!isNear(i) || !stack.isNatural(i.operandSize)) {
            return false;
        }
        boolean direct = i.dst == Insn.IMM;
        if (!direct) {
            loadTarget(i);
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
        if (back == (int) back || size == DWORD) {
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
        a.mov(IntegerCode.size(i.operandSize), ADDRESS, top);
        stack.drop(i.operandSize + (int) (i.imm & 0xffff));
        indirect();
        return true;
    }

    // ---- indirect ----

    /** The target of an indirect branch, in ADDRESS. */
    private void loadTarget(Insn i) {
        Size size = IntegerCode.size(i.operandSize);
        if (i.dst == Insn.MEM) {
            a.mov(size, ADDRESS, code.operand(i, i.operandSize, false, false));
        } else {
            a.mov(size, ADDRESS, code.load(i.dst - CpuState.GENERAL >> 3, ADDRESS));
        }
    }

    /** Goes to the RIP in ADDRESS. */
    private void indirect() {
        code.flags.clobber();
        a.mov(QWORD, field(CpuState.EXIT_TARGET), ADDRESS);
        lookAtRequests(ExitReason.REQUEST_AT_INDIRECT.at(0));
        a.mov(DWORD, TEMP, ADDRESS);
        a.shift(Shift.SHR, DWORD, TEMP, JumpCache.HASH_SHIFT);
        a.xor(DWORD, TEMP, ADDRESS);
        a.and(DWORD, TEMP, JumpCache.ENTRIES - 1);
        int tlb = code.mode.tlb();
        a.alu(Alu.CMP, QWORD, ADDRESS, Mem.at(STRUCT, TEMP, 8, JumpCache.tags(tlb)));
        a.j(Cond.NE, stubs.indirectMiss);
        a.jmp(Mem.at(STRUCT, TEMP, 8, JumpCache.targets(tlb)));
    }
}
