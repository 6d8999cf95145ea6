package org.jkvm.testkit;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.VmConfig;

/** A hypervisor whose vCPUs execute nothing: they return the exits that a test scripts. */
public final class FakeHypervisor implements Hypervisor {
    private final List<FakeVirtualMachine> machines = new ArrayList<>();

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public Set<Capability> capabilities() {
        return EnumSet.of(Capability.SMP);
    }

    @Override
    public FakeVirtualMachine createVirtualMachine(VmConfig config) {
        FakeVirtualMachine vm = new FakeVirtualMachine(config);
        machines.add(vm);
        return vm;
    }

    /** The machine made first. */
    public FakeVirtualMachine machine() {
        return machines.getFirst();
    }
}
