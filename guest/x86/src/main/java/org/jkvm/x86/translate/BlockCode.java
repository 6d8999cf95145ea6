package org.jkvm.x86.translate;

import static org.jkvm.x64.Size.DWORD;
import static org.jkvm.x64.Size.QWORD;
import static org.jkvm.x64.Size.WORD;
import static org.jkvm.x86.translate.HostRegisters.ADDRESS;
import static org.jkvm.x86.translate.HostRegisters.TEMP;
import static org.jkvm.x86.translate.HostRegisters.field;
import static org.jkvm.x86.translate.HostRegisters.slot;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.x64.ArithmeticInstructions.Shift;
import org.jkvm.x64.Assembler;
import org.jkvm.x64.Cond;
import org.jkvm.x64.Gpr;
import org.jkvm.x64.Label;
import org.jkvm.x64.Size;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/**
 * The code of one block while it is written: assembler, place of the flags, memory operands, and what comes out of line behind
 * it, which every family of instructions needs.
 */
final class BlockCode {
    private static final int CANONICAL_SHIFT = 16;

    final Assembler a;
    final FlagKeeper flags;
    final Block block;
    private final FlagFuture future;
    final CodeMode mode;
    private final Stubs stubs;
    /** RIP of the block's first instruction. */
    final long rip;
    private final List<Runnable> cold = new ArrayList<>();
    private final Label leave = new Label();
    private final Relocations relocations = new Relocations();
    private int number;
    private Label step;
    private Insn x87Last;
    /** Its memory operands. */
    final MemoryCode memory;
    private boolean inLoop;
    private Crossing written;

    BlockCode(Block block, Assembler a, Stubs stubs, Recipe... recipes) {
        this.stubs = stubs;
        this.future = new FlagFuture(block, recipes);
        this.block = block;
        this.mode = new CodeMode(block.mode);
        this.rip = block.rip();
        this.a = a;
        this.flags = new FlagKeeper(a, FlagKeeper.Place.MEMORY);
        this.memory = new MemoryCode(this, recipes);
    }

    /** Begins with instruction {@code n} of the block. */
    void begin(int n) {
        number = n;
        step = null;
        written = null;
    }

    /** The present instruction is written. */
    void end() {
        if (written != null) {
            written.end();
        }
    }

    /** Writes the block once more, as a loop whose spans {@code checked} are good for many turns. */
    void beginLoop(List<Spans.Span> checked) {
        memory.beginLoop(checked);
        inLoop = true;
    }

    /** The number of the instruction being written. */
    int number() {
        return number;
    }

    /** RIP of what follows {@code i}. */
    long next(Insn i) {
        return mode.wrapOffset(rip + i.end);
    }

    /** Puts {@code address}, which moves with the block, into {@code to}. */
    void address(Gpr to, long address) {
        a.mov(to, address);
        relocations.address(a.length(), address);
    }

    /** What has to be changed when the block is placed again for another linear address. */
    Relocations relocations() {
        return relocations;
    }

    // ---- exits ----

    /** Writes {@code code} behind the block. */
    void outOfLine(Runnable code) {
        cold.add(code);
    }

    /**
     * Where to jump, flags {@linkplain #spareFlags spared}, to have the interpreter execute the present instruction; in a loop,
     * this and the rest of the turn.
     */
    Label step() {
        if (step == null) {
            int reason = inLoop ? ExitReason.SPAN.at(memory.spans().goingOn(number)) : ExitReason.STEP.at(number);
            step = exit(reason, () -> { });
        }
        return step;
    }

    /** Whether the present instruction may leave by {@link #step}, by what was written of it so far. */
    boolean mayStep() {
        return step != null;
    }

    /**
     * What the present instruction does about an operand of {@code size} bytes where it is not whole in the page that was looked
     * up; null where that is the interpreter's business.
     */
    Crossing crossing(int tlb, int tag, int size) {
        if (!Crossing.possible(block.insns[number], mode, tlb, size)) {
            return null;
        }
        boolean first = step == null;
        boolean write = tag == Mmu.WRITE_TAG;
        Crossing crossing = new Crossing(this, stubs.crossings, tlb, write, size);
        outOfLine(() -> crossing.write(first));
        crossing.steps(step());
        written = write ? crossing : written;
        return crossing;
    }

    /** Where to jump, flags spared, to leave before the present instruction, {@code first} being done. */
    Label exit(int reason, Runnable first) {
        Label label = new Label();
        Insn x87 = x87Last;
        FlagSource pending = flags.pending();
        outOfLine(() -> {
            a.bind(label);
            first.run();
            recordX87(x87);
            if (pending != null) {
                pending.write(a);
                FlagKeeper.writeSave(a);
            }
            leave(reason);
        });
        return label;
    }

    /** Leaves with {@code reason}, flags in memory. */
    void leave(int reason) {
        a.mov(DWORD, field(CpuState.EXIT_REASON), reason);
        a.jmp(leave);
    }

