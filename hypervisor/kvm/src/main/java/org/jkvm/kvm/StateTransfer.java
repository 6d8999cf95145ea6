package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86State.Activity;

/**
 * Between the kernel's structures and the format that all backends share. What the kernel is about to deliver goes along:
 * an acknowledged interrupt as such, an NMI as pending again; an exception not, as its instruction raises it again.
 */
final class StateTransfer {
    private static final int EFER = 0xc000_0080;
    private static final int FS_BASE = 0xc000_0100;
    private static final int GS_BASE = 0xc000_0101;
    private static final int APIC_BASE = 0x1b;
    private static final int FS = 4;
    private static final int GS = 5;
    private static final int UNUSABLE = 1 << 16;
    /** Offset of XSTATE_BV (SDM vol. 1, section 13.4.2), and what of it the shared format has: x87, SSE and AVX. */
    private static final int XSTATE_BV = 512;
    private static final long X87_SSE_AVX = 7;

    private final Handle vcpu;
    private final MsrTransfer msrs;
    private final MemorySegment regs;
    private final MemorySegment sregs;
    private final MemorySegment xsave;
    private final MemorySegment xcrs;
    private final MemorySegment debug;
    private final MemorySegment lapic;
    private final MemorySegment events;
    private final MemorySegment mpState;

    /** A transfer with buffers that live in {@code arena}. */
    StateTransfer(Handle vcpu, MsrTransfer msrs, Arena arena) {
        this.vcpu = vcpu;
        this.msrs = msrs;
        regs = arena.allocate(Abi.Regs.S.size(), 8);
        sregs = arena.allocate(Abi.Sregs.S.size(), 8);
        xsave = arena.allocate(Abi.Xsave.S.size(), 8);
        xcrs = arena.allocate(Abi.Xcrs.S.size(), 8);
        debug = arena.allocate(Abi.DebugRegs.S.size(), 8);
        lapic = arena.allocate(Abi.Lapic.S.size(), 8);
        events = arena.allocate(Abi.VcpuEvents.S.size(), 8);
        mpState = arena.allocate(Abi.MpState.S.size(), 8);
    }

    // ---- from the kernel ----

    X86State read() {
        X86State s = new X86State();
        msrs.read(s.msrs);
        readCore(s);
        readFloatingPoint(s);
        readDebug(s);
        vcpu.call(Request.KVM_GET_LAPIC, lapic);
        LapicTimer.raiseExpired(lapic);
        MemorySegment.copy(lapic, JAVA_BYTE, 0, s.lapic, 0, s.lapic.length);
        return s;
    }

    /** What {@link KvmProcessor#readCore} reads. */
    void readCore(X86State s) {
        readRegisters(s);
        readSystem(s);
        s.msrs.put(EFER, sregs.get(JAVA_LONG, Abi.Sregs.EFER));
        s.msrs.put(APIC_BASE, sregs.get(JAVA_LONG, Abi.Sregs.APIC_BASE));
        s.msrs.put(FS_BASE, s.segments[FS].base());
        s.msrs.put(GS_BASE, s.segments[GS].base());
        readEvents(s);
    }

    private void readRegisters(X86State s) {
        vcpu.call(Request.KVM_GET_REGS, regs);
        for (int n = 0; n < 16; n++) {
            s.general[n] = regs.get(JAVA_LONG, Abi.Regs.GENERAL[n]);
        }
        s.rip = regs.get(JAVA_LONG, Abi.Regs.RIP);
        s.rflags = regs.get(JAVA_LONG, Abi.Regs.RFLAGS);
    }

