package org.jkvm.hypervisor.x86;

import org.jkvm.base.state.Stateful;
import org.jkvm.hypervisor.Vcpu;

/**
 * An x86 vCPU. Its whole state (general and segment registers, control and debug registers, MSRs, x87/SSE in XSAVE
 * format, local APIC, pending events) is exchanged in one format by every backend: {@link #exchangeState} names fields as
 * {@link X86State} does.
 */
public interface X86Vcpu extends Vcpu, Stateful {
    /** Reads the registers. */
    X86State readState();

    /** Replaces the registers; MSRs that the map lacks keep their values. */
    void writeState(X86State state);

    /**
     * Makes every {@link #run} return {@link org.jkvm.hypervisor.VmExit.Debug} after one instruction, or lets it run on
     * again. Interrupts may wait meanwhile. From {@link #run}'s thread or while it is not running.
     */
    void singleStep(boolean on);

    /**
     * Translates a guest linear address with the vCPU's present paging, touching no accessed bit and raising nothing.
     *
     * @return the guest physical address, or -1 where nothing is mapped
     */
    long translate(long linear);
}
