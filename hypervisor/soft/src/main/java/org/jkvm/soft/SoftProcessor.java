package org.jkvm.soft;

import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;

/**
 * What only a vCPU of the software engine can do. From {@link #run}'s thread or while it is not running, but where something
 * else is said.
 */
public interface SoftProcessor extends X86Vcpu {
    /**
     * Reads what another backend needs in order to execute one instruction: general, segment and control registers, RIP,
     * RFLAGS, the MSRs that are part of these (EFER, FS and GS base) and the APIC's base, activity, and what is about to be
     * delivered. The rest of the result means nothing.
     */
    X86State readCore();

    /** Replaces what {@link #readCore} reads. Decoded code stays valid. */
    void writeCore(X86State state);

    /** Somebody else may have changed guest code: what is decoded must go. From any thread. */
    void forgetCode();

    /** What the time-stamp counter shows at zero of what it counts: guest time, or for a helper the host's counter. */
    long tscOffset();

    /** Sets {@link #tscOffset}. */
    void tscOffset(long offset);

    /** A helper's: whether the last instruction that it left to the chip's owner sends an interrupt to other processors. */
    boolean leftForInterprocessorInterrupt();
}
