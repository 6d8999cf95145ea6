package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.HostException;
import org.jkvm.hypervisor.MemorySlot;

/**
 * The memory slots of a virtual machine: given to the kernel, and kept for devices. What devices write is logged here, as
 * the kernel logs only what vCPUs write. Any thread.
 */
final class KvmMemory implements GuestMemory {
    private static final int PAGE = MemorySlot.PAGE;

    private final Handle vm;
    private volatile Slot[] slots = new Slot[0];

    private record Slot(MemorySlot slot, long end, AtomicLongArray written) {
        static Slot of(MemorySlot slot) {
            long pages = slot.memory().byteSize() / PAGE;
            return new Slot(slot, slot.address() + slot.memory().byteSize(),
                    slot.logDirty() ? new AtomicLongArray((int) (pages + 63 >>> 6)) : null);
        }

        void mark(long address) {
            long page = address - slot.address() >>> 12;
            if (written != null) {
                written.accumulateAndGet((int) (page >>> 6), 1L << page, (a, b) -> a | b);
            }
        }
    }

    KvmMemory(Handle vm) {
        this.vm = vm;
    }

    /** The kernel can't change a slot's size or memory in place: it is removed first. */
    synchronized void set(MemorySlot slot) {
        Slot added = Slot.of(slot);
        for (Slot other : without(slot.index())) {
            if (slot.address() < other.end && other.slot.address() < added.end) {
                throw new IllegalArgumentException("memory slot " + slot.index() + " overlaps slot " + other.slot.index());
            }
        }
        remove(slot.index());
        int flags = (slot.logDirty() ? Abi.UserMemoryRegion.LOG_DIRTY_PAGES : 0)
                | (slot.readOnly() ? Abi.UserMemoryRegion.READONLY : 0);
        region(slot.index(), flags, slot.address(), slot.memory());
        Slot[] next = Arrays.copyOf(slots, slots.length + 1);
        next[slots.length] = added;
        slots = next;
    }

    synchronized void remove(int index) {
        for (Slot slot : slots) {
            if (slot.slot.index() == index) {
                region(index, 0, slot.slot.address(), slot.slot.memory().asSlice(0, 0));
            }
        }
        slots = without(index);
    }

    private Slot[] without(int index) {
        return Arrays.stream(slots).filter(s -> s.slot.index() != index).toArray(Slot[]::new);
    }

    private void region(int index, int flags, long address, MemorySegment memory) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment region = arena.allocate(Abi.UserMemoryRegion.S.size(), 8);
            region.set(JAVA_INT, Abi.UserMemoryRegion.SLOT, index);
            region.set(JAVA_INT, Abi.UserMemoryRegion.FLAGS, flags);
            region.set(JAVA_LONG, Abi.UserMemoryRegion.GUEST_PHYS_ADDR, address);
            region.set(JAVA_LONG, Abi.UserMemoryRegion.MEMORY_SIZE, memory.byteSize());
            region.set(JAVA_LONG, Abi.UserMemoryRegion.USERSPACE_ADDR, memory.address());
            vm.call(Request.KVM_SET_USER_MEMORY_REGION, region);
        }
    }

    /** Returns and clears a dirty log: what vCPUs wrote, and what devices wrote. */
    long[] takeDirtyLog(int index) {
        for (Slot slot : slots) {
            if (slot.slot.index() == index && slot.written != null) {
                long[] log = kernelLog(index, slot.written.length());
                for (int n = 0; n < log.length; n++) {
                    log[n] |= slot.written.getAndSet(n, 0);
                }
                return log;
            }
        }
        throw new IllegalArgumentException("memory slot " + index + " has no dirty log");
    }

    private long[] kernelLog(int index, int words) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bitmap = arena.allocate((long) words * Long.BYTES, 8);
            MemorySegment log = arena.allocate(Abi.DirtyLog.S.size(), 8);
            log.set(JAVA_INT, Abi.DirtyLog.SLOT, index);
            log.set(JAVA_LONG, Abi.DirtyLog.DIRTY_BITMAP, bitmap.address());
            vm.call(Request.KVM_GET_DIRTY_LOG, log);
            return bitmap.toArray(JAVA_LONG);
        } catch (HostException e) {
            throw new HostException("memory slot " + index + ": " + e.getMessage(), e.errno());
        }
    }

    private Slot find(long address) {
        for (Slot slot : slots) {
            if (address >= slot.slot.address() && address < slot.end) {
                return slot;
            }
        }
        return null;
    }

    @Override
    public MemorySegment slice(long address, long length) {
        Slot slot = find(address);
        if (slot == null || length < 0 || length > slot.end - address) {
            throw new BadAddress(address, length);
        }
        return slot.slot.memory().asSlice(address - slot.slot.address(), length);
    }

    @Override
    public void markWritten(long address, long length) {
        for (long page = address & -PAGE; page < address + length; page += PAGE) {
            Slot slot = find(page);
            if (slot != null) {
                slot.mark(page);
            }
        }
    }
}
