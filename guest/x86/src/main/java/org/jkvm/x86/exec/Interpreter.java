package org.jkvm.x86.exec;

import static org.jkvm.linux.RawMemory.putLong;

import org.jkvm.x86.ExitSignal;
import org.jkvm.x86.GuestFault;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.isa.Insn;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Request;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;
import org.jkvm.x86.trap.Interrupts;

/**
 * Guest mode in Java: runs decoded blocks until something needs kernel mode's decision. Chained blocks run in an inner
 * loop that looks at one word of requests a block; single steps, breakpoints and interrupt shadows go one instruction at
 * a time.
 */
public final class Interpreter {
    /** Why {@link #run} came back. */
    public enum Outcome {
        /** A request bit needs the caller: kick, INIT, SIPI, flush. */
        REQUEST,
        /** HLT: nothing to do until a request. */
        HALT,
        /** The bus has to leave to user mode; run again to repeat the instruction. */
        EXIT,
        /** Triple fault. */
        SHUTDOWN
    }

    private static final int CALLER = Request.INIT | Request.SIPI | Request.KICK | Request.FLUSH_TLB | Request.CODE_WRITTEN
            | Request.STEPPED;
    private static final int ALL = -1;
    /** Instructions that a processor may keep decoded, however many others there are. */
    private static final int LEAST_KEPT = 20_000;

    private final X86Cpu cpu;
    private final BlockCache cache;
    private NativeBlocks natives;
    private int threshold;
    private int faultSegment;
    private boolean singly;

    /** An interpreter for {@code cpu}. */
    public Interpreter(X86Cpu cpu) {
        this.cpu = cpu;
        this.cache = new BlockCache(cpu);
    }

    /** Hands blocks to {@code translations} from now on, each after it was interpreted {@code executions} times; 0 or more. */
    public void translateWith(NativeBlocks translations, int executions) {
        natives = translations;
        threshold = executions;
        cache.translateWith(translations);
    }

    /** Says that there are {@code processors} of this kind, which share what may be kept of decoded code. */
    public void shareAmong(int processors) {
        cache.keepAtMost(Math.clamp(2 * BlockCache.MOST_KEPT / processors, LEAST_KEPT, BlockCache.MOST_KEPT));
    }

    /** Tells of bytes written by someone else: a device. On the vCPU's thread. */
    public void codeWritten(long address, int size) {
        cache.written(address, size);
    }

    /** Forgets that an instruction was to be repeated. */
    public void forgetRepetition() {
        singly = false;
    }

    /** Forgets all decoded code, and that an instruction was to be repeated. */
    public void clear() {
        forgetRepetition();
        cache.clear();
    }

    /** Counters for {@code info jit}: blocks kept, decoded, dropped. */
    public long[] counters() {
        return new long[] {cache.size(), cache.decoded(), cache.invalidated()};
    }

    /** Executes the next instruction alone: after an exit, so that what user mode answered belongs to it only. */
    public void stepNext() {
        singly = true;
    }

    /** Runs until the caller is needed. */
    public Outcome run() {
        for (;;) {
            try {
                Outcome leave = singly ? null : between();
                if (leave != null) {
                    return leave;
                }
                advance();
            } catch (ExitSignal exit) {
                return Outcome.EXIT;
            } catch (Interrupts.Shutdown tripleFault) {
                return Outcome.SHUTDOWN;
            }
        }
    }

    /**
     * What happens between instructions: requests and interrupts. Not between the exit of an instruction and its repetition,
     * which has answers waiting for it.
     */
    private Outcome between() {
        int requests = cpu.requests();
        if ((requests & CALLER) != 0) {
            return Outcome.REQUEST;
        }
        return !accept(requests) && cpu.halted ? Outcome.HALT : null;
    }

    /** Takes an interrupt if there is one and it may come now. */
    private boolean accept(int requests) {
        if (requests == 0 || cpu.interruptShadow) {
            return false;
        }
        if ((requests & Request.NMI) != 0 && !cpu.nmiBlocked) {
            cpu.clearRequest(Request.NMI);
            cpu.halted = false;
            cpu.nmiBlocked = true;
            cpu.interrupts.external(Vector.NMI);
            return true;
        }
        if ((requests & Request.INTR) != 0 && cpu.flag(Rflags.IF)) {
            int vector = cpu.bus.acknowledgeInterrupt();
            if (vector >= 0) {
                cpu.halted = false;
                cpu.interrupts.external(vector);
                return true;
            }
        }
        return false;
    }

