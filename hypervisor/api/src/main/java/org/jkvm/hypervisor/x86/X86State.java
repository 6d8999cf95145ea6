package org.jkvm.hypervisor.x86;

import java.util.Arrays;
import java.util.TreeMap;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * An x86 processor's registers, in the one format that every backend reads and writes: a plain value, owned by whoever
 * made it. Numbers as in the SDM: general registers RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15; segments ES, CS,
 * SS, DS, FS, GS.
 */
public final class X86State implements Stateful {
    /** Names of the general registers, by number. */
    public static final String[] GENERAL = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
    /** Names of the segment registers, by number, then TR and LDTR. */
    public static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs", "tr", "ldtr"};
    /** Index of TR in {@link #segments}. */
    public static final int TR = 6;
    /** Index of LDTR in {@link #segments}. */
    public static final int LDTR = 7;

    /** Bytes of an XSAVE area in standard format with AVX state (SDM vol. 1, section 13.5.3). */
    private static final int XSAVE_BYTES = 832;

    /** General registers, by number. */
    public final long[] general = new long[16];
    /** Segment registers, by number, then TR and LDTR. */
    public final Segment[] segments = new Segment[8];
    /** Instruction pointer. */
    public long rip;
    /** RFLAGS; bit 1 is always set. */
    public long rflags = 2;
    /** Control registers. CR8 is the local APIC's task priority, bits 7:4. */
    public long cr0, cr2, cr3, cr4, cr8, xcr0 = 1;
    /** Descriptor table registers. */
    public long gdtBase, idtBase;
    /** Limits of the descriptor tables. */
    public int gdtLimit, idtLimit;
    /** DR0 to DR3, DR6, DR7. */
    public final long[] debug = {0, 0, 0, 0, 0xffff0ff0L, 0x400};
    /** Model-specific registers by number. EFER, APIC base, SYSENTER, STAR, FS/GS base and the like are here. */
    public final TreeMap<Integer, Long> msrs = new TreeMap<>();
    /** x87, MMX, SSE and further state: an XSAVE area in standard format (SDM vol. 1, section 13.4). */
    public byte[] xsave = new byte[XSAVE_BYTES];
    /**
     * The local APIC's register page, 1 KiB, as KVM_GET_LAPIC lays it out; or null where it is not part of this state: it
     * stays as it is then.
     */
    public byte[] lapic = new byte[1024];
    /** Halted, waiting for SIPI, or running. */
    public Activity activity = Activity.RUNNING;
    /** Interrupts are blocked until after the next instruction (after STI or MOV SS). */
    public boolean interruptShadow;
    /** An NMI is waiting. */
    public boolean nmiPending;
    /** NMIs are blocked until IRET. */
    public boolean nmiBlocked;

    /** The vector of an external interrupt that was acknowledged and is still to be delivered, before anything else; or -1. */
    public int injected = -1;

    /** What the processor is doing (KVM_MP_STATE_*). */
    public enum Activity { RUNNING, HALTED, WAIT_FOR_SIPI, SHUTDOWN }

    /**
     * A segment register with its hidden part.
     *
     * @param selector what software sees
     * @param base     linear base
     * @param limit    in bytes, granularity applied
     * @param access   bits 7:0 are the descriptor's byte 5 (type, S, DPL, P), bits 15:12 its G, D/B, L, AVL; bit 16 is
     *                 set where the register is unusable (null)
     */
    public record Segment(int selector, long base, int limit, int access) {
    }

    /** A state with empty segments. */
    public X86State() {
        Arrays.fill(segments, new Segment(0, 0, 0xffff, 1 << 16));
    }

    @Override
    public void exchangeState(StateIo io) {
        for (int i = 0; i < general.length; i++) {
            general[i] = io.u64(GENERAL[i], general[i]);
        }
        rip = io.u64("rip", rip);
        rflags = io.u64("rflags", rflags);
        for (int i = 0; i < segments.length; i++) {
            segments[i] = exchange(io, SEGMENTS[i], segments[i]);
        }
        exchangeControl(io);
        exchangeMsrs(io);
        io.bytes("xsave", xsave);
        io.bytes("lapic", lapic);
        activity = io.choice("activity", Activity.class, activity);
        interruptShadow = io.flag("interrupt-shadow", interruptShadow);
        nmiPending = io.flag("nmi-pending", nmiPending);
        nmiBlocked = io.flag("nmi-blocked", nmiBlocked);
        injected = (int) io.bits("injected", 9, injected + 1) - 1;
    }

    private void exchangeControl(StateIo io) {
        cr0 = io.u64("cr0", cr0);
        cr2 = io.u64("cr2", cr2);
        cr3 = io.u64("cr3", cr3);
        cr4 = io.u64("cr4", cr4);
        cr8 = io.bits("cr8", 4, cr8);
        xcr0 = io.u64("xcr0", xcr0);
        gdtBase = io.u64("gdt-base", gdtBase);
        gdtLimit = io.u16("gdt-limit", gdtLimit);
        idtBase = io.u64("idt-base", idtBase);
        idtLimit = io.u16("idt-limit", idtLimit);
        for (int i = 0; i < debug.length; i++) {
            debug[i] = io.u64("dr" + (i < 4 ? i : i + 2), debug[i]);
        }
    }

    private void exchangeMsrs(StateIo io) {
        int count = io.u16("msr-count", msrs.size());
        Integer[] numbers = msrs.keySet().toArray(new Integer[count]);
        for (int i = 0; i < count; i++) {
            int number = io.u32("msr-number-" + i, numbers[i] == null ? 0 : numbers[i]);
            msrs.put(number, io.u64("msr-value-" + i, msrs.getOrDefault(number, 0L)));
        }
    }

    private static Segment exchange(StateIo io, String name, Segment s) {
        return new Segment(io.u16(name + "-selector", s.selector()), io.u64(name + "-base", s.base()),
                io.u32(name + "-limit", s.limit()), (int) io.bits(name + "-access", 17, s.access()));
    }
}
