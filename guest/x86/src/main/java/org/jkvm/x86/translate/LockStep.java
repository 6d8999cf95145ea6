package org.jkvm.x86.translate;

import static org.jkvm.linux.RawMemory.getInt;
import static org.jkvm.linux.RawMemory.putInt;
import static org.jkvm.linux.RawMemory.putLong;

import java.util.Arrays;
import java.util.Set;
import org.jkvm.x86.ExitSignal;
import org.jkvm.x86.GuestFault;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.exec.Block;
import org.jkvm.x86.exec.CodeMode;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.mmu.Speculation;
import org.jkvm.x86.state.CpuState;

/**
 * Lock-step mode: before generated code runs, the interpreter executes the same instructions ahead, its stores kept beside
 * memory; afterwards registers, flags, vectors and memory must be what it foretold. Meant for one vCPU: what devices write
 * between the two looks like a difference, so that one is believed only when it shows {@link #ATTEMPTS} times.
 */
final class LockStep implements AutoCloseable {
    private static final int ATTEMPTS = 4;
    private static final Set<String> REPEATED = Set.of("MOVS", "STOS");
    private static final String NO_MEMORY = "no plain memory";
    private static final int RCX = 1;
    private static final int RSP = 4;
    private static final int RSI = 6;
    private static final int RDI = 7;

    private final X86Cpu cpu;
    private final CodeText text;
    private final Speculation stores = new Speculation();
    private final UndefinedFlags undefined = new UndefinedFlags();
    private final Snapshot before;
    private final Snapshot expected;
    private final Snapshot found;
    private Translation translation;
    private int from;
    private int reached;
    private String stopped;
    private int attempts;
    private long compared;
    private long uncompared;

    LockStep(X86Cpu cpu, CodeText text) {
        this.cpu = cpu;
        this.text = text;
        this.before = new Snapshot(cpu);
        this.expected = new Snapshot(cpu);
        this.found = new Snapshot(cpu);
    }

    /** A line for {@code info jit}. */
    String describe() {
        return "lock-step: %d runs compared, %d not comparable%n".formatted(compared, uncompared);
    }

    /** Generated code is about to run from instruction {@code first} of {@code t}. */
    void foretell(Translation t, int first) {
        translation = t;
        from = first;
        if (t.ahead == null) {
            t.ahead = ahead(t.block);
        }
        before.take(t.isWide());
        execute(t.block.insns.length);
        cpu.instructions += reached - from;
        before.restore();
    }

    /** Executes ahead up to instruction {@code limit}; {@link #expected} and {@link #reached} are the result. */
    private void execute(int limit) {
        Block block = translation.block;
        putLong(cpu.st + CpuState.BLOCK_RIP, block.rip());
        cpu.rip = new CodeMode(block.mode).wrapOffset(block.rip() + block.length);
        stores.forget(0);
        undefined.clear();
        stopped = "";
        boolean leave = cpu.leaveBlock;
        boolean shadow = cpu.interruptShadow;
        cpu.mmu.speculate(stores);
        try {
            for (reached = from; reached < limit; reached++) {
                if (!translation.ahead[reached]) {
                    stopped = "left";
                    break;
                }
                if (!execute(block.insns[reached])) {
                    break;
                }
            }
        } finally {
            cpu.mmu.settle();
            cpu.mmu.selectTlb();
            cpu.leaveBlock = leave;
            cpu.interruptShadow = shadow;
        }
        expected.take(translation.isWide());
    }

