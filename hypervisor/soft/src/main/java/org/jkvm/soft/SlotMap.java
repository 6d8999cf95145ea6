package org.jkvm.soft;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jkvm.base.GuestMemory;
import org.jkvm.hypervisor.MemorySlot;

/**
 * The memory slots: guest physical pages to host memory. Readers take one snapshot of an immutable array; any thread.
 */
final class SlotMap implements GuestMemory {
    private static final int PAGE = MemorySlot.PAGE;

    /** One slot with its dirty log. */
    record Slot(MemorySlot slot, long end, long host, AtomicLongArray dirty) {
        static Slot of(MemorySlot slot) {
            long size = slot.memory().byteSize();
            AtomicLongArray log = slot.logDirty() ? new AtomicLongArray((int) (size / PAGE + 63 >>> 6)) : null;
            return new Slot(slot, slot.address() + size, slot.memory().address(), log);
        }

        boolean contains(long address) {
            return address >= slot.address() && address < end;
        }

        void mark(long address) {
            if (dirty != null) {
                long page = address - slot.address() >>> 12;
                dirty.accumulateAndGet((int) (page >>> 6), 1L << page, (a, b) -> a | b);
            }
        }
    }

    private final CodePages codePages;
    private volatile Slot[] slots = new Slot[0];

    SlotMap(CodePages codePages) {
        this.codePages = codePages;
    }

    synchronized void set(MemorySlot slot) {
        Slot added = Slot.of(slot);
        Slot[] others = without(slot.index());
        for (Slot other : others) {
            if (added.slot.address() < other.end && other.slot.address() < added.end) {
                throw new IllegalArgumentException("memory slot " + slot.index() + " overlaps slot " + other.slot.index());
            }
        }
        Slot[] next = Arrays.copyOf(others, others.length + 1);
        next[others.length] = added;
        slots = next;
    }

    synchronized void remove(int index) {
        slots = without(index);
    }

    private Slot[] without(int index) {
        return Arrays.stream(slots).filter(s -> s.slot.index() != index).toArray(Slot[]::new);
    }

    /** The slot at a guest physical address, or null. */
    Slot find(long address) {
        for (Slot slot : slots) {
            if (slot.contains(address)) {
                return slot;
            }
        }
        return null;
    }

    /** Returns and clears a dirty log. */
    long[] takeDirtyLog(int index) {
        for (Slot slot : slots) {
            if (slot.slot.index() == index && slot.dirty != null) {
                long[] log = new long[slot.dirty.length()];
                Arrays.setAll(log, n -> slot.dirty.getAndSet(n, 0));
                return log;
            }
        }
        throw new IllegalArgumentException("memory slot " + index + " has no dirty log");
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
        codePages.written(address, length, null);
    }
}
