package org.jkvm.kvm;

import org.jkvm.base.state.Stateful;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.InterruptChip;
import org.jkvm.hypervisor.VmExit;

/** 8259As, I/O APIC and 8254 beside the kernel's local APICs: the other half of a split interrupt chip. Any thread. */
public interface UserChip extends InterruptChip, Stateful {
    /** Does an access to one of its ports or addresses; null where it is none of them, {@link ExitAnswer#NONE} for a write. */
    ExitAnswer access(VmExit exit);

    /** Whether the 8259As request an interrupt. */
    boolean requested();

    /** Their vector, which the processor takes now. */
    int acknowledge();

    /** A processor has ended the level-triggered interrupt of that vector. */
    void endOfInterrupt(int vector);

    /** It is not used any more: its timer stands still. */
    void close();
}
