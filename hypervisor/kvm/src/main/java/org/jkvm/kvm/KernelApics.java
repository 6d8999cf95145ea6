package org.jkvm.kvm;

import java.util.Map;
import org.jkvm.base.MsiSink;

/** What the kernel keeps of a split interrupt chip: the local APICs. Any thread; once closed, calls come to nothing. */
public interface KernelApics extends MsiSink {
    /** Says what the I/O APIC's inputs send, by pin: the kernel tells of the end of those that are level-triggered. */
    void redirect(Map<Integer, MsiMessage> redirections);

    /** The 8259As request an interrupt: {@link UserChip#acknowledge} is called when the processor takes it. */
    void interruptRequested();
}
