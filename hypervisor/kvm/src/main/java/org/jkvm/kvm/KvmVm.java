package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.UserException;
import org.jkvm.base.state.StateIo;
import org.jkvm.hypervisor.Doorbell;
import org.jkvm.hypervisor.InterruptChip;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.PostedWrites;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86Vcpu;

/** A virtual machine of /dev/kvm, with its interrupt chip in the kernel. */
final class KvmVm implements VirtualMachine {
    /** Three pages and one that Intel's processors need somewhere in the guest's physical space, below its firmware. */
    private static final long TSS_ADDRESS = 0xfffb_d000L;
    private static final long IDENTITY_MAP_ADDRESS = 0xfffb_c000L;

    private final VmConfig config;
    private final Handle handle;
    private final KvmMemory memory;
    /** The kernel's, or null where the other two are there. */
    private final KvmInterruptChip chip;
    private final SplitApics apics;
    private final UserChip userChip;
    private final KvmDoorbells doorbells;
    private final KvmPostedWrites posted;
    private final int vcpuMemory;
    private final int[] msrs;
    private final int guestDebug;
    private final List<KvmVcpu> vcpus = new CopyOnWriteArrayList<>();

    private boolean closed;

    /** {@code split} makes the chips beside the kernel's local APICs; null where all of them are the kernel's. */
    KvmVm(VmConfig config, Function<KernelApics, UserChip> split) {
        this.config = config;
        int mostRoutes;
        try (KvmSystem system = KvmSystem.open()) {
            checkVcpus(config.maxVcpus(), system.capability(KernelCapability.MAX_VCPUS));
            vcpuMemory = system.vcpuMemory();
            msrs = system.msrs();
            guestDebug = system.capability(KernelCapability.SET_GUEST_DEBUG2);
            handle = system.createVm();
            mostRoutes = system.capability(KernelCapability.IRQ_ROUTING);
            posted = new KvmPostedWrites(handle, system.capability(KernelCapability.COALESCED_MMIO),
                    system.capability(KernelCapability.COALESCED_PIO) != 0);
        }
        doorbells = new KvmDoorbells(handle);
        try {
            place();
            chip = split == null ? new KvmInterruptChip(handle, mostRoutes) : null;
            apics = split == null ? null : new SplitApics(handle, mostRoutes, this::lookForInterrupts);
            userChip = split == null ? null : split.apply(apics);
            memory = new KvmMemory(handle);
            resume();
        } catch (RuntimeException e) {
            handle.close();
            throw e;
        }
    }

    private void lookForInterrupts() {
        vcpus.stream().limit(1).forEach(KvmVcpu::lookForInterrupts);
    }

    /** The controllers beside the local APICs where they are not the kernel's, else null. */
    UserChip userChip() {
        return userChip;
    }

    /** Refuses more vCPUs than {@code most}. */
    static void checkVcpus(int wanted, int most) {
        if (wanted > most) {
            throw new UserException("-smp " + wanted + ": this host's KVM runs at most " + most + " vCPUs");
        }
    }

    private void place() {
        handle.call(Request.KVM_SET_TSS_ADDR, TSS_ADDRESS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(JAVA_LONG);
            address.set(JAVA_LONG, 0, IDENTITY_MAP_ADDRESS);
            handle.call(Request.KVM_SET_IDENTITY_MAP_ADDR, address);
        }
    }

    Handle handle() {
        return handle;
    }

    int vcpuMemory() {
        return vcpuMemory;
    }

    int[] msrs() {
        return msrs;
    }

    /** What KVM_SET_GUEST_DEBUG has, by bit; 0 where the kernel does not tell. */
    int guestDebug() {
        return guestDebug;
    }

    @Override
    public void setMemorySlot(MemorySlot slot) {
        memory.set(slot);
    }

    @Override
    public void removeMemorySlot(int index) {
        memory.remove(index);
    }

    @Override
    public long[] takeDirtyLog(int index) {
        return memory.takeDirtyLog(index);
    }

    @Override
    public GuestMemory memory() {
        return memory;
    }

    @Override
    public InterruptChip interruptChip() {
        return chip == null ? userChip : chip;
    }

    @Override
    public Optional<Doorbell> doorbell(long address, int size, Consumer<Doorbell> rings) {
        return doorbells.add(address, size, rings);
    }

    @Override
    public boolean postPortWrites(int port, int count) {
        return posted.gather(port, count, true);
    }

    @Override
    public boolean postMmioWrites(long address, long length) {
        return posted.gather(address, length, false);
    }

    @Override
    public void deliverPosted(PostedWrites to) {
        posted.deliver(to);
    }

    @Override
    public X86Vcpu createVcpu(int index, CpuModel model) {
        KvmVcpu vcpu = new KvmVcpu(this, index, model);
        vcpus.add(vcpu);
        posted.share(vcpus.getFirst().shared());
        return vcpu;
    }

    /** The paravirtual clock shows guest time, which stood still while the machine did. */
    @Override
    public void resume() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment clock = arena.allocate(Abi.ClockData.S.size(), 8);
            clock.set(JAVA_LONG, Abi.ClockData.CLOCK, config.clock().nanos());
            handle.call(Request.KVM_SET_CLOCK, clock);
        }
    }

    @Override
    public void exchangeState(StateIo io) {
        if (apics != null && !io.restoring()) {
            vcpus.forEach(KvmVcpu::settle);
            apics.release();
        }
        io.part("chip", chip == null ? userChip : chip);
        if (io.restoring()) {
            resume();
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            closeChips();
            doorbells.close();
            posted.share(null);
            vcpus.forEach(KvmVcpu::close);
            handle.close();
        }
    }

    private void closeChips() {
        if (chip == null) {
            userChip.close();
            apics.close();
        } else {
            chip.close();
        }
    }
}
