package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Gives a vCPU machine check banks, as many as processors of the software backend have. */
final class MachineCheck {
    /** IA32_MCG_CAP (SDM vol. 3B, section 16.3.1.1): 10 banks, MCG_CTL_P, MCG_SER_P. */
    private static final long MCG_CAP = 10 | 1 << 8 | 1 << 24;

    private MachineCheck() {
    }

    /** A kernel without some of it gives none, and the guest's IA32_MCG_CAP says so. */
    static void setUp(Handle vcpu) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment capabilities = arena.allocate(JAVA_LONG);
            capabilities.set(JAVA_LONG, 0, MCG_CAP);
            vcpu.attempt(Request.KVM_X86_SETUP_MCE, capabilities);
        }
    }
}