    private void readSystem(X86State s) {
        vcpu.call(Request.KVM_GET_SREGS, sregs);
        for (int n = 0; n < 8; n++) {
            s.segments[n] = segment(Abi.Sregs.SEGMENTS[n]);
        }
        s.gdtBase = sregs.get(JAVA_LONG, Abi.Sregs.GDT + Abi.Dtable.BASE);
        s.gdtLimit = sregs.get(JAVA_SHORT, Abi.Sregs.GDT + Abi.Dtable.LIMIT) & 0xffff;
        s.idtBase = sregs.get(JAVA_LONG, Abi.Sregs.IDT + Abi.Dtable.BASE);
        s.idtLimit = sregs.get(JAVA_SHORT, Abi.Sregs.IDT + Abi.Dtable.LIMIT) & 0xffff;
        s.cr0 = sregs.get(JAVA_LONG, Abi.Sregs.CR0);
        s.cr2 = sregs.get(JAVA_LONG, Abi.Sregs.CR2);
        s.cr3 = sregs.get(JAVA_LONG, Abi.Sregs.CR3);
        s.cr4 = sregs.get(JAVA_LONG, Abi.Sregs.CR4);
        s.cr8 = sregs.get(JAVA_LONG, Abi.Sregs.CR8);
    }

    private X86State.Segment segment(int at) {
        int access = bits(at + Abi.Segment.TYPE, 0) | bits(at + Abi.Segment.S_BIT, 4) | bits(at + Abi.Segment.DPL, 5)
                | bits(at + Abi.Segment.PRESENT, 7) | bits(at + Abi.Segment.AVL, 12) | bits(at + Abi.Segment.L, 13)
                | bits(at + Abi.Segment.DB, 14) | bits(at + Abi.Segment.G, 15) | bits(at + Abi.Segment.UNUSABLE, 16);
        return new X86State.Segment(sregs.get(JAVA_SHORT, at + Abi.Segment.SELECTOR) & 0xffff,
                sregs.get(JAVA_LONG, at + Abi.Segment.BASE), sregs.get(JAVA_INT, at + Abi.Segment.LIMIT), access);
    }

    private int bits(int at, int shift) {
        return sregs.get(JAVA_BYTE, at) << shift;
    }

    private void readFloatingPoint(X86State s) {
        vcpu.call(Request.KVM_GET_XSAVE, xsave);
        xsave.set(JAVA_LONG, XSTATE_BV, xsave.get(JAVA_LONG, XSTATE_BV) & X87_SSE_AVX);
        MemorySegment.copy(xsave, JAVA_BYTE, 0, s.xsave, 0, s.xsave.length);
        vcpu.call(Request.KVM_GET_XCRS, xcrs);
        for (int n = 0; n < xcrs.get(JAVA_INT, Abi.Xcrs.NR_XCRS); n++) {
            long at = Abi.Xcrs.XCRS + (long) n * Abi.Xcr.S.size();
            s.xcr0 = xcrs.get(JAVA_INT, at + Abi.Xcr.XCR) == 0 ? xcrs.get(JAVA_LONG, at + Abi.Xcr.VALUE) : s.xcr0;
        }
    }

    private void readDebug(X86State s) {
        vcpu.call(Request.KVM_GET_DEBUGREGS, debug);
        for (int n = 0; n < 4; n++) {
            s.debug[n] = debug.get(JAVA_LONG, Abi.DebugRegs.DB + 8L * n);
        }
        s.debug[4] = debug.get(JAVA_LONG, Abi.DebugRegs.DR6);
        s.debug[5] = debug.get(JAVA_LONG, Abi.DebugRegs.DR7);
    }

