package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;

/**
 * What a vCPU has to do with interrupt controllers that are not the kernel's: its accesses to them, the ends of interrupts, and,
 * for the first one, the 8259As' requests. On the vCPU's thread.
 */
final class SplitExits {
    // KVM_EXIT_* of include/uapi/linux/kvm.h.
    private static final int IRQ_WINDOW_OPEN = 7;
    private static final int IOAPIC_EOI = 26;

    private final UserChip chip;
    private final Handle vcpu;
    private final MemorySegment run;
    private final boolean first;
    private final MemorySegment interrupt;
    private boolean given;

    /** {@code chip} is null where all controllers are the kernel's; {@code first} for the bootstrap processor. */
    SplitExits(UserChip chip, Handle vcpu, MemorySegment run, boolean first, Arena arena) {
        this.chip = chip;
        this.vcpu = vcpu;
        this.run = run;
        this.first = first;
        interrupt = arena.allocate(ChipAbi.Interrupt.S.size(), 4);
    }

    /** Gives the kernel what the 8259As request, or asks it to come back when the processor can take it. */
    void offer() {
        if (chip == null || !first) {
            return;
        }
        if (chip.requested() && run.get(JAVA_BYTE, Abi.Run.READY_FOR_INTERRUPT_INJECTION) != 0) {
            interrupt.set(JAVA_INT, ChipAbi.Interrupt.IRQ, chip.acknowledge());
            vcpu.call(Request.KVM_INTERRUPT, interrupt);
            run.set(JAVA_BYTE, Abi.Run.READY_FOR_INTERRUPT_INJECTION, (byte) 0);
            given = true;
        }
        run.set(JAVA_BYTE, Abi.Run.REQUEST_INTERRUPT_WINDOW, (byte) (chip.requested() ? 1 : 0));
    }

    /** Whether the kernel was given an interrupt that it may not have taken yet; it has by now. */
    boolean settle() {
        boolean before = given;
        given = false;
        return before;
    }

    /** The processor's state was replaced: whether it can take an interrupt is not known. */
    void forget() {
        run.set(JAVA_BYTE, Abi.Run.READY_FOR_INTERRUPT_INJECTION, (byte) 0);
    }

    /** Reads the exit; null where it was the chips', and is done. */
    VmExit read(Exits exits) {
        given = false;
        return handled() ? null : answered(exits.read(), exits);
    }

    /** Does what an exit was for that is the chips' alone; false where the last one was another. */
    boolean handled() {
        if (chip == null) {
            return false;
        }
        int reason = run.get(JAVA_INT, Abi.Run.EXIT_REASON);
        if (reason == IOAPIC_EOI) {
            chip.endOfInterrupt(run.get(JAVA_BYTE, Abi.Run.EOI_VECTOR) & 0xff);
        }
        return reason == IOAPIC_EOI || reason == IRQ_WINDOW_OPEN;
    }

    private VmExit answered(VmExit exit, Exits exits) {
        ExitAnswer answer = chip == null || exit == null ? null : chip.access(exit);
        if (answer == null) {
            return exit;
        }
        if (exits.wantsAnswer()) {
            exits.answer(answer);
        }
        return null;
    }
}
