package org.jkvm.soft;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.StateIo;
import org.jkvm.hypervisor.InterruptChip;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.soft.chip.SoftInterruptChip;
import org.jkvm.x86.state.Request;
import org.jkvm.x86.translate.SharedTranslations;

/** A virtual machine of the software backend. */
final class SoftVm implements VirtualMachine {
    private final VmConfig config;
    /** The counter of a machine that lodges, or null. */
    private final LongSupplier hostTsc;
    private final SoftOptions options;
    private final CodePages codePages = new CodePages();
    private final SlotMap slots = new SlotMap(codePages);
    private final SoftInterruptChip chip;
    private final SharedTranslations translations;
    private final List<SoftVcpu> vcpus = new CopyOnWriteArrayList<>();

    SoftVm(VmConfig config, SoftOptions options, long tscHertz, LongSupplier hostTsc) {
        this.config = config;
        this.options = options;
        this.hostTsc = hostTsc;
        this.translations = config.maxVcpus() > 1 ? new SharedTranslations() : SharedTranslations.NOTHING;
        this.chip = new SoftInterruptChip(config.clock(), config.maxVcpus(), tscHertz);
    }

    /** Whether the interrupt chip that guests know is elsewhere. */
    boolean lodges() {
        return hostTsc != null;
    }

    LongSupplier hostTsc() {
        return hostTsc;
    }

    SoftOptions options() {
        return options;
    }

    VmConfig config() {
        return config;
    }

    SlotMap slots() {
        return slots;
    }

    CodePages codePages() {
        return codePages;
    }

    /** What vCPUs translate for each other. */
    SharedTranslations translations() {
        return translations;
    }

    SoftInterruptChip chip() {
        return chip;
    }

    @Override
    public void setMemorySlot(MemorySlot slot) {
        slots.set(slot);
        flushTlbs();
    }

    @Override
    public void removeMemorySlot(int index) {
        slots.remove(index);
        flushTlbs();
    }

    @Override
    public long[] takeDirtyLog(int index) {
        long[] log = slots.takeDirtyLog(index);
        flushTlbs();
        return log;
    }

    private void flushTlbs() {
        vcpus.forEach(vcpu -> vcpu.request(Request.FLUSH_TLB));
    }

    @Override
    public GuestMemory memory() {
        return slots;
    }

    @Override
    public InterruptChip interruptChip() {
        return chip;
    }

    @Override
    public SoftProcessor createVcpu(int index, CpuModel model) {
        SoftVcpu vcpu = new SoftVcpu(this, index, model);
        vcpus.add(vcpu);
        codePages.add(vcpu);
        return vcpu;
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("chip", chip);
    }

    @Override
    public void close() {
        vcpus.forEach(SoftVcpu::close);
        vcpus.clear();
        chip.close();
    }
}
