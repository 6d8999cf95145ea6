package org.jkvm.kvm;

import java.util.function.LongSupplier;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;

/** What only a vCPU of /dev/kvm can do. From {@link #run}'s thread or while it is not running. */
public interface KvmProcessor extends X86Vcpu {
    /**
     * Has the kernel take what the interrupt chip holds for this processor, if it may come now, without executing any
     * instruction: it is {@link X86State#injected} then. On {@link #run}'s thread; no exit may wait for its answer.
     * A kick that has come is forgotten.
     */
    void takeInterrupt();

    /**
     * Reads what another backend needs in order to go on where nothing else has changed: general, segment and control registers,
     * RIP, RFLAGS, the MSRs that are part of these (EFER, FS and GS base, APIC base), activity, and what is about to be
     * delivered. The rest of the result means nothing.
     */
    X86State readCore();

    /** Replaces what {@link #readCore} reads. No exit may wait for its answer. */
    void writeCore(X86State state);

    /** By how much the guest's time-stamp counter is ahead of {@code hostTsc}. */
    long tscOffset(LongSupplier hostTsc);

    /** Has the guest's time-stamp counter be {@code offset} ahead of {@code hostTsc}. */
    void tscOffset(long offset, LongSupplier hostTsc);
}
