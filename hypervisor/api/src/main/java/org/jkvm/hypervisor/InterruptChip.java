package org.jkvm.hypervisor;

import org.jkvm.base.MsiSink;

/**
 * The PC's interrupt controllers inside the backend: two 8259As, an I/O APIC of 24 pins, a local APIC a vCPU, and the
 * 8254 timer. In the kernel for /dev/kvm, Java models for the software backend; either way their ports (20h, 21h, A0h,
 * A1h, 4D0h, 4D1h, 40h to 43h, 61h) and MMIO windows never show up as exits.
 *
 * <p>GSIs 0 to 15 reach the 8259As and the I/O APIC, with GSI 0 on I/O APIC pin 2 as the MADT's override says; 16 to 23
 * reach the I/O APIC alone.
 */
public interface InterruptChip extends MsiSink {
    /** Drives GSI {@code gsi} (0 to 23). May be called from any thread. */
    void setLine(int gsi, boolean level);

    /** Whether the speaker's timer output (8254 channel 2) is on; port 61h bit 5. */
    boolean speakerOutput();

    /** Back to power-on state, with the machine stopped. */
    void reset();

    /** One line an input for {@code info pic}: name, level, count, mask. */
    String describe();
}
