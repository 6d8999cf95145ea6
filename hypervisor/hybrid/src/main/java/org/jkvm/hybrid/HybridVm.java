package org.jkvm.hybrid;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.MsiChannel;
import org.jkvm.base.UserException;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.Frequency;
import org.jkvm.hypervisor.Doorbell;
import org.jkvm.hypervisor.InterruptChip;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.PostedWrites;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.x86.CpuFeature;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.hypervisor.x86.X86Vcpu;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.kvm.KvmProcessor;
import org.jkvm.kvm.KvmSpeed;
import org.jkvm.soft.SoftHypervisor;
import org.jkvm.soft.SoftOptions;
import org.jkvm.soft.SoftProcessor;
import org.jkvm.x64.HostTsc;

/** A virtual machine that one engine runs at a time; {@link #moveTo} changes which. */
public final class HybridVm implements VirtualMachine, AssistedVcpu.Surroundings {
    private static final int IA32_TIME_STAMP_COUNTER = 0x10;
    /** What KVM does not tell of, as it is there in any case: being a guest, and several processors. */
    private static final Set<CpuFeature> BY_NATURE = EnumSet.of(CpuFeature.HYPERVISOR, CpuFeature.HT);

    private final VmConfig config;
    private final SoftOptions options;
    private final Optional<KvmHypervisor> kvm;
    private final String withoutKvm;
    private final boolean split;
    /** Null where there is no KVM. */
    private final HostTsc hostTsc;
    private final Assists assists = new Assists();
    private final Map<Integer, MemorySlot> slots = new TreeMap<>();
    private final Map<Integer, long[]> dirty = new TreeMap<>();
    private final List<HybridVcpu> vcpus = new CopyOnWriteArrayList<>();
    private final CurrentMemory memory = new CurrentMemory();
    private final CurrentChip chip = new CurrentChip();
    private final Offload offload = new Offload();
    private volatile Host now;
    /** Null until it was asked. */
    private Boolean emulated;

    /** The machine on one engine; on KVM with the helper's machine beside. */
    private record Host(Engine engine, VirtualMachine vm, Optional<VirtualMachine> helper) {
        void set(MemorySlot slot) {
            vm.setMemorySlot(slot);
            helper.ifPresent(h -> h.setMemorySlot(slot));
        }

        void remove(int index) {
            vm.removeMemorySlot(index);
            helper.ifPresent(h -> h.removeMemorySlot(index));
        }

        /** What the helper wrote is in its own log. */
        long[] takeDirtyLog(int index) {
            long[] log = vm.takeDirtyLog(index);
            return helper.map(h -> union(log, h.takeDirtyLog(index))).orElse(log);
        }

        void close() {
            helper.ifPresent(VirtualMachine::close);
            vm.close();
        }
    }

    HybridVm(VmConfig config, Engine first, SoftOptions options, Optional<KvmHypervisor> kvm, String withoutKvm, boolean split) {
        this.split = split;
        this.config = config;
        this.options = options;
        this.kvm = kvm;
        this.withoutKvm = withoutKvm;
        this.hostTsc = kvm.isPresent() ? new HostTsc() : null;
        this.now = host(first);
        offload.prepare(offloading(now)).run();
    }

    /** Where KVM is an emulation its machine executes too little for that: what the software engine executes is an exit. */
    private Optional<VirtualMachine> offloading(Host host) {
        return host.engine == Engine.KVM && !emulated() ? Optional.of(host.vm) : Optional.empty();
    }

    /** Both engines' time-stamp counters run at one frequency, so that a guest need not notice. */
    private long tscHertz() {
        return kvm.map(KvmHypervisor::tscHertz).orElse(SoftHypervisor.TSC_HERTZ);
    }

    private Host host(Engine engine) {
        return switch (engine) {
            case SOFT -> new Host(engine, new SoftHypervisor(options, tscHertz()).createVirtualMachine(config), Optional.empty());
            case KVM -> assisted(split ? kvm.orElseThrow().createSplitMachine(config, apics ->
                    new SplitChip(config.clock(), apics, this::interruptSent)) : kvm.orElseThrow().createVirtualMachine(config));
        };
    }

    /** The hardware's machine with a helper; closed where there can be none. */
    private Host assisted(VirtualMachine hardware) {
        try {
            VirtualMachine helper = SoftHypervisor.helper(options, hostTsc).createVirtualMachine(config);
            return new Host(Engine.KVM, hardware, Optional.of(helper));
        } catch (RuntimeException e) {
            hardware.close();
            throw e;
        }
    }

