package org.jkvm.hybrid;

import java.util.Optional;
import java.util.Set;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.soft.SoftHypervisor;
import org.jkvm.soft.SoftOptions;

/** Both backends behind one: machines start on one engine, and may move to the other while they run. */
public final class HybridHypervisor implements Hypervisor {
    private final Engine first;
    private final SoftOptions options;
    private final Optional<KvmHypervisor> kvm;
    private final String withoutKvm;
    private final boolean split;

    /**
     * Machines that start on one engine.
     *
     * @param first      where they start
     * @param options    of the software engine
     * @param kvm        this host's KVM, where it has one
     * @param withoutKvm why it has none, on one line
     */
    public HybridHypervisor(Engine first, SoftOptions options, Optional<KvmHypervisor> kvm, String withoutKvm) {
        this(first, options, kvm, withoutKvm, false);
    }

    private HybridHypervisor(Engine first, SoftOptions options, Optional<KvmHypervisor> kvm, String withoutKvm, boolean split) {
        if (first == Engine.KVM && kvm.isEmpty()) {
            throw new IllegalArgumentException("no KVM to start on");
        }
        this.first = first;
        this.options = options;
        this.kvm = kvm;
        this.withoutKvm = withoutKvm;
        this.split = split;
    }

    /** The same with KVM's machines having only the local APICs from the kernel. */
    public HybridHypervisor withSplitChip() {
        return new HybridHypervisor(first, options, kvm, withoutKvm, true);
    }

    @Override
    public String name() {
        return first.label();
    }

    @Override
    public Set<Capability> capabilities() {
        return new SoftHypervisor().capabilities();
    }

    @Override
    public HybridVm createVirtualMachine(VmConfig config) {
        return new HybridVm(config, first, options, kvm, withoutKvm, split);
    }
}
