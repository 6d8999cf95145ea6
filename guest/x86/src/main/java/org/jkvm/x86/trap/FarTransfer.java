package org.jkvm.x86.trap;

import org.jkvm.x86.GuestFault;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/**
 * Far JMP, CALL, RET and IRET in every mode (SDM vol. 2; vol. 3A, section 5.8). {@code cpu.rip} is that of the next
 * instruction on entry.
 */
public final class FarTransfer {
    private FarTransfer() {
    }

    private static boolean realOrV86(X86Cpu cpu) {
        return !cpu.protectedMode() || cpu.virtual8086();
    }

    private static void loadRealCode(X86Cpu cpu, int selector, long offset) {
        int access = cpu.virtual8086() ? Segments.V86 : cpu.segments.access(Segment.CS);
        cpu.segments.set(Segment.CS, selector, (long) selector << 4, (int) cpu.segments.limit(Segment.CS), access);
        cpu.rip = offset;
    }

    private static long masked(long offset, int size) {
        return size == 8 ? offset : offset & (size == 4 ? 0xffff_ffffL : 0xffffL);
    }

    /** JMP far; {@code size} is the operand size in bytes. */
    public static void jump(X86Cpu cpu, int selector, long offset, int size) {
        if (realOrV86(cpu)) {
            checkLimit(cpu, masked(offset, size), 0xffff_ffffL & cpu.segments.limit(Segment.CS));
            loadRealCode(cpu, selector, masked(offset, size));
            return;
        }
        Descriptor d = target(cpu, selector);
        if (d.code()) {
            direct(cpu, selector, d, masked(offset, size));
            return;
        }
        switch (d.systemType()) {
            case Descriptor.CALL_GATE32, Descriptor.CALL_GATE16 -> jumpGate(cpu, selector, d);
            case Descriptor.TASK_GATE, Descriptor.TSS16, Descriptor.TSS32 -> task(cpu, selector, d, false);
            default -> throw cpu.segments.selectorFault(Vector.GP, selector);
        }
    }

