package org.jkvm.app.vm;

import java.util.List;
import java.util.Optional;
import org.jkvm.base.HostException;
import org.jkvm.hybrid.Engine;
import org.jkvm.hybrid.HybridHypervisor;
import org.jkvm.hypervisor.x86.CpuModels;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.kvm.KvmSpeed;
import org.jkvm.soft.SoftCpus;
import org.jkvm.soft.SoftOptions;

/** Chooses what runs the guest, from the names that {@code -accel} gave. */
public final class Accelerator {
    private final List<String> names;
    private final SoftOptions options;
    private final boolean splitChip;
    private Optional<KvmHypervisor> kvm = Optional.empty();
    private String choice = "";
    private HostException refusal = new HostException("/dev/kvm was not looked at");

    private Accelerator(List<String> names, SoftOptions options, boolean splitChip) {
        this.names = names;
        this.options = options;
        this.splitChip = splitChip;
    }

    /**
     * The backend for the first of {@code names} that there is: auto, kvm, soft; the software engine with {@code options}, KVM with
     * its interrupt chip in the kernel, or split.
     *
     * @throws HostException where the last of them is kvm and this host's can't be used
     */
    public static Backend choose(List<String> names, SoftOptions options, boolean splitChip) {
        return new Accelerator(names, options, splitChip).choose();
    }

    /** The answer to {@code -cpu help}: what the software engine has. */
    public static Backend soft() {
        return new HybridBackend("", new HybridHypervisor(Engine.SOFT, SoftOptions.DEFAULT, Optional.empty(),
                "this host's KVM was not looked at"), SoftCpus.models());
    }

    private Backend choose() {
        open();
        for (String name : names) {
            Optional<Engine> engine = switch (name) {
                case "auto" -> Optional.of(measured());
                case "kvm" -> kvm.map(_ -> Engine.KVM);
                default -> Optional.of(name.equals(names.getFirst()) ? Engine.SOFT : say(Engine.SOFT, refusal.getMessage()));
            };
            if (engine.isPresent()) {
                return backend(engine.get());
            }
        }
        throw new HostException("-accel " + String.join(":", names) + ": " + refusal.getMessage(), refusal.errno());
    }

    private Backend backend(Engine engine) {
        HybridHypervisor hypervisor = new HybridHypervisor(engine, options, kvm, refusal.getMessage());
        CpuModels models = switch (engine) {
            case KVM -> SoftCpus.models().limitedTo(kvm.orElseThrow().features());
            case SOFT -> SoftCpus.models();
        };
        return new HybridBackend(choice, splitChip ? hypervisor.withSplitChip() : hypervisor, models);
    }

    private void open() {
        try {
            kvm = Optional.of(new KvmHypervisor());
        } catch (HostException e) {
            refusal = e;
        }
    }

    private Engine measured() {
        if (kvm.isEmpty()) {
            return say(Engine.SOFT, refusal.getMessage());
        }
        KvmSpeed speed = KvmSpeed.measure(kvm.get());
        return say(speed.inHardware() ? Engine.KVM : Engine.SOFT, speed.describe());
    }

    private Engine say(Engine engine, String reason) {
        choice = "accel: " + engine.label() + " (" + reason + ")";
        return engine;
    }
}
