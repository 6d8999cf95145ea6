package org.jkvm.x86.trap;

import static org.jkvm.linux.RawMemory.putInt;

import org.jkvm.x86.GuestFault;
import org.jkvm.x86.Vector;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.state.Control;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Rflags;
import org.jkvm.x86.state.Segment;

/** Hardware task switches through 16- and 32-bit TSSs (SDM vol. 3A, section 7.3). */
final class TaskSwitch {
    private static final int[] ORDER = {Segment.ES, Segment.CS, Segment.SS, Segment.DS, Segment.FS, Segment.GS};

    private final X86Cpu cpu;

    TaskSwitch(X86Cpu cpu) {
        this.cpu = cpu;
    }

    /** JMP to a TSS or task gate. */
    void jump(int selector) {
        to(selector, false, true, Vector.GP);
    }

    /** CALL to a TSS or task gate. */
    void call(int selector) {
        to(selector, true, false, Vector.GP);
    }

    /** An interrupt or exception through a task gate; the error code goes onto the new task's stack. */
    void interrupt(int selector, int errorCode, int ext) {
        to(selector, true, false, Vector.TS);
        if (errorCode != GuestFault.NO_ERROR_CODE) {
            boolean wide = (cpu.segments.access(Segment.TR) & 8) != 0;
            cpu.push(wide ? 4 : 2, errorCode);
        }
    }

    /** IRET with NT set: back to the task in the link field. */
    void back() {
        int link = (int) cpu.mmu.loadSystem(cpu.segments.base(Segment.TR), 2);
        if ((link & 4) != 0) {
            throw cpu.segments.selectorFault(Vector.TS, link);
        }
        Descriptor tss = cpu.segments.descriptor(link, Vector.TS);
        boolean busy = tss.systemType() == Descriptor.TSS32_BUSY || tss.systemType() == Descriptor.TSS16_BUSY;
        if (!busy) {
            throw cpu.segments.selectorFault(Vector.TS, link);
        }
        perform(link, tss, false, true, true);
    }

    private void to(int selector, boolean nested, boolean clearOldBusy, int vector) {
        Descriptor tss = cpu.segments.descriptor(selector, vector);
        boolean available = tss.systemType() == Descriptor.TSS32 || tss.systemType() == Descriptor.TSS16;
        if (!available || (selector & 4) != 0) {
            throw cpu.segments.selectorFault(vector, selector);
        }
        if (!tss.present()) {
            throw cpu.segments.selectorFault(Vector.NP, selector);
        }
        perform(selector, tss, nested, clearOldBusy, false);
    }

    private void perform(int selector, Descriptor tss, boolean nested, boolean clearOldBusy, boolean returning) {
        boolean wide = (tss.access() & 8) != 0;
        if ((tss.limit() & 0xffff_ffffL) < (wide ? 0x67 : 0x2b)) {
            throw cpu.segments.selectorFault(Vector.TS, selector);
        }
        int old = cpu.segments.selector(Segment.TR);
        boolean oldWide = (cpu.segments.access(Segment.TR) & 8) != 0;
        long[] state = read(tss.base32(), wide);
        save(cpu.segments.base(Segment.TR), oldWide, returning);
        if (clearOldBusy) {
            cpu.segments.setBusy(old, false);
        }
        if (nested) {
            cpu.mmu.storeSystem(tss.base32(), 2, old);
        }
        if (!returning) {
            cpu.segments.setBusy(selector, true);
        }
        cpu.segments.set(Segment.TR, selector, tss.base32(), tss.limit(), tss.access() | 2);
        cpu.storeControl(0, cpu.control(0) | Control.CR0_TS);
        load(state, wide, nested);
    }