    /** Whether this host's KVM is slower than the software engine. Measured once. */
    private boolean emulated() {
        if (emulated == null) {
            emulated = !KvmSpeed.measure(kvm.orElseThrow()).inHardware();
        }
        return emulated;
    }

    private X86Vcpu vcpu(Host host, int index, CpuModel model, VcpuModes modes) {
        X86Vcpu main = host.vm.createVcpu(index, model);
        return host.helper.<X86Vcpu>map(h -> new AssistedVcpu((KvmProcessor) main, (SoftProcessor) h.createVcpu(index, model),
                assists, modes, this, config.clock(), host.vm.memory(), emulated())).orElse(main);
    }

    @Override
    public long hostTsc() {
        return hostTsc.getAsLong();
    }

    @Override
    public void codeChanged() {
        vcpus.forEach(HybridVcpu::forgetCode);
    }

    @Override
    public void interruptSent() {
        vcpus.forEach(HybridVcpu::callBack);
    }

    /** What runs it. */
    public Engine engine() {
        return now.engine;
    }

    /** How often the software engine helped out. */
    public Assists assists() {
        return assists;
    }

    /** Where the vCPUs' time went, their exits, and software's assists: what {@code info modes} shows. */
    public String describeModes() {
        StringBuilder text = new StringBuilder();
        vcpus.forEach(vcpu -> text.append(vcpu.modes().describe(vcpu.index())));
        return text.append(assists.describe()).toString();
    }

    // ---- moving ----

    /**
     * Moves the machine to the other engine, with all of its state. No vCPU runs meanwhile and no device drives a line;
     * every exit has been answered.
     *
     * @throws UserException where this host can't, or the guest was promised what the engine lacks; nothing has changed then
     */
    public void moveTo(Engine engine) {
        if (engine == now.engine) {
            return;
        }
        if (engine == Engine.KVM) {
            checkKvm();
        }
        Runnable change = prepared(engine);
        Host from = now;
        try {
            change.run();
            slots.values().stream().filter(MemorySlot::logDirty).forEach(slot ->
                    dirty.merge(slot.index(), from.takeDirtyLog(slot.index()), HybridVm::union));
        } finally {
            from.close();
        }
    }

    private Runnable prepared(Engine engine) {
        try {
            return prepare(host(engine));
        } catch (RuntimeException e) {
            throw new UserException("accel " + engine.label() + ": " + e.getMessage());
        }
    }

    /** What is left to do once all that may fail is done. Where that fails, {@code to} is closed and nothing has changed. */
    private Runnable prepare(Host to) {
        try {
            return move(now, to);
        } catch (RuntimeException e) {
            to.close();
            throw e;
        }
    }

    private void checkKvm() {
        if (kvm.isEmpty()) {
            throw new UserException("accel kvm: " + withoutKvm);
        }
        for (HybridVcpu vcpu : vcpus) {
            Set<CpuFeature> promised = CpuFeature.claimedBy(vcpu.model().leaves());
            promised.removeAll(kvm.get().features());
            promised.removeAll(BY_NATURE);
            if (!promised.isEmpty()) {
                throw new UserException("accel kvm: the guest was promised what this host's KVM lacks: " + promised.stream()
                        .map(CpuFeature::label).collect(Collectors.joining(", ")) + "; start it with -accel kvm:soft");
            }
        }
    }

    /**
     * The chip is read before the local APICs, so that what it sends meanwhile is in them, and written after them. Time-stamp
     * counters go on counting on the way. Returns what makes {@code to} the present engine, which asks nothing of it.
     */
    private Runnable move(Host from, Host to) {
        slots.values().forEach(to::set);
        List<X86Vcpu> arrived = vcpus.stream().map(v -> vcpu(to, v.index(), v.model(), v.modes())).toList();
        StateTree chipState = StateTree.save(from.vm);
        long ahead = hostTsc() - new Frequency(tscHertz()).ticks(config.clock().nanos());
        for (int n = 0; n < arrived.size(); n++) {
            X86State state = vcpus.get(n).readState();
            state.msrs.remove(IA32_TIME_STAMP_COUNTER);
            moveCounter(vcpus.get(n).now(), arrived.get(n), ahead);
            arrived.get(n).writeState(state);
        }
        chipState.restore(to.vm);
        for (int n = 0; n < arrived.size(); n++) {
            vcpus.get(n).prepare(arrived.get(n));
        }
        Runnable offloaded = offload.prepare(offloading(to));
        return () -> become(to, arrived, offloaded);
    }