    /** Leaves with {@code reason}, an indirect branch's, for the block's beginning; flags in memory. */
    void leaveForBeginning(ExitReason reason) {
        address(ADDRESS, rip);
        a.mov(QWORD, field(CpuState.EXIT_TARGET), ADDRESS);
        leave(reason.at(0));
    }

    /** Writes what was put out of line, and the exit of all. */
    void finish(int id) {
        for (int n = 0; n < cold.size(); n++) {
            cold.get(n).run(); // May put more out of line.
        }
        a.bind(leave);
        a.mov(DWORD, field(CpuState.EXIT_BLOCK), id);
        relocations.id(a.length());
        a.jmp(stubs.exit);
        relocations.outward(a.outwardDisplacements());
    }

    // ---- flags ----

    /** The host's flags are about to be clobbered; the instruction may leave by {@link #step} from here on. */
    void spareFlags() {
        FlagSource source = flags.source();
        if (source != null && future.keeps(source.registers(), number)) {
            flags.forget();
        } else if (source != null && future.comeBack(number)) {
            flags.keepSource();
        } else {
            flags.clobber();
        }
    }

    /** What the flags are of that {@code i}, the present instruction and about to be executed, sets; null where that is lost. */
    FlagSource source(Insn i) {
        return !FlagSource.isShift(i) ? FlagSource.of(i) : future.isInterrupted(number) ? FlagSource.beforeShift(i, a) : null;
    }

    /** Which registers the host's flags can be had from at the block's end, if that is so at its beginning too; otherwise null. */
    FlagSource sourceAtBeginning() {
        FlagSource source = flags.source();
        return source != null && source.isOfRegisters() && future.keeps(source.registers(), 0) ? source : null;
    }

    /** What comes next in this block wants flags that the present instruction leaves. */
    boolean wantsFlagsNext() {
        return future.wantedNext(number);
    }

    /** {@code i}, the present instruction, comes next. */
    void needFlags(Insn i) {
        if (!Effects.needsFlags(i) || !Effects.reads(i) && future.overwritesAll(number)) {
            return;
        }
        if (Effects.needsCarryOnly(i)) {
            flags.needCarry();
        } else {
            flags.need();
        }
    }

    // ---- pointers to the last x87 instruction ----

    /** {@code i} is the last x87 instruction so far; to be recorded when the block is left. */
    void executedX87(Insn i) {
        x87Last = i;
    }

    /** The block is about to end: records its last x87 instruction. */
    void endX87() {
        recordX87(x87Last);
        x87Last = null;
    }

    /** FOP, FCS and FIP (SDM vol. 1, section 8.1.8); changes no flags. */
    private void recordX87(Insn i) {
        if (i != null) {
            a.mov(WORD, field(CpuState.FOP), (i.row.code() & 7) << 8 | i.modrm);
            address(ADDRESS, rip + i.start);
            a.mov(QWORD, field(CpuState.FIP), ADDRESS);
            copySelector(Segment.CS, CpuState.FCS);
        }
    }

    /** Copies a segment's selector to a field of the struct; uses ADDRESS. */
    void copySelector(int segment, int to) {
        a.movzx(DWORD, ADDRESS, WORD, field(CpuState.segment(segment) + CpuState.SELECTOR));
        a.mov(WORD, field(to), ADDRESS);
    }

    // ---- guest registers ----

    /** The host register that holds guest register {@code number}; one of the struct is loaded into {@code scratch}. */
    Gpr load(int register, Gpr scratch) {
        Gpr host = HostRegisters.of(register);
        if (host != null) {
            return host;
        }
        a.mov(QWORD, scratch, slot(register));
        return scratch;
    }

    /** Stores a guest register that {@link #load} put into {@code holder} and the code changed. */
    void store(int register, Gpr holder) {
        if (HostRegisters.of(register) == null) {
            a.mov(QWORD, slot(register), holder);
        }
    }

    /** Sets the general register at {@code location} of the struct, {@code size} bytes of it, to {@code from}. */
    void set(int location, int size, Gpr from) {
        Gpr host = HostRegisters.of(location - CpuState.GENERAL >> 3);
        a.mov(IntegerCode.size(size), host == null ? field(location) : host, from);
    }

    /** Leaves where {@code address} is not canonical: its upper 17 bits are not the same. Flags must be spared. TEMP is used. */
    void requireCanonical(Gpr address) {
        a.mov(QWORD, TEMP, address);
        a.shift(Shift.SHL, QWORD, TEMP, CANONICAL_SHIFT);
        a.shift(Shift.SAR, QWORD, TEMP, CANONICAL_SHIFT);
        a.cmp(QWORD, TEMP, address);
        a.j(Cond.NE, step());
    }

    /** Whether guest register {@code register} is in a register of the host's; none is. */
    boolean isHeld(int register) {
        return register < 0 || HostRegisters.of(register) != null;
    }
}
