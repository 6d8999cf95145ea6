/** The hypervisor contract, shaped like KVM's own API: VM, memory slots, vCPU, exits, interrupt chip. */
module org.jkvm.hypervisor {
    requires transitive org.jkvm.base;
    exports org.jkvm.hypervisor;
    exports org.jkvm.hypervisor.x86;
}
