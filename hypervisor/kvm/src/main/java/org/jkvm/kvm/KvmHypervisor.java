package org.jkvm.kvm;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.jkvm.base.HostException;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.x86.CpuFeature;

/** Full virtualization in hardware: Linux's KVM. Holds nothing open between the machines that it makes. */
public final class KvmHypervisor implements Hypervisor {
    private final Set<CpuFeature> features;

    /**
     * Looks at this host's KVM.
     *
     * @throws HostException where there is none, access is denied, or it is too old
     */
    public KvmHypervisor() {
        try (KvmSystem system = KvmSystem.open()) {
            String missing = Arrays.stream(KernelCapability.values())
                    .filter(c -> c.needed() && system.capability(c) == 0).map(KernelCapability::meaning)
                    .collect(Collectors.joining(", "));
            if (!missing.isEmpty()) {
                throw new HostException("/dev/kvm lacks: " + missing + "; it takes a kernel of 4.12 or later");
            }
            features = CpuFeature.claimedBy(system.supportedCpuid());
        }
    }

    @Override
    public String name() {
        return "kvm";
    }

    @Override
    public Set<Capability> capabilities() {
        return EnumSet.allOf(Capability.class);
    }

    /** The processor features that this host's KVM can give to guests. */
    public Set<CpuFeature> features() {
        return EnumSet.copyOf(features);
    }

    @Override
    public VirtualMachine createVirtualMachine(VmConfig config) {
        return new KvmVm(config);
    }
}
