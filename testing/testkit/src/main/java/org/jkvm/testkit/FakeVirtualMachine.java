package org.jkvm.testkit;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jkvm.base.Bits;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.hypervisor.InterruptChip;
import org.jkvm.hypervisor.MemorySlot;
import org.jkvm.hypervisor.VirtualMachine;
import org.jkvm.hypervisor.VmConfig;
import org.jkvm.hypervisor.x86.CpuModel;

/** A virtual machine of a {@link FakeHypervisor}: memory slots that work, an interrupt chip that remembers. */
public final class FakeVirtualMachine implements VirtualMachine {
    private final VmConfig config;
    private final TreeMap<Integer, MemorySlot> slots = new TreeMap<>();
    private final List<FakeVcpu> vcpus = new ArrayList<>();
    private final Chip chip = new Chip();
    private boolean closed;

    FakeVirtualMachine(VmConfig config) {
        this.config = config;
    }

    /** What it was made with. */
    public VmConfig config() {
        return config;
    }

    /** Its vCPUs. */
    public List<FakeVcpu> vcpus() {
        return vcpus;
    }

    /** Whether {@link #close} was called. */
    public boolean closed() {
        return closed;
    }

    @Override
    public void setMemorySlot(MemorySlot slot) {
        slots.put(slot.index(), slot);
    }

    @Override
    public void removeMemorySlot(int index) {
        slots.remove(index);
    }

    @Override
    public long[] takeDirtyLog(int index) {
        throw new UnsupportedOperationException("no dirty log");
    }

    @Override
    public GuestMemory memory() {
        return new Memory();
    }

    @Override
    public Chip interruptChip() {
        return chip;
    }

    @Override
    public FakeVcpu createVcpu(int index, CpuModel model) {
        FakeVcpu vcpu = new FakeVcpu(index);
        vcpus.add(vcpu);
        return vcpu;
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("interrupt-chip", chip);
    }

    @Override
    public void close() {
        closed = true;
    }

    private final class Memory implements GuestMemory {
        @Override
        public MemorySegment slice(long address, long length) {
            for (MemorySlot slot : slots.values()) {
                long size = slot.memory().byteSize();
                long offset = address - slot.address();
                if (offset >= 0 && length >= 0 && offset <= size && length <= size - offset) {
                    return slot.memory().asSlice(offset, length);
                }
            }
            throw new BadAddress(address, length);
        }

        @Override
        public void markWritten(long address, long length) {
        }
    }

    /** Remembers the level of every line and the last message. */
    public static final class Chip implements InterruptChip, Stateful {
        private long levels;
        private int resets;
        private long messages;

        @Override
        public synchronized void setLine(int gsi, boolean level) {
            levels = Bits.with(levels, gsi, level);
        }

        /** The level of GSI {@code gsi}. */
        public synchronized boolean level(int gsi) {
            return Bits.isSet(levels, gsi);
        }

        /** How often it was reset. */
        public synchronized int resets() {
            return resets;
        }

        /** How many messages came. */
        public synchronized long messages() {
            return messages;
        }

        @Override
        public synchronized void signal(long address, int data) {
            messages++;
        }

        @Override
        public boolean speakerOutput() {
            return false;
        }

        @Override
        public synchronized void reset() {
            resets++;
        }

        @Override
        public String describe() {
            return "fake interrupt chip\n";
        }

        @Override
        public synchronized void exchangeState(StateIo io) {
            levels = io.u64("levels", levels);
        }
    }
}