    private void readEvents(X86State s) {
        vcpu.call(Request.KVM_GET_VCPU_EVENTS, events);
        boolean external = flag(Abi.VcpuEvents.INTERRUPT_INJECTED) && !flag(Abi.VcpuEvents.INTERRUPT_SOFT);
        boolean nmiInjected = flag(Abi.VcpuEvents.NMI_INJECTED);
        s.injected = external ? events.get(JAVA_BYTE, Abi.VcpuEvents.INTERRUPT_NR) & 0xff : -1;
        s.interruptShadow = flag(Abi.VcpuEvents.INTERRUPT_SHADOW);
        s.nmiPending = nmiInjected || flag(Abi.VcpuEvents.NMI_PENDING);
        s.nmiBlocked = !nmiInjected && flag(Abi.VcpuEvents.NMI_MASKED);
        vcpu.call(Request.KVM_GET_MP_STATE, mpState);
        s.activity = switch (mpState.get(JAVA_INT, Abi.MpState.MP_STATE)) {
            case Abi.MpState.UNINITIALIZED, Abi.MpState.INIT_RECEIVED -> Activity.WAIT_FOR_SIPI;
            case Abi.MpState.HALTED -> Activity.HALTED;
            default -> Activity.RUNNING;
        };
    }

    private boolean flag(int at) {
        return events.get(JAVA_BYTE, at) != 0;
    }

    // ---- to the kernel ----

    void write(X86State s) {
        writeSystem(s);
        writeRegisters(s);
        writeFloatingPoint(s);
        writeDebug(s);
        msrs.writeBeforeApic(s.msrs);
        if (s.lapic != null) {
            MemorySegment.copy(s.lapic, 0, lapic, JAVA_BYTE, 0, s.lapic.length);
            vcpu.call(Request.KVM_SET_LAPIC, lapic);
            msrs.writeAfterApic(s.msrs);
        }
        writeActivity(s);
        writeEvents(s);
    }

    /** What {@link KvmProcessor#writeCore} writes. */
    void writeCore(X86State s) {
        writeSystem(s);
        writeRegisters(s);
        writeActivity(s);
        writeEvents(s);
    }

    private void writeRegisters(X86State s) {
        for (int n = 0; n < 16; n++) {
            regs.set(JAVA_LONG, Abi.Regs.GENERAL[n], s.general[n]);
        }
        regs.set(JAVA_LONG, Abi.Regs.RIP, s.rip);
        regs.set(JAVA_LONG, Abi.Regs.RFLAGS, s.rflags);
        vcpu.call(Request.KVM_SET_REGS, regs);
    }

    private void writeSystem(X86State s) {
        sregs.fill((byte) 0);
        for (int n = 0; n < 8; n++) {
            writeSegment(sregs, Abi.Sregs.SEGMENTS[n], s.segments[n]);
        }
        sregs.set(JAVA_LONG, Abi.Sregs.GDT + Abi.Dtable.BASE, s.gdtBase);
        sregs.set(JAVA_SHORT, Abi.Sregs.GDT + Abi.Dtable.LIMIT, (short) s.gdtLimit);
        sregs.set(JAVA_LONG, Abi.Sregs.IDT + Abi.Dtable.BASE, s.idtBase);
        sregs.set(JAVA_SHORT, Abi.Sregs.IDT + Abi.Dtable.LIMIT, (short) s.idtLimit);
        sregs.set(JAVA_LONG, Abi.Sregs.CR0, s.cr0);
        sregs.set(JAVA_LONG, Abi.Sregs.CR2, s.cr2);
        sregs.set(JAVA_LONG, Abi.Sregs.CR3, s.cr3);
        sregs.set(JAVA_LONG, Abi.Sregs.CR4, s.cr4);
        sregs.set(JAVA_LONG, Abi.Sregs.CR8, s.cr8);
        sregs.set(JAVA_LONG, Abi.Sregs.EFER, s.msrs.getOrDefault(EFER, 0L));
        sregs.set(JAVA_LONG, Abi.Sregs.APIC_BASE, s.msrs.getOrDefault(APIC_BASE, 0xfee0_0900L));
        vcpu.call(Request.KVM_SET_SREGS, sregs);
    }

