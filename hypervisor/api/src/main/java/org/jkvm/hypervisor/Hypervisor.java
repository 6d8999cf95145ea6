package org.jkvm.hypervisor;

import java.util.Set;

/**
 * What runs guest code: Linux's /dev/kvm or our own engine. The shape is KVM's own API, because it is proven and because
 * one implementation is KVM (Linux Documentation/virt/kvm/api.rst).
 *
 * <p>The three modes of KVM: <em>guest mode</em> executes guest code; <em>kernel mode</em> is this interface's
 * implementation, which enters guest mode and decides what an exit means; <em>user mode</em> is the caller, the device
 * model. A vCPU is {@code run → exit → answer → run}, whatever stands underneath.
 */
public interface Hypervisor {
    /** The backend's name as {@code -accel} takes it: "soft" or "kvm". */
    String name();

    /** What this backend can do on this host. */
    Set<Capability> capabilities();

    /**
     * Makes a virtual machine, with its interrupt chip and no memory.
     *
     * @throws org.jkvm.base.HostException when the host lacks what the configuration asks for
     */
    VirtualMachine createVirtualMachine(VmConfig config);

    /** Things a backend may offer beyond the contract. */
    enum Capability {
        /** Memory slots can log the pages that the guest writes. */
        DIRTY_LOG,
        /** Memory slots can be read-only. */
        READ_ONLY_MEMORY,
        /** More than one vCPU a machine. */
        SMP
    }
}
