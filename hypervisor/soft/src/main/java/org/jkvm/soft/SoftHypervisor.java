package org.jkvm.soft;

import java.util.EnumSet;
import java.util.Set;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;

/** Full virtualization in software: x86 guest code on any host that runs Java. */
public final class SoftHypervisor implements Hypervisor {
    @Override
    public String name() {
        return "soft";
    }

    @Override
    public Set<Capability> capabilities() {
        return EnumSet.allOf(Capability.class);
    }

    @Override
    public VirtualMachine createVirtualMachine(VmConfig config) {
        return new SoftVm(config);
    }
}