    /** Reads EIP, EFLAGS, eight registers, six selectors, LDT and CR3. */
    private long[] read(long base, boolean wide) {
        long[] state = new long[18];
        int size = wide ? 4 : 2;
        int first = wide ? 0x20 : 0x0e;
        for (int n = 0; n < 10; n++) {
            state[n] = cpu.mmu.loadSystem(base + first + (long) size * n, size);
        }
        int selectors = wide ? 6 : 4;
        for (int n = 0; n < selectors; n++) {
            state[10 + n] = cpu.mmu.loadSystem(base + first + size * (10L + n), 2);
        }
        state[16] = cpu.mmu.loadSystem(base + (wide ? 0x60 : 0x2a), 2);
        state[17] = wide ? cpu.mmu.loadSystem(base + 0x1c, 4) : cpu.control(3);
        return state;
    }

    private void save(long base, boolean wide, boolean clearNested) {
        int size = wide ? 4 : 2;
        long at = base + (wide ? 0x20 : 0x0e);
        cpu.mmu.storeSystem(at, size, cpu.rip);
        long flags = cpu.rflags();
        cpu.mmu.storeSystem(at + size, size, clearNested ? flags & ~Rflags.NT : flags);
        for (int n = 0; n < 8; n++) {
            cpu.mmu.storeSystem(at + size * (2L + n), size, cpu.general(n));
        }
        int selectors = wide ? 6 : 4;
        for (int n = 0; n < selectors; n++) {
            cpu.mmu.storeSystem(at + size * (10L + n), 2, cpu.segments.selector(ORDER[n]));
        }
    }

    private void load(long[] state, boolean wide, boolean nested) {
        if (wide && (cpu.control(0) & Control.CR0_PG) != 0) {
            ControlRegisters.writeCr3(cpu, state[17]);
        }
        for (int n = 0; n < 8; n++) {
            long high = wide ? 0 : cpu.general(n) & 0xffff_0000L;
            cpu.setGeneral(n, high | state[2 + n]);
        }
        cpu.rip = state[0];
        long flags = wide ? state[1] : state[1] & 0xffff;
        cpu.setRflags(nested ? flags | Rflags.NT : flags);
        putInt(cpu.st + CpuState.DEBUG + 8 * 7, (int) cpu.debug.dr7() & ~0x155); // L0 to L3, LE (SDM 7.3, step 13).
        for (int n = 0; n < 6; n++) {
            cpu.segments.set(ORDER[n], (int) state[10 + n], 0, 0, Segment.UNUSABLE);
        }
        loadLdt((int) state[16]);
        loadSegments(state);
        cpu.leaveBlock = true;
    }

    private void loadLdt(int selector) {
        cpu.segments.setNull(Segment.LDTR, selector);
        try {
            cpu.segments.loadLdt(selector);
        } catch (GuestFault f) {
            throw f.vector() == Vector.PF ? f : cpu.segments.selectorFault(Vector.TS, selector);
        }
    }

    private void loadSegments(long[] state) {
        if (cpu.virtual8086()) {
            cpu.segments.setCpl(3);
            for (int n = 0; n < 6; n++) {
                cpu.segments.loadReal(ORDER[n], (int) state[10 + n]);
            }
            return;
        }
        int cs = (int) state[11];
        Descriptor code = (cs & ~3) == 0 ? null : cpu.segments.descriptor(cs, Vector.TS);
        int level = cs & 3;
        boolean valid = code != null && code.code() && (code.conforming() ? code.dpl() <= level : code.dpl() == level);
        if (!valid) {
            throw cpu.segments.selectorFault(Vector.TS, cs);
        }
        if (!code.present()) {
            throw cpu.segments.selectorFault(Vector.NP, cs);
        }
        cpu.segments.setCpl(level);
        cpu.segments.install(Segment.SS, (int) state[12], cpu.segments.checkStack((int) state[12], level, Vector.TS));
        cpu.segments.install(Segment.CS, cs, code);
        for (int n : new int[] {0, 3, 4, 5}) {
            loadData(ORDER[n], (int) state[10 + n]);
        }
        if (cpu.rip > cpu.segments.limit(Segment.CS)) {
            throw cpu.fault(Vector.GP, 0);
        }
    }

    private void loadData(int n, int selector) {
        try {
            cpu.segments.load(n, selector);
        } catch (GuestFault f) {
            throw f.vector() == Vector.GP ? cpu.segments.selectorFault(Vector.TS, selector) : f;
        }
    }
}