    private void advance() {
        try {
            if (singly || cpu.interruptShadow || cpu.debug.breaking() || cpu.flag(Rflags.TF)) {
                step();
            } else {
                cpu.setFlag(Rflags.RF, false); // It would hold back breakpoints, of which there are none.
                chain();
            }
        } catch (GuestFault fault) {
            raise(fault);
        }
    }

    /** Request bits that end the inner loop: interrupts only where they may come. */
    private int attention() {
        int wanted = ALL & ~(cpu.nmiBlocked ? Request.NMI : 0);
        return cpu.flag(Rflags.IF) ? wanted : wanted & ~Request.INTR;
    }

    private void chain() {
        cpu.leaveBlock = false;
        faultSegment = Segment.NONE;
        Block block = cache.find();
        do {
            if (isNative(block)) {
                block.used = true;
                cpu.allowRun(attention());
                natives.run(block);
            } else {
                execute(block);
            }
            if (cpu.leaveBlock) {
                trap(false);
                return;
            }
            Block next = block.follower(cache.linear(), BlockCache.mode(cpu), cpu.mmu.epoch());
            if (next == null) {
                faultSegment = Segment.NONE;
                next = cache.find();
                block.link(next);
            }
            block = next;
        } while ((cpu.requests() & attention()) == 0);
    }

    /** Whether {@code block} has a translation, or gets one now that it is about to be executed often enough. */
    private boolean isNative(Block block) {
        if (block.translation == null && natives != null && block.heat++ >= threshold) {
            natives.translate(block);
        }
        return block.translation != null;
    }

    /**
     * Executes instruction {@code n} of {@code block} alone; RIP is behind it afterwards, or where it branched to. For
     * {@link NativeBlocks}.
     */
    public void executeOne(Block block, int n) {
        X86Cpu c = cpu;
        Insn i = block.insns[n];
        long start = block.rip();
        putLong(c.st + CpuState.BLOCK_RIP, start);
        c.rip = c.codeBits == 64 ? start + i.end : wrap(start + i.end);
        try {
            i.handler.execute(c, i);
            c.instructions++;
        } catch (GuestFault | ExitSignal thrown) {
            c.rip = start + i.start;
            faultSegment = i.segment;
            throw thrown;
        }
    }

    /** Executes a block; on a fault RIP is put back to the instruction that raised it. */
    private void execute(Block block) {
        X86Cpu c = cpu;
        Insn[] insns = block.insns;
        long start = c.rip;
        putLong(c.st + CpuState.BLOCK_RIP, start);
        c.rip = c.codeBits == 64 ? start + block.length : wrap(start + block.length);
        int n = 0;
        try {
            for (; n < insns.length; n++) {
                Insn i = insns[n];
                i.handler.execute(c, i);
                if (c.leaveBlock && n + 1 < insns.length) {
                    c.rip = start + insns[n].end;
                    break;
                }
            }
        } catch (GuestFault | ExitSignal thrown) {
            c.rip = start + insns[n].start;
            faultSegment = insns[n].segment;
            throw thrown;
        } finally {
            c.instructions += n;
        }
    }

    private long wrap(long rip) {
        return rip & (cpu.codeBits == 32 ? 0xffff_ffffL : 0xffffL);
    }

    /** One instruction, with all that hangs on instruction boundaries: shadows, RF, breakpoints, single step. */
    private void step() {
        cpu.leaveBlock = false;
        faultSegment = Segment.NONE;
        boolean stepped = cpu.flag(Rflags.TF);
        if (!cpu.stackShadow && cpu.debug.checkFetch(cache.linear())) {
            retire();
            return;
        }
        Block block = cache.single();
        cpu.interruptShadow = false;
        cpu.stackShadow = false;
        cpu.setFlag(Rflags.RF, false);
        executeOnce(block);
        retire();
        trap(stepped);
    }

    /** What has to leave is repeated: breakpoints at it have been looked at already. */
    private void executeOnce(Block block) {
        try {
            execute(block);
        } catch (ExitSignal exit) {
            cpu.setFlag(Rflags.RF, cpu.debug.breaking());
            throw exit;
        }
    }

    private void trap(boolean stepped) {
        if (!cpu.stackShadow) {
            cpu.debug.trap(stepped);
        }
    }

    private void retire() {
        if (singly) {
            singly = false;
            cpu.bus.retired();
        }
    }

    private void raise(GuestFault fault) {
        int vector = fault.vector();
        retire();
        boolean stackAccess = vector == Vector.GP && fault.nonCanonical() && faultSegment == Segment.SS;
        if (vector != Vector.DB) {
            cpu.setFlag(Rflags.RF, true);
        }
        cpu.interrupts.raise(stackAccess ? Vector.SS : vector, fault.errorCode());
    }
}
