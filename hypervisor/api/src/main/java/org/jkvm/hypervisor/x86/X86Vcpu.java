package org.jkvm.hypervisor.x86;

import java.util.List;
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
     * Makes {@link #run} return {@link org.jkvm.hypervisor.VmExit.Debug} at {@code breakpoints}: before an instruction, which the
     * next run executes, and after the access of data. They take the place of the guest's own, which do nothing meanwhile; none
     * gives the guest its own back. From {@link #run}'s thread or while it is not running.
     *
     * @throws IllegalArgumentException where there are more than {@link Breakpoint#MOST}
     */
    void breakAt(List<Breakpoint> breakpoints);

    /**
     * Translates a guest linear address with the vCPU's present paging, touching no accessed bit and raising nothing.
     *
     * @return the guest physical address, or -1 where nothing is mapped
     */
    long translate(long linear);
}
