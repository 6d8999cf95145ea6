package org.jkvm.kvm;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jkvm.base.HostException;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.x86.CpuFeature;

/** Full virtualization in hardware: Linux's KVM. Holds nothing open between the machines that it makes. */
public final class KvmHypervisor implements Hypervisor {
    private final Set<CpuFeature> features;
    private final long tscHertz;
    private final boolean splits;

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
            tscHertz = tscHertz(system);
            splits = system.capability(KernelCapability.SPLIT_IRQCHIP) != 0;
        }
    }

    /** Kernels before 5.18 tell it of a vCPU only. */
    private static long tscHertz(KvmSystem system) {
        try (Handle vm = system.createVm()) {
            int kilohertz = vm.attempt(Request.KVM_GET_TSC_KHZ, 0);
            if (kilohertz > 0) {
                return kilohertz * 1000L;
            }
            try (Handle vcpu = new Handle(vm.call(Request.KVM_CREATE_VCPU, 0), "KVM vCPU")) {
                return vcpu.call(Request.KVM_GET_TSC_KHZ, 0) * 1000L;
            }
        }
    }

    /** What {@code kvm doctor} tells: subjects and what there is to say, in order. */
    public Map<String, String> report() {
        Map<String, String> lines = new LinkedHashMap<>();
        try (KvmSystem system = KvmSystem.open()) {
            for (KernelCapability c : KernelCapability.values()) {
                lines.put(c.name().toLowerCase(Locale.ROOT).replace('_', '-'),
                        c.meaning() + ": " + c.describe(system.capability(c)));
            }
        }
        lines.put("tsc", tscHertz / 1_000_000 + " MHz");
        lines.put("cpu features", features.stream().map(CpuFeature::label).collect(Collectors.joining(" ")));
        return lines;
    }

    /** The frequency at which guests' time-stamp counters run, in hertz. */
    public long tscHertz() {
        return tscHertz;
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
        return new KvmVm(config, null);
    }

    /**
     * Makes a virtual machine of whose interrupt controllers only the local APICs are the kernel's.
     *
     * @param chip makes the others
     * @throws HostException where this host's KVM has no split interrupt chip
     */
    public VirtualMachine createSplitMachine(VmConfig config, Function<KernelApics, UserChip> chip) {
        if (!splits) {
            throw new HostException("kernel-irqchip=split: this host's KVM has no split interrupt chip (KVM_CAP_SPLIT_IRQCHIP)");
        }
        return new KvmVm(config, chip);
    }
}
