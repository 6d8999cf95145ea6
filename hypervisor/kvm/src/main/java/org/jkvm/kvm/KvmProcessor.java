package org.jkvm.kvm;

import org.jkvm.hypervisor.x86.X86Vcpu;

/** What only a vCPU of /dev/kvm can do. */
public interface KvmProcessor extends X86Vcpu {
    /**
     * Has the kernel take what the interrupt chip holds for this processor, if it may come now, without executing any
     * instruction: it is {@link org.jkvm.hypervisor.x86.X86State#injected} then. On {@link #run}'s thread; no exit may wait for its
     * answer.
     */
    void takeInterrupt();
}
