package org.jkvm.hypervisor;

import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.Stateful;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86Vcpu;

/** One virtual machine: memory slots, vCPUs, an interrupt chip. State: everything but RAM and vCPUs. */
public interface VirtualMachine extends Stateful, AutoCloseable {
    /**
     * Adds or replaces the memory slot of {@code slot}'s index. May be called while vCPUs run. One that is in guest
     * mode may still execute some instructions with what was there before, whose memory has to stay mapped until then: until
     * the vCPU has been kicked out of guest mode.
     *
     * @throws IllegalArgumentException when it is not page-aligned or overlaps another slot
     */
    void setMemorySlot(MemorySlot slot);

    /** Removes a memory slot; like {@link #setMemorySlot} while vCPUs run. Nothing happens where there is none. */
    void removeMemorySlot(int index);

    /** Returns and clears the dirty log of a slot: one bit a 4 KiB page, little-endian in each long. */
    long[] takeDirtyLog(int index);

    /** The memory slots as bus masters see them. */
    GuestMemory memory();

    /** The interrupt controllers, which belong to the backend. */
    InterruptChip interruptChip();

    /**
     * Makes vCPU {@code index}, which is also its APIC id. Index 0 is the bootstrap processor; the others wait for
     * INIT and SIPI.
     */
    X86Vcpu createVcpu(int index, CpuModel model);

    /** Guest time goes on after it stood still; vCPUs are about to run. Called with none running. */
    default void resume() {
    }

    /** Frees everything. No vCPU may be running. */
    @Override
    void close();
}
