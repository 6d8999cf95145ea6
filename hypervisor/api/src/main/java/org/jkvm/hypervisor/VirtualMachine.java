package org.jkvm.hypervisor;

import java.util.Optional;
import java.util.function.Consumer;
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

    /**
     * Has writes of {@code size} bytes to guest physical {@code address}, whatever their value, end in the backend. Other accesses
     * to it are exits as ever, and so are such writes where the backend likes. With no vCPU about to use it.
     *
     * @param rings called on a thread of the backend's while the doorbell has rung and was not taken; must not throw
     * @return empty where the backend has no such thing, or no room for another one: then all writes are exits
     */
    default Optional<Doorbell> doorbell(long address, int size, Consumer<Doorbell> rings) {
        return Optional.empty();
    }

    /**
     * Lets the backend keep writes to ports back until the next exit of any vCPU: writes that nobody can tell of before another
     * access. Where it does, {@link #deliverPosted} has to be called before an exit is handled and before state is read.
     *
     * @return whether it does
     */
    default boolean postPortWrites(int port, int count) {
        return false;
    }

    /** The same for guest physical addresses that no memory slot backs. */
    default boolean postMmioWrites(long address, long length) {
        return false;
    }

    /** Hands over what was kept back. By one thread at a time. */
    default void deliverPosted(PostedWrites to) {
        // Nothing is ever kept back.
    }

    /** Guest time goes on after it stood still; vCPUs are about to run. Called with none running. */
    default void resume() {
    }

    /** Frees everything. No vCPU may be running. */
    @Override
    void close();
}
