package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.UserException;
import org.jkvm.base.state.StateIo;
import org.jkvm.hypervisor.InterruptChip;
import org.jkvm.hypervisor.MemorySlot;
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
    private final KvmInterruptChip chip;
    private final int vcpuMemory;
    private final int[] msrs;
    private final List<KvmVcpu> vcpus = new CopyOnWriteArrayList<>();

    KvmVm(VmConfig config) {
        this.config = config;
        try (KvmSystem system = KvmSystem.open()) {
            int most = system.capability(KernelCapability.MAX_VCPUS);
            if (config.maxVcpus() > most) {
                throw new UserException("-smp " + config.maxVcpus() + ": this host's KVM runs at most " + most + " vCPUs");
            }
            vcpuMemory = system.vcpuMemory();
            msrs = system.msrs();
            handle = system.createVm();
        }
        try {
            place();
            chip = new KvmInterruptChip(handle);
            memory = new KvmMemory(handle);
            resume();
        } catch (RuntimeException e) {
            handle.close();
            throw e;
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
        return chip;
    }

    @Override
    public X86Vcpu createVcpu(int index, CpuModel model) {
        KvmVcpu vcpu = new KvmVcpu(this, index, model);
        vcpus.add(vcpu);
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
        io.part("chip", chip);
        if (io.restoring()) {
            resume();
        }
    }

    @Override
    public void close() {
        if (chip.close()) {
            vcpus.forEach(KvmVcpu::close);
            handle.close();
        }
    }
}
