package org.jkvm.soft;

import java.util.EnumSet;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.VmExit;

/** Full virtualization in software: x86 guest code on any host that runs Java. */
public final class SoftHypervisor implements Hypervisor {
    /** Guests' time-stamp counters tick once a nanosecond of guest time, where nothing else is asked for. */
    public static final long TSC_HERTZ = 1_000_000_000L;

    private final SoftOptions options;
    private final long tscHertz;
    /** What a helper's vCPUs count, or null. */
    private final LongSupplier hostTsc;

    /** The engine as it is on its own. */
    public SoftHypervisor() {
        this(TSC_HERTZ);
    }

    /** The engine with guests' time-stamp counters of a given frequency, 1 to 9,000,000,000 Hz. */
    public SoftHypervisor(long tscHertz) {
        this(SoftOptions.DEFAULT, tscHertz, null);
    }

    /** The engine with options. */
    public SoftHypervisor(SoftOptions options) {
        this(options, TSC_HERTZ, null);
    }

    /** The engine with options, and guests' time-stamp counters of a given frequency. */
    public SoftHypervisor(SoftOptions options, long tscHertz) {
        this(options, tscHertz, null);
    }

    private SoftHypervisor(SoftOptions options, long tscHertz, LongSupplier hostTsc) {
        this.options = options;
        this.tscHertz = tscHertz;
        this.hostTsc = hostTsc;
    }

    /**
     * The engine as another backend's helper, which owns the interrupt chip and the clock. A vCPU of its machines does not
     * wait in HLT but returns {@link VmExit.Halted}; where an instruction needs the interrupt chip, or an MSR that belongs to
     * it or to the paravirtual clock, it returns {@link VmExit.NotEmulated} with RIP at that instruction. The local APIC and
     * these MSRs are not part of its state; its time-stamp counter counts what {@code hostTsc} does.
     */
    public static SoftHypervisor helper(SoftOptions options, LongSupplier hostTsc) {
        return new SoftHypervisor(options, TSC_HERTZ, hostTsc);
    }

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
        return new SoftVm(config, options, tscHertz, hostTsc);
    }
}