    /** Executes one instruction ahead; whether that was possible. Nothing is changed if not. */
    private boolean execute(Insn i) {
        int kept = stores.count();
        long result = cpu.flagResult;
        long carry = cpu.flagCarry;
        long aux = cpu.flagAux;
        int mxcsr = getInt(cpu.st + CpuState.MXCSR); // #XM leaves its cause there.
        int level = cpu.cpl; // INT changes stack and level as it goes.
        long rsp = cpu.general(RSP);
        long rcx = cpu.general(RCX); // REP leaves what is done.
        long rsi = cpu.general(RSI);
        long rdi = cpu.general(RDI);
        try {
            undefined.before(cpu, i);
            long next = cpu.rip;
            do {
                cpu.rip = next;
                cpu.leaveBlock = false;
                i.handler.execute(cpu, i);
            } while (cpu.rip != next && REPEATED.contains(i.row.mnemonic())); // It made way for a request, which waits.
            return true;
        } catch (GuestFault | ExitSignal | Speculation.Stop stop) {
            stopped = stop instanceof GuestFault fault ? "vector " + fault.vector() : NO_MEMORY;
            stores.forget(kept);
            undefined.takeBack();
            cpu.flagResult = result;
            cpu.flagCarry = carry;
            cpu.flagAux = aux;
            putInt(cpu.st + CpuState.MXCSR, mxcsr);
            cpu.cpl = level;
            cpu.setGeneral(RSP, rsp);
            cpu.setGeneral(RCX, rcx);
            cpu.setGeneral(RSI, rsi);
            cpu.setGeneral(RDI, rdi);
            return false;
        }
    }

    private static boolean[] ahead(Block block) {
        Insn[] insns = block.insns;
        CodeMode mode = new CodeMode(block.mode);
        boolean[] ahead = new boolean[insns.length];
        for (int n = 0; n < insns.length; n++) {
            ahead[n] = Recipe.of(insns[n]) != Recipe.LEAVE && (mode.paragraphs() || !SegmentCode.loads(insns[n]))
                    && canFollow(insns[n].row.mnemonic(), mode);
        }
        return ahead;
    }

    /** Not the time, which goes on, nor what may do more to segments than generated code does. */
    private static boolean canFollow(String mnemonic, CodeMode mode) {
        return switch (mnemonic) {
            case "RDTSC", "RDTSCP" -> false;
            case "JMPF", "CALLF", "RETF" -> mode.paragraphs();
            case "INT", "INT3" -> mode.real();
            case "IRET" -> mode.real() || mode.is64();
            default -> true;
        };
    }

    /**
     * Generated code came back, with all instructions before number {@code next} executed; RIP is the processor's where that is
     * all of them.
     *
     * @return whether that is what the interpreter foretold; otherwise the processor is as it was before, to try again
     * @throws LockStepDifference when it differs again and again
     */
    boolean agrees(int next) {
        found.take(translation.isWide());
        if (next < reached) {
            foretellLess(next);
        }
        if (next > reached && wentFurther() || undefined.used()) {
            uncompared++;
            attempts = 0;
            return true;
        }
        if (isSame(next)) {
            compared++;
            attempts = 0;
            return true;
        }
        if (++attempts == ATTEMPTS) {
            throw difference(next);
        }
        stores.undo();
        before.restore();
        return false;
    }

    /** Whether generated code could go on where the interpreter could not: by a span whose page the TLB has no more. */
    private boolean wentFurther() {
        return stopped.equals("left") || stopped.equals(NO_MEMORY) && !translation.checks.isEmpty();
    }

    /** Generated code left before the interpreter did: executes ahead again, from memory as it was, up to there. */
    private void foretellLess(int next) {
        long[] memory = stores.read();
        stores.undo();
        before.restore();
        execute(next);
        found.restore();
        stores.write(Arrays.copyOf(memory, stores.count())); // The same stores, fewer of them.
    }

    private boolean isSame(int next) {
        Block block = translation.block;
        boolean is64 = new CodeMode(block.mode).is64();
        return next == reached && found.agrees(expected, undefined.mask(), is64, next == block.insns.length)
                && stores.isInMemory();
    }

    private LockStepDifference difference(int next) {
        Block block = translation.block;
        Insn[] insns = block.insns;
        String where = "at %x, instructions %d to %d of %d".formatted(block.linear, from, next, insns.length);
        String details = "generated code went to instruction %d, the interpreter to %d (%s)%n%s%nstores%n%s%n%s%n%s".formatted(next,
                reached, stopped, Snapshot.describe(before, expected, found), stores.describe(), text.guest(block),
                text.host(translation));
        return new LockStepDifference("translator and interpreter differ " + where, details);
    }

    @Override
    public void close() {
        stores.close();
        before.close();
        expected.close();
        found.close();
    }
}
