package org.jkvm.soft;

import static org.jkvm.linux.RawMemory.getLong;
import static org.jkvm.linux.RawMemory.putLong;

import java.util.Map;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.soft.chip.VcpuInterrupts;
import org.jkvm.x86.Msrs;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.exec.XsaveArea;
import org.jkvm.x86.state.CpuState;
import org.jkvm.x86.state.Segment;

/** Between the vCPU's native struct and the format that all backends share. */
final class StateTransfer {
    private final X86Cpu cpu;
    private final VcpuInterrupts apic;
    private final SoftBus bus;

    StateTransfer(X86Cpu cpu, VcpuInterrupts apic, SoftBus bus) {
        this.cpu = cpu;
        this.apic = apic;
        this.bus = bus;
    }

    X86State read() {
        X86State s = readCore();
        s.xcr0 = cpu.msrs.xcr0();
        for (int n = 0; n < 6; n++) {
            s.debug[n] = getLong(cpu.st + CpuState.DEBUG + 8 * (n < 4 ? n : n + 2));
        }
        for (int msr : cpu.msrs.numbers()) {
            s.msrs.put(msr, cpu.msrs.read(msr));
        }
        s.xsave = XsaveArea.export(cpu, s.xsave.length);
        return s;
    }

    /** What {@link SoftProcessor#readCore} reads, and what the interrupt chip has. */
    X86State readCore() {
        X86State s = new X86State();
        for (int n = 0; n < 16; n++) {
            s.general[n] = cpu.general(n);
        }
        s.rip = cpu.rip;
        s.rflags = cpu.rflags();
        for (int n = 0; n < 8; n++) {
            s.segments[n] = new X86State.Segment(cpu.segments.selector(n), cpu.segments.base(n),
                    (int) cpu.segments.limit(n), n == Segment.SS ? stackAccess() : cpu.segments.access(n));
        }
        readControl(s);
        s.msrs.put(Msrs.EFER, cpu.msrs.efer());
        s.msrs.put(Msrs.FS_BASE, s.segments[Segment.FS].base());
        s.msrs.put(Msrs.GS_BASE, s.segments[Segment.GS].base());
        s.interruptShadow = cpu.interruptShadow;
        s.nmiBlocked = cpu.nmiBlocked;
        s.injected = bus.injected();
        bus.saveChipState(s);
        return s;
    }

    /** The privilege level is that of the stack segment, a null one's too (SDM vol. 3C, section 25.4.1, "Access rights"). */
    private int stackAccess() {
        int access = cpu.segments.access(Segment.SS);
        return cpu.protectedMode() ? access & ~0x60 | cpu.cpl << 5 : access;
    }

    private void readControl(X86State s) {
        s.cr0 = cpu.control(0);
        s.cr2 = cpu.control(2);
        s.cr3 = cpu.control(3);
        s.cr4 = cpu.control(4);
        s.cr8 = bus.taskPriority();
        s.gdtBase = getLong(cpu.st + CpuState.GDTR);
        s.gdtLimit = (int) getLong(cpu.st + CpuState.GDTR + 8);
        s.idtBase = getLong(cpu.st + CpuState.IDTR);
        s.idtLimit = (int) getLong(cpu.st + CpuState.IDTR + 8);
    }

    void write(X86State s) {
        cpu.msrs.setXcr0(s.xcr0);
        for (int n = 0; n < 6; n++) {
            putLong(cpu.st + CpuState.DEBUG + 8 * (n < 4 ? n : n + 2), s.debug[n]);
        }
        for (Map.Entry<Integer, Long> msr : s.msrs.entrySet()) {
            if (msr.getKey() == Msrs.TSC) {
                apic.writeTsc(msr.getValue());
            } else {
                cpu.msrs.restore(msr.getKey(), msr.getValue());
            }
        }
        XsaveArea.restore(cpu, s.xsave);
        writeCore(s);
        cpu.debug.changed();
        cpu.mmu.flushAll();
        cpu.mmu.walker().reloadPdptes();
    }

    /** What {@link SoftProcessor#writeCore} writes, and what the interrupt chip has. */
    void writeCore(X86State s) {
        for (int n = 0; n < 16; n++) {
            cpu.setGeneral(n, s.general[n]);
        }
        boolean sameMemory = s.cr0 == cpu.control(0) && s.cr3 == cpu.control(3) && s.cr4 == cpu.control(4)
                && s.msrs.getOrDefault(Msrs.EFER, 0L) == cpu.msrs.efer();
        writeControl(s);
        cpu.setRflags(s.rflags);
        for (int n = 0; n < 8; n++) {
            X86State.Segment seg = s.segments[n];
            cpu.segments.set(n, seg.selector(), seg.base(), seg.limit(), seg.access());
        }
        cpu.segments.setCpl(cpu.protectedMode() ? cpu.virtual8086() ? 3 : Segment.dpl(s.segments[Segment.SS].access()) : 0);
        cpu.rip = s.rip;
        bus.restoreChipState(s);
        cpu.interruptShadow = s.interruptShadow;
        cpu.stackShadow = false;
        cpu.nmiBlocked = s.nmiBlocked;
        if (!sameMemory) {
            cpu.mmu.flushAll();
            cpu.mmu.walker().reloadPdptes();
        }
    }

    private void writeControl(X86State s) {
        cpu.storeControl(0, s.cr0);
        cpu.storeControl(2, s.cr2);
        cpu.storeControl(3, s.cr3);
        cpu.storeControl(4, s.cr4);
        cpu.msrs.storeEfer(s.msrs.getOrDefault(Msrs.EFER, 0L));
        putLong(cpu.st + CpuState.GDTR, s.gdtBase);
        putLong(cpu.st + CpuState.GDTR + 8, s.gdtLimit);
        putLong(cpu.st + CpuState.IDTR, s.idtBase);
        putLong(cpu.st + CpuState.IDTR + 8, s.idtLimit);
    }
}
