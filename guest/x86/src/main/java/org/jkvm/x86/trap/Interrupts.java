package org.jkvm.x86.trap;

import static org.jkvm.linux.RawMemory.getLong;

import java.util.Locale;
import org.jkvm.x86.GuestFault;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/** Delivers interrupts and exceptions through the IDT or the real-mode vector table (SDM vol. 3A, chapter 6). */
public final class Interrupts {
    /** Where an event comes from; decides privilege checks and the EXT bit of error codes. */
    public enum Kind {
        /** Raised by an instruction. */
        EXCEPTION,
        /** From outside. */
        EXTERNAL,
        /** INT n, INT3, INTO. */
        SOFTWARE
    }

    /** No delivery can succeed any more: triple fault. */
    public static final class Shutdown extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Shutdown() {
            super(null, null, false, false);
        }
    }

    private static final System.Logger LOG = System.getLogger(Interrupts.class.getName());

    private final X86Cpu cpu;
    private final boolean logs = areLogged();
    private final Shutdown shutdown = new Shutdown();
    private final long[] counts = new long[256];

    /** Made by the processor. */
    public Interrupts(X86Cpu cpu) {
        this.cpu = cpu;
    }

    /** Whether each delivery is logged. */
    public static boolean areLogged() {
        return LOG.isLoggable(System.Logger.Level.DEBUG);
    }

    /** How often each vector was delivered; INT of generated code is not counted. */
    public long[] counts() {
        return counts;
    }

    /** Delivers an exception with RIP at the faulting instruction; a fault on the way becomes #DF, then shutdown. */
    public void raise(int vector, int errorCode) {
        deliverNested(vector, Kind.EXCEPTION, errorCode);
    }

    /** Delivers an interrupt from outside. */
    public void external(int vector) {
        deliverNested(vector, Kind.EXTERNAL, GuestFault.NO_ERROR_CODE);
    }

    /** INT n, INT3, INTO: RIP is already that of the next instruction; a fault leaves to the caller as #GP etc. */
    public void software(int vector) {
        deliver(vector, Kind.SOFTWARE, GuestFault.NO_ERROR_CODE);
    }

    private void deliverNested(int vector, Kind kind, int errorCode) {
        Kind how = kind;
        int now = vector;
        int code = errorCode;
        for (;;) {
            try {
                deliver(now, how, code);
                return;
            } catch (GuestFault second) {
                boolean first = how == Kind.EXCEPTION;
                if (first && now == Vector.DF) {
                    throw shutdown;
                }
                boolean doubled = first && doubles(now, second.vector());
                now = doubled ? Vector.DF : second.vector();
                code = doubled ? 0 : second.errorCode();
                how = Kind.EXCEPTION;
            }
        }
    }

    /** SDM vol. 3A, table 6-5. */
    private static boolean doubles(int first, int second) {
        boolean secondContributory = contributory(second);
        return contributory(first) && secondContributory
                || first == Vector.PF && (secondContributory || second == Vector.PF);
    }

    private static boolean contributory(int vector) {
        return vector == Vector.DE || vector >= Vector.TS && vector <= Vector.GP;
    }

    private void deliver(int vector, Kind kind, int errorCode) {
        counts[vector]++;
        if (logs) {
            log(vector, kind, errorCode);
        }
        if (!cpu.protectedMode()) {
            deliverReal(vector);
        } else if (cpu.longMode()) {
            deliverLong(vector, kind, errorCode);
        } else {
            deliverProtected(vector, kind, errorCode);
        }
        cpu.leaveBlock = true;
    }

    private void log(int vector, Kind kind, int errorCode) {
        LOG.log(System.Logger.Level.DEBUG, "v=%02x e=%04x %s cpl=%d IP=%04x:%016x SP=%04x:%016x CR2=%016x".formatted(vector,
                errorCode & 0xffff, kind.name().toLowerCase(Locale.ROOT), cpu.cpl, cpu.segments.selector(Segment.CS), cpu.rip,
                cpu.segments.selector(Segment.SS), cpu.general(4), getLong(cpu.st + CpuState.CONTROL + 16)));
    }

    /** SDM vol. 3B, section 20.1.4. */
    private void deliverReal(int vector) {
        if (vector * 4 + 3 > getLong(cpu.st + CpuState.IDTR + 8)) {
            throw cpu.fault(Vector.GP, vector * 8 + 2);
        }
        long entry = cpu.mmu.loadSystem(getLong(cpu.st + CpuState.IDTR) + vector * 4L, 4);
        long sp = cpu.general(4);
        try {
            cpu.push(2, cpu.rflags());
            cpu.push(2, cpu.segments.selector(Segment.CS));
            cpu.push(2, cpu.rip);
        } catch (GuestFault f) {
            cpu.setGeneral(4, sp);
            throw f;
        }
        cpu.setRflags(cpu.rflags() & ~(Rflags.IF | Rflags.TF | Rflags.AC | Rflags.RF));
        int selector = (int) (entry >>> 16);
        cpu.segments.set(Segment.CS, selector, (long) selector << 4, (int) cpu.segments.limit(Segment.CS),
                cpu.segments.access(Segment.CS));
        cpu.rip = entry & 0xffff;
    }

    // ---- protected mode ----

    private void deliverProtected(int vector, Kind kind, int errorCode) {
        int ext = kind == Kind.SOFTWARE ? 0 : 1;
        if (vector * 8 + 7 > getLong(cpu.st + CpuState.IDTR + 8)) {
            throw cpu.fault(Vector.GP, vector * 8 + 2 + ext);
        }
        long at = getLong(cpu.st + CpuState.IDTR) + vector * 8L & 0xffff_ffffL;
        Descriptor gate = new Descriptor(cpu.mmu.loadSystem(at, 8), 0);
        checkGate(gate, vector, kind, ext);
        if (gate.systemType() == Descriptor.TASK_GATE) {
            cpu.segments.checkTaskGate(gate, ext);
            new TaskSwitch(cpu).interrupt(gate.gateSelector(), errorCode, ext);
            return;
        }
        enter(gate, errorCode, ext);
    }

    private void checkGate(Descriptor gate, int vector, Kind kind, int ext) {
        boolean known = switch (gate.systemType()) {
            case Descriptor.INTERRUPT_GATE32, Descriptor.TRAP_GATE32 -> true;
            case Descriptor.TASK_GATE, Descriptor.INTERRUPT_GATE16, Descriptor.TRAP_GATE16 -> !cpu.longMode();
            default -> false;
        };
        if (!known || kind == Kind.SOFTWARE && gate.dpl() < cpu.cpl) {
            throw cpu.fault(Vector.GP, vector * 8 + 2 + ext);
        }
        if (!gate.present()) {
            throw cpu.fault(Vector.NP, vector * 8 + 2 + ext);
        }
    }

    private Descriptor handlerSegment(Descriptor gate, int ext) {
        int selector = gate.gateSelector();
        if ((selector & ~3) == 0) {
            throw cpu.fault(Vector.GP, ext);
        }
        Descriptor code;
        try {
            code = cpu.segments.descriptor(selector, Vector.GP);
        } catch (GuestFault f) {
            throw f.vector() == Vector.GP ? cpu.fault(Vector.GP, f.errorCode() | ext) : f;
        }
        if (!code.code() || code.dpl() > cpu.cpl) {
            throw cpu.fault(Vector.GP, selector & 0xfffc | ext);
        }
        if (!code.present()) {
            throw cpu.fault(Vector.NP, selector & 0xfffc | ext);
        }
        return code;
    }

    private void enter(Descriptor gate, int errorCode, int ext) {
        Descriptor code = handlerSegment(gate, ext);
        boolean v86 = cpu.virtual8086();
        int level = code.conforming() ? cpu.cpl : code.dpl();
        if (v86 && level != 0) {
            throw cpu.fault(Vector.GP, gate.gateSelector() & 0xfffc | ext);
        }
        int size = gate.bits32() ? 4 : 2;
        StackFrame frame = level < cpu.cpl ? innerFrame(level, size, ext) : StackFrame.current(cpu, size);
        if (v86) {
            for (int n : new int[] {Segment.GS, Segment.FS, Segment.DS, Segment.ES}) {
                frame.push(cpu.segments.selector(n));
            }
        }
        if (level < cpu.cpl) {
            frame.push(cpu.segments.selector(Segment.SS));
            frame.push(cpu.general(4));
        }
        frame.push(cpu.rflags());
        frame.push(cpu.segments.selector(Segment.CS));
        frame.push(cpu.rip);
        if (errorCode != GuestFault.NO_ERROR_CODE) {
            frame.push(errorCode);
        }
        boolean interruptGate = (gate.systemType() & 1) == 0;
        leaveTo(gate, code, level, frame, v86, interruptGate);
    }

    private StackFrame innerFrame(int level, int size, int ext) {
        long[] stack = cpu.segments.innerStack(level);
        Descriptor ss;
        try {
            ss = cpu.segments.checkStack((int) stack[1], level, Vector.TS);
        } catch (GuestFault f) {
            throw f.vector() == Vector.PF ? f : cpu.fault(f.vector(), f.errorCode() | ext);
        }
        return StackFrame.inner(cpu, (int) stack[1], ss, stack[0], size, level, ext);
    }

    private void leaveTo(Descriptor gate, Descriptor code, int level, StackFrame frame, boolean v86, boolean clearIf) {
        int drop = Rflags.TF | Rflags.NT | Rflags.RF | Rflags.VM | (clearIf ? Rflags.IF : 0);
        cpu.setRflags(cpu.rflags() & ~drop);
        cpu.segments.setCpl(level);
        frame.commit();
        if (v86) {
            for (int n : new int[] {Segment.GS, Segment.FS, Segment.DS, Segment.ES}) {
                cpu.segments.setNull(n, 0);
            }
        }
        cpu.segments.install(Segment.CS, gate.gateSelector() & ~3 | level, code);
        cpu.rip = gate.gateOffset();
    }

    // ---- long mode ----

    /** SDM vol. 3A, section 6.14. */
    private void deliverLong(int vector, Kind kind, int errorCode) {
        int ext = kind == Kind.SOFTWARE ? 0 : 1;
        if (vector * 16 + 15 > getLong(cpu.st + CpuState.IDTR + 8)) {
            throw cpu.fault(Vector.GP, vector * 8 + 2 + ext);
        }
        long at = getLong(cpu.st + CpuState.IDTR) + vector * 16L;
        Descriptor gate = new Descriptor(cpu.mmu.loadSystem(at, 8), cpu.mmu.loadSystem(at + 8, 8) & 0xffff_ffffL);
        checkGate(gate, vector, kind, ext);
        Descriptor code = handlerSegment(gate, ext);
        if (!code.longCode() || code.big()) {
            throw cpu.fault(Vector.GP, gate.gateSelector() & 0xfffc | ext);
        }
        int level = code.conforming() ? cpu.cpl : code.dpl();
        long sp = longStack(gate, level);
        int oldCpl = cpu.cpl;
        cpu.segments.setCpl(level);
        try {
            sp = pushLong(sp, errorCode);
        } catch (GuestFault f) {
            cpu.segments.setCpl(oldCpl);
            throw f;
        }
        boolean interruptGate = gate.systemType() == Descriptor.INTERRUPT_GATE32;
        int drop = Rflags.TF | Rflags.NT | Rflags.RF | Rflags.VM | (interruptGate ? Rflags.IF : 0);
        cpu.setRflags(cpu.rflags() & ~drop);
        if (level != oldCpl) {
            cpu.segments.install(Segment.SS, level, null, level);
        }
        cpu.segments.install(Segment.CS, gate.gateSelector() & ~3 | level, code);
        cpu.setGeneral(4, sp);
        cpu.rip = gate.gateOffset();
    }

    private long longStack(Descriptor gate, int level) {
        if (gate.gateIst() != 0) {
            return cpu.segments.taskField64(0x24 + 8 * (gate.gateIst() - 1)) & ~15L;
        }
        return (level < cpu.cpl ? cpu.segments.taskField64(4 + 8 * level) : cpu.general(4)) & ~15L;
    }

    private long pushLong(long top, int errorCode) {
        if (top << 16 >> 16 != top) {
            throw cpu.fault(Vector.SS, 0);
        }
        long[] frame = {cpu.segments.selector(Segment.SS), cpu.general(4), cpu.rflags(),
            cpu.segments.selector(Segment.CS), cpu.rip};
        long sp = top;
        for (long value : frame) {
            sp -= 8;
            cpu.mmu.store64(sp, value);
        }
        if (errorCode != GuestFault.NO_ERROR_CODE) {
            sp -= 8;
            cpu.mmu.store64(sp, errorCode);
        }
        return sp;
    }
}