    private void become(Host to, List<X86Vcpu> arrived, Runnable offloaded) {
        now = to;
        for (int n = 0; n < arrived.size(); n++) {
            vcpus.get(n).become(arrived.get(n), to.engine);
        }
        offloaded.run();
    }

    /** Time-stamp counters that were in step stay so. The host's counter is {@code ahead} of one that counts guest time. */
    private static void moveCounter(X86Vcpu from, X86Vcpu to, long ahead) {
        if (from instanceof SoftProcessor soft && to instanceof AssistedVcpu hardware) {
            hardware.tscOffset(soft.tscOffset() - ahead);
        } else if (from instanceof AssistedVcpu hardware && to instanceof SoftProcessor soft) {
            soft.tscOffset(hardware.tscOffset() + ahead);
        }
    }

    private static long[] union(long[] some, long[] more) {
        long[] all = some.clone();
        for (int n = 0; n < all.length; n++) {
            all[n] |= more[n];
        }
        return all;
    }

    // ---- the contract ----

    @Override
    public synchronized void setMemorySlot(MemorySlot slot) {
        now.set(slot);
        slots.put(slot.index(), slot);
        dirty.remove(slot.index());
    }

    @Override
    public synchronized void removeMemorySlot(int index) {
        now.remove(index);
        slots.remove(index);
        dirty.remove(index);
    }

    @Override
    public synchronized long[] takeDirtyLog(int index) {
        long[] log = now.takeDirtyLog(index);
        long[] before = dirty.remove(index);
        return before == null ? log : union(log, before);
    }

    @Override
    public GuestMemory memory() {
        return memory;
    }

    @Override
    public InterruptChip interruptChip() {
        return chip;
    }

    @Override
    public X86Vcpu createVcpu(int index, CpuModel model) {
        VcpuModes modes = new VcpuModes(now.engine);
        HybridVcpu vcpu = new HybridVcpu(index, model, modes, vcpu(now, index, model, modes));
        vcpus.add(vcpu);
        return vcpu;
    }

    @Override
    public Optional<Doorbell> doorbell(long address, int size, Consumer<Doorbell> rings) {
        return Optional.of(offload.doorbell(address, size, rings));
    }

    @Override
    public boolean postPortWrites(int port, int count) {
        offload.post(vm -> vm.postPortWrites(port, count));
        return true;
    }

    @Override
    public boolean postMmioWrites(long address, long length) {
        offload.post(vm -> vm.postMmioWrites(address, length));
        return true;
    }

    @Override
    public void deliverPosted(PostedWrites to) {
        offload.deliverPosted(to);
    }

    @Override
    public void resume() {
        now.vm.resume();
    }

    @Override
    public void exchangeState(StateIo io) {
        now.vm.exchangeState(io);
    }

    @Override
    public void close() {
        vcpus.forEach(HybridVcpu::close);
        now.close();
        if (hostTsc != null) {
            hostTsc.close();
        }
    }

    /** Memory as the present engine wants to hear of it. */
    private final class CurrentMemory implements GuestMemory {
        @Override
        public MemorySegment slice(long address, long length) {
            return now.vm.memory().slice(address, length);
        }

        @Override
        public void markWritten(long address, long length) {
            now.vm.memory().markWritten(address, length);
            now.helper.ifPresent(h -> h.memory().markWritten(address, length));
        }
    }

    /** The present engine's interrupt chip. */
    private final class CurrentChip implements InterruptChip {
        @Override
        public void setLine(int gsi, boolean level) {
            now.vm.interruptChip().setLine(gsi, level);
            if (level) {
                interruptSent();
            }
        }

        @Override
        public void signal(long address, int data) {
            now.vm.interruptChip().signal(address, data);
            interruptSent();
        }

        /** Whoever runs it now: messages that go the common way are told of there. */
        @Override
        public MsiChannel channel() {
            return offload.channel(InterruptChip.super.channel(), HybridVm.this::interruptSent);
        }

        @Override
        public boolean speakerOutput() {
            return now.vm.interruptChip().speakerOutput();
        }

        @Override
        public void reset() {
            now.vm.interruptChip().reset();
        }

        @Override
        public String describe() {
            return now.vm.interruptChip().describe();
        }
    }
}