    static void writeSegment(MemorySegment sregs, int at, X86State.Segment segment) {
        int access = segment.access();
        sregs.set(JAVA_LONG, at + Abi.Segment.BASE, segment.base());
        sregs.set(JAVA_INT, at + Abi.Segment.LIMIT, segment.limit());
        sregs.set(JAVA_SHORT, at + Abi.Segment.SELECTOR, (short) segment.selector());
        put(sregs, at + Abi.Segment.TYPE, access & 15);
        put(sregs, at + Abi.Segment.S_BIT, access >> 4 & 1);
        put(sregs, at + Abi.Segment.DPL, access >> 5 & 3);
        put(sregs, at + Abi.Segment.PRESENT, access >> 7 & 1);
        put(sregs, at + Abi.Segment.AVL, access >> 12 & 1);
        put(sregs, at + Abi.Segment.L, access >> 13 & 1);
        put(sregs, at + Abi.Segment.DB, access >> 14 & 1);
        put(sregs, at + Abi.Segment.G, access >> 15 & 1);
        put(sregs, at + Abi.Segment.UNUSABLE, (access & UNUSABLE) != 0 ? 1 : 0);
    }

    private static void put(MemorySegment sregs, int at, int value) {
        sregs.set(JAVA_BYTE, at, (byte) value);
    }

    private void writeFloatingPoint(X86State s) {
        xcrs.fill((byte) 0);
        xcrs.set(JAVA_INT, Abi.Xcrs.NR_XCRS, 1);
        xcrs.set(JAVA_LONG, Abi.Xcrs.XCRS + Abi.Xcr.VALUE, s.xcr0);
        vcpu.call(Request.KVM_SET_XCRS, xcrs);
        xsave.fill((byte) 0);
        MemorySegment.copy(s.xsave, 0, xsave, JAVA_BYTE, 0, s.xsave.length);
        vcpu.call(Request.KVM_SET_XSAVE, xsave);
    }

    private void writeDebug(X86State s) {
        debug.fill((byte) 0);
        for (int n = 0; n < 4; n++) {
            debug.set(JAVA_LONG, Abi.DebugRegs.DB + 8L * n, s.debug[n]);
        }
        debug.set(JAVA_LONG, Abi.DebugRegs.DR6, s.debug[4]);
        debug.set(JAVA_LONG, Abi.DebugRegs.DR7, s.debug[5]);
        vcpu.call(Request.KVM_SET_DEBUGREGS, debug);
    }

    /** One that waits for a start-up IPI has had its INIT. */
    private void writeActivity(X86State s) {
        mpState.set(JAVA_INT, Abi.MpState.MP_STATE, switch (s.activity) {
            case RUNNING, SHUTDOWN -> Abi.MpState.RUNNABLE;
            case HALTED -> Abi.MpState.HALTED;
            case WAIT_FOR_SIPI -> Abi.MpState.INIT_RECEIVED;
        });
        vcpu.call(Request.KVM_SET_MP_STATE, mpState);
    }

    private void writeEvents(X86State s) {
        events.fill((byte) 0);
        events.set(JAVA_BYTE, Abi.VcpuEvents.INTERRUPT_INJECTED, (byte) (s.injected >= 0 ? 1 : 0));
        events.set(JAVA_BYTE, Abi.VcpuEvents.INTERRUPT_NR, (byte) Math.max(0, s.injected));
        events.set(JAVA_BYTE, Abi.VcpuEvents.INTERRUPT_SHADOW, (byte) (s.interruptShadow ? Abi.VcpuEvents.SHADOW_STI : 0));
        events.set(JAVA_BYTE, Abi.VcpuEvents.NMI_PENDING, (byte) (s.nmiPending ? 1 : 0));
        events.set(JAVA_BYTE, Abi.VcpuEvents.NMI_MASKED, (byte) (s.nmiBlocked ? 1 : 0));
        events.set(JAVA_INT, Abi.VcpuEvents.FLAGS, Abi.VcpuEvents.VALID_SHADOW | Abi.VcpuEvents.VALID_NMI_PENDING);
        vcpu.call(Request.KVM_SET_VCPU_EVENTS, events);
    }
}