    private static Descriptor target(X86Cpu cpu, int selector) {
        if ((selector & ~3) == 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        return cpu.segments.systemDescriptor(selector, Vector.GP);
    }

    private static void checkDirect(X86Cpu cpu, int selector, Descriptor d) {
        boolean allowed = d.conforming() ? d.dpl() <= cpu.cpl : d.dpl() == cpu.cpl && (selector & 3) <= cpu.cpl;
        if (!allowed || cpu.longMode() && d.longCode() && d.big()) {
            throw cpu.segments.selectorFault(Vector.GP, selector);
        }
        if (!d.present()) {
            throw cpu.segments.selectorFault(Vector.NP, selector);
        }
    }

    private static void checkTarget(X86Cpu cpu, Descriptor d, long offset) {
        if (cpu.longMode() && d.longCode()) {
            checkCanonical(cpu, offset);
        } else {
            checkLimit(cpu, offset, d.limit() & 0xffff_ffffL);
        }
    }

    private static void checkCanonical(X86Cpu cpu, long offset) {
        if (offset << 16 >> 16 != offset) {
            throw cpu.fault(Vector.GP, 0);
        }
    }

    private static void checkLimit(X86Cpu cpu, long offset, long limit) {
        if (offset > limit) {
            throw cpu.fault(Vector.GP, 0);
        }
    }

    private static void direct(X86Cpu cpu, int selector, Descriptor d, long offset) {
        checkDirect(cpu, selector, d);
        checkTarget(cpu, d, offset);
        cpu.segments.install(Segment.CS, selector & ~3 | cpu.cpl, d);
        cpu.rip = offset;
    }

    private static Descriptor checkGate(X86Cpu cpu, int selector, Descriptor gate) {
        if (gate.dpl() < Math.max(cpu.cpl, selector & 3)
                || cpu.longMode() && gate.systemType() == Descriptor.CALL_GATE16) {
            throw cpu.segments.selectorFault(Vector.GP, selector);
        }
        if (!gate.present()) {
            throw cpu.segments.selectorFault(Vector.NP, selector);
        }
        if ((gate.gateSelector() & ~3) == 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        Descriptor code = cpu.segments.descriptor(gate.gateSelector(), Vector.GP);
        if (!code.code() || code.dpl() > cpu.cpl || cpu.longMode() && (!code.longCode() || code.big())) {
            throw cpu.segments.selectorFault(Vector.GP, gate.gateSelector());
        }
        if (!code.present()) {
            throw cpu.segments.selectorFault(Vector.NP, gate.gateSelector());
        }
        return code;
    }

    private static void jumpGate(X86Cpu cpu, int selector, Descriptor gate) {
        Descriptor code = checkGate(cpu, selector, gate);
        if (!code.conforming() && code.dpl() != cpu.cpl) {
            throw cpu.segments.selectorFault(Vector.GP, gate.gateSelector());
        }
        checkTarget(cpu, code, gate.gateOffset());
        cpu.segments.install(Segment.CS, gate.gateSelector() & ~3 | cpu.cpl, code);
        cpu.rip = gate.gateOffset();
    }

    private static void task(X86Cpu cpu, int selector, Descriptor d, boolean call) {
        if (cpu.longMode() || d.dpl() < Math.max(cpu.cpl, selector & 3)) {
            throw cpu.segments.selectorFault(Vector.GP, selector);
        }
        if (!d.present()) {
            throw cpu.segments.selectorFault(Vector.NP, selector);
        }
        boolean gate = d.systemType() == Descriptor.TASK_GATE;
        if (gate) {
            cpu.segments.checkTaskGateTarget(d.gateSelector());
        }
        int tss = gate ? d.gateSelector() : selector;
        if (call) {
            new TaskSwitch(cpu).call(tss);
        } else {
            new TaskSwitch(cpu).jump(tss);
        }
    }

    /** CALL far. */
    public static void call(X86Cpu cpu, int selector, long offset, int size) {
        long returnTo = cpu.rip;
        if (realOrV86(cpu)) {
            checkLimit(cpu, masked(offset, size), cpu.segments.limit(Segment.CS));
            pushReturn(cpu, size, returnTo);
            loadRealCode(cpu, selector, masked(offset, size));
            return;
        }
        Descriptor d = target(cpu, selector);
        if (d.code()) {
            checkDirect(cpu, selector, d);
            checkTarget(cpu, d, masked(offset, size));
            pushReturn(cpu, size, returnTo);
            direct(cpu, selector, d, masked(offset, size));
            return;
        }
        switch (d.systemType()) {
            case Descriptor.CALL_GATE32, Descriptor.CALL_GATE16 -> callGate(cpu, selector, d);
            case Descriptor.TASK_GATE, Descriptor.TSS16, Descriptor.TSS32 -> task(cpu, selector, d, true);
            default -> throw cpu.segments.selectorFault(Vector.GP, selector);
        }
    }

    /** Pushes CS and RIP; a fault leaves the stack pointer as it was. */
    private static void pushReturn(X86Cpu cpu, int size, long returnTo) {
        long sp = cpu.stackPointer();
        long low = sp - 2L * size & cpu.stackMask;
        long high = sp - size & cpu.stackMask;
        long highAddress = cpu.linear(Segment.SS, high, size, true);
        long lowAddress = cpu.linear(Segment.SS, low, size, true);
        cpu.mmu.probeWrite(lowAddress, size);
        cpu.mmu.store(highAddress, size, cpu.segments.selector(Segment.CS));
        cpu.mmu.store(lowAddress, size, returnTo);
        cpu.setStackPointer(low);
    }

    private static void callGate(X86Cpu cpu, int selector, Descriptor gate) {
        Descriptor shortGate = gate;
        Descriptor code = checkGate(cpu, selector, shortGate);
        checkTarget(cpu, code, gate.gateOffset());
        boolean inner = !code.conforming() && code.dpl() < cpu.cpl;
        int level = inner ? code.dpl() : cpu.cpl;
        if (cpu.longMode()) {
            callGateLong(cpu, gate, code, inner, level);
            return;
        }
        int size = gate.bits32() ? 4 : 2;
        StackFrame frame = inner ? innerFrame(cpu, level, size) : StackFrame.current(cpu, size);
        if (inner) {
            frame.push(cpu.segments.selector(Segment.SS));
            frame.push(cpu.general(4));
            for (int n = gate.gateCount() - 1; n >= 0; n--) {
                frame.push(cpu.peek(size, (long) n * size));
            }
        }
        frame.push(cpu.segments.selector(Segment.CS));
        frame.push(cpu.rip);
        cpu.segments.setCpl(level);
        frame.commit();
        cpu.segments.install(Segment.CS, gate.gateSelector() & ~3 | level, code);
        cpu.rip = gate.gateOffset();
    }

    private static StackFrame innerFrame(X86Cpu cpu, int level, int size) {
        long[] stack = cpu.segments.innerStack(level);
        Descriptor ss = cpu.segments.checkStack((int) stack[1], level, Vector.TS);
        return StackFrame.inner(cpu, (int) stack[1], ss, stack[0], size, level, 0);
    }

    private static void callGateLong(X86Cpu cpu, Descriptor gate, Descriptor code, boolean inner, int level) {
        long sp = inner ? cpu.segments.taskField64(4 + 8 * level) : cpu.general(4);
        int oldCpl = cpu.cpl;
        cpu.segments.setCpl(level);
        try {
            if (inner) {
                cpu.mmu.store64(sp - 8, cpu.segments.selector(Segment.SS));
                cpu.mmu.store64(sp - 16, cpu.general(4));
                sp -= 16;
            }
            cpu.mmu.store64(sp - 8, cpu.segments.selector(Segment.CS));
            cpu.mmu.store64(sp - 16, cpu.rip);
        } catch (GuestFault f) {
            cpu.segments.setCpl(oldCpl);
            throw f;
        }
        if (inner) {
            cpu.segments.install(Segment.SS, level, null, level);
        }
        cpu.segments.install(Segment.CS, gate.gateSelector() & ~3 | level, code);
        cpu.setGeneral(4, sp - 16);
        cpu.rip = gate.gateOffset();
    }

    /** RET far; {@code release} bytes of parameters go with it. */
    public static void ret(X86Cpu cpu, int size, int release) {
        long offset = masked(cpu.peek(size, 0), size);
        int selector = (int) cpu.peek(size, size) & 0xffff;
        if (realOrV86(cpu)) {
            checkLimit(cpu, offset, cpu.segments.limit(Segment.CS));
            cpu.setStackPointer(cpu.stackPointer() + 2L * size + release);
            loadRealCode(cpu, selector, offset);
            return;
        }
        Descriptor code = returnCode(cpu, selector);
        int level = selector & 3;
        checkTarget(cpu, code, offset);
        if (level == cpu.cpl) {
            cpu.setStackPointer(cpu.stackPointer() + 2L * size + release);
            cpu.segments.install(Segment.CS, selector, code);
            cpu.rip = offset;
            return;
        }
        long newSp = cpu.peek(size, 2L * size + release);
        int newSs = (int) cpu.peek(size, 3L * size + release) & 0xffff;
        outer(cpu, selector, code, offset, newSs, newSp, size, release);
    }

    private static Descriptor returnCode(X86Cpu cpu, int selector) {
        if ((selector & ~3) == 0) {
            throw cpu.fault(Vector.GP, 0);
        }
        Descriptor code = cpu.segments.descriptor(selector, Vector.GP);
        int level = selector & 3;
        boolean allowed = level >= cpu.cpl && code.code() && (code.conforming() ? code.dpl() <= level : code.dpl() == level);
        if (!allowed || cpu.longMode() && code.longCode() && code.big()) {
            throw cpu.segments.selectorFault(Vector.GP, selector);
        }
        if (!code.present()) {
            throw cpu.segments.selectorFault(Vector.NP, selector);
        }
        return code;
    }

    /** Goes to another level, and its stack; returns the stack's descriptor, null for a null selector. */
    private static Descriptor outer(X86Cpu cpu, int selector, Descriptor code, long offset, int newSs, long newSp, int size,
            int release) {
        int level = selector & 3;
        Descriptor ss = returnStack(cpu, newSs, level, code);
        cpu.segments.install(Segment.CS, selector, code);
        cpu.segments.setCpl(level);
        cpu.segments.install(Segment.SS, newSs, ss, level);
        setOuterStack(cpu, size, newSp);
        cpu.setStackPointer(cpu.stackPointer() + release);
        cpu.segments.dropPrivileged(level);
        cpu.rip = offset;
        return ss;
    }

    /** A null SS is allowed on return to 64-bit code below CPL 3. */
    private static Descriptor returnStack(X86Cpu cpu, int newSs, int level, Descriptor code) {
        boolean nullAllowed = cpu.longMode() && code.longCode() && level < 3 && (newSs & 3) == level;
        return (newSs & ~3) == 0 && nullAllowed ? null : cpu.segments.checkStack(newSs, level, Vector.GP);
    }

    private static void setOuterStack(X86Cpu cpu, int size, long sp) {
        long mask = cpu.stackMask;
        long masked = masked(sp, size);
        cpu.setGeneral(4, mask == 0xffff ? cpu.general(4) & ~0xffffL & 0xffff_ffffL | masked & 0xffff : masked & mask);
    }

    /** IRET. */
    public static void iret(X86Cpu cpu, int size) {
        cpu.nmiBlocked = false;
        if (!cpu.protectedMode()) {
            iretReal(cpu, size);
        } else if (cpu.virtual8086()) {
            iretV86(cpu, size);
        } else if (cpu.flag(Rflags.NT)) {
            if (cpu.longMode()) {
                throw cpu.fault(Vector.GP, 0);
            }
            new TaskSwitch(cpu).back();
        } else {
            iretProtected(cpu, size);
        }
        cpu.leaveBlock = true;
    }

    private static void iretReal(X86Cpu cpu, int size) {
        long offset = masked(cpu.peek(size, 0), size);
        int selector = (int) cpu.peek(size, size) & 0xffff;
        long flags = cpu.peek(size, 2L * size);
        checkLimit(cpu, offset, cpu.segments.limit(Segment.CS));
        cpu.setStackPointer(cpu.stackPointer() + 3L * size);
        loadRealCode(cpu, selector, offset);
        setFlags(cpu, flags, size, ~(Rflags.VM | Rflags.VIF | Rflags.VIP));
    }

    /** With IOPL 3 as in real mode, but IOPL stays; below, #GP (SDM vol. 3B, section 20.2.6; without VME). */
    private static void iretV86(X86Cpu cpu, int size) {
        if ((cpu.systemFlags() & Rflags.IOPL) != Rflags.IOPL) {
            throw cpu.fault(Vector.GP, 0);
        }
        long offset = masked(cpu.peek(size, 0), size);
        int selector = (int) cpu.peek(size, size) & 0xffff;
        long flags = cpu.peek(size, 2L * size);
        checkLimit(cpu, offset, cpu.segments.limit(Segment.CS));
        cpu.setStackPointer(cpu.stackPointer() + 3L * size);
        loadRealCode(cpu, selector, offset);
        setFlags(cpu, flags, size, ~(Rflags.VM | Rflags.VIF | Rflags.VIP | Rflags.IOPL));
    }

    private static void iretProtected(X86Cpu cpu, int size) {
        long offset = masked(cpu.peek(size, 0), size);
        int selector = (int) cpu.peek(size, size) & 0xffff;
        long flags = cpu.peek(size, 2L * size);
        if (size == 4 && (flags & Rflags.VM) != 0 && cpu.cpl == 0 && !cpu.longMode()) {
            toV86(cpu, offset, selector, flags);
            return;
        }
        Descriptor code = returnCode(cpu, selector);
        checkTarget(cpu, code, offset);
        int mask = returnMask(cpu);
        if ((selector & 3) == cpu.cpl && cpu.codeBits != 64) {
            cpu.setStackPointer(cpu.stackPointer() + 3L * size);
            cpu.segments.install(Segment.CS, selector, code);
            cpu.rip = offset;
        } else {
            long newSp = cpu.peek(size, 3L * size);
            int newSs = (int) cpu.peek(size, 4L * size) & 0xffff;
            boolean noted = cpu.cpl == 0 && cpu.codeBits == 64 && code.longCode() && size == 8;
            Descriptor stack = outer(cpu, selector, code, offset, newSs, newSp, size, 0);
            if (noted) {
                Returns.note(cpu, code, stack);
            }
        }
        setFlags(cpu, flags, size, mask);
    }

    /** Which flags IRET may change at the privilege that it is executed at: IF with IOPL, IOPL at CPL 0. */
    private static int returnMask(X86Cpu cpu) {
        int iopl = (int) (cpu.systemFlags() & Rflags.IOPL) >> Rflags.IOPL_SHIFT;
        int kept = Rflags.VM | Rflags.VIF | Rflags.VIP;
        kept |= cpu.cpl > iopl ? Rflags.IF : 0;
        kept |= cpu.cpl > 0 ? Rflags.IOPL : 0;
        return cpu.cpl == 0 ? ~Rflags.VM : ~kept;
    }

    private static void setFlags(X86Cpu cpu, long flags, int size, int changeable) {
        long mask = changeable & (size == 2 ? 0xffffL : 0xffff_ffffL);
        cpu.setRflags(cpu.rflags() & ~mask | flags & mask);
    }

    /** SDM vol. 3B, section 20.2.5. */
    private static void toV86(X86Cpu cpu, long offset, int selector, long flags) {
        long newSp = cpu.peek(4, 12);
        int[] selectors = new int[5];
        for (int n = 0; n < 5; n++) {
            selectors[n] = (int) cpu.peek(4, 16 + 4L * n) & 0xffff;
        }
        cpu.setRflags(flags);
        cpu.segments.setCpl(3);
        cpu.segments.set(Segment.CS, selector, (long) selector << 4, 0xffff, Segments.V86);
        int[] order = {Segment.SS, Segment.ES, Segment.DS, Segment.FS, Segment.GS};
        for (int n = 0; n < 5; n++) {
            cpu.segments.loadReal(order[n], selectors[n]);
        }
        cpu.setGeneral(4, newSp & 0xffff_ffffL);
        cpu.rip = offset & 0xffff;
    }
}
