package org.jkvm.devices.virtio;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jkvm.base.Bits;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.StateIo;

/** The split ring format (virtio 1.2, section 2.7): a descriptor table, an available ring and a used ring. */
final class SplitVirtqueue extends Virtqueue {
    /** Offsets in both rings: flags, idx, then the entries, then the other side's event index. */
    private static final int FLAGS = 0;
    private static final int IDX = 2;
    private static final int RING = 4;
    private static final int AVAIL_ENTRY = 2;
    private static final int USED_ENTRY = 8;
    private static final int F_NO_INTERRUPT = 1;
    private static final int F_NO_NOTIFY = 1;

    private final MemorySegment table;
    private final MemorySegment avail;
    private final MemorySegment used;
    private final long usedAddress;
    private int nextAvail;
    private int nextUsed;
    private int signalled;

    SplitVirtqueue(GuestMemory memory, Layout layout) {
        super(memory, layout);
        if (!Bits.isPowerOfTwo(size)) {
            throw new VirtioException("a split queue of " + size + " entries, not a power of two");
        }
        int eventBytes = eventIndex ? 2 : 0;
        table = area("descriptor table", layout.descriptor(), (long) size * DESCRIPTOR, 16);
        avail = area("available ring", layout.driver(), RING + (long) size * AVAIL_ENTRY + eventBytes, 2);
        used = area("used ring", layout.device(), RING + (long) size * USED_ENTRY + eventBytes, 4);
        usedAddress = layout.device();
    }

    @Override
    public boolean hasAvailable() {
        return u16Acquire(avail, IDX) != nextAvail;
    }

    @Override
    public Chain pop() {
        int waiting = u16Acquire(avail, IDX) - nextAvail & 0xffff;
        if (waiting == 0) {
            return null;
        }
        if (waiting > size) {
            throw new VirtioException("the available index is " + waiting + " ahead in a queue of " + size);
        }
        Chain chain = take();
        chain.id = u16(avail, RING + (long) (nextAvail & size - 1) * AVAIL_ENTRY);
        chain.slots = 1;
        walk(chain, table, size, chain.id, true);
        nextAvail = nextAvail + 1 & 0xffff;
        hold(chain);
        return chain;
    }

    /** Follows {@code next} links; a chain that visits more descriptors than there are is a loop. */
    private void walk(Chain chain, MemorySegment descriptors, int count, int first, boolean direct) {
        int index = first;
        for (int seen = 0; ; seen++) {
            if (index >= count || seen == count) {
                throw new VirtioException("a descriptor chain leaves its table or loops");
            }
            long address = descriptors.get(LONG, (long) index * DESCRIPTOR);
            long rest = descriptors.get(LONG, (long) index * DESCRIPTOR + 8);
            int flags = (int) Bits.extract(rest, 47, 32);
            if ((flags & F_INDIRECT) != 0) {
                walkIndirect(chain, address, rest & 0xffff_ffffL, flags, direct);
                return;
            }
            add(chain, address, rest & 0xffff_ffffL, (flags & F_WRITE) != 0);
            if ((flags & F_NEXT) == 0) {
                return;
            }
            index = (int) Bits.extract(rest, 63, 48);
        }
    }

    private void walkIndirect(Chain chain, long address, long length, int flags, boolean direct) {
        if (!direct || (flags & F_NEXT) != 0) {
            throw new VirtioException("an indirect descriptor inside a table, or with a next one");
        }
        MemorySegment indirect = indirectTable(address, length);
        walk(chain, indirect, (int) Math.min(length / DESCRIPTOR, 1 << 16), 0, false);
    }

    @Override
    void pushUsed(Chain chain, int written) {
        long entry = RING + (long) (nextUsed & size - 1) * USED_ENTRY;
        used.set(INT, entry, chain.id);
        used.set(INT, entry + 4, written);
        nextUsed = nextUsed + 1 & 0xffff;
        u16Release(used, IDX, nextUsed);
        memory.markWritten(usedAddress + entry, USED_ENTRY);
        memory.markWritten(usedAddress + IDX, 2);
    }

    /** The store of the used index must be seen before the driver's wish is read (section 2.7.7.2). */
    @Override
    public boolean interruptWanted() {
        int old = signalled;
        signalled = nextUsed;
        VarHandle.fullFence();
        if (!eventIndex) {
            return old != nextUsed && (u16(avail, FLAGS) & F_NO_INTERRUPT) == 0;
        }
        return passed(u16(avail, RING + (long) size * AVAIL_ENTRY), nextUsed, old);
    }

    @Override
    public void suppressNotifications() {
        if (!eventIndex) {
            setFlags(F_NO_NOTIFY);
        }
    }

    @Override
    public boolean enableNotifications() {
        if (eventIndex) {
            long at = RING + (long) size * USED_ENTRY;
            u16Opaque(used, at, nextAvail);
            memory.markWritten(usedAddress + at, 2);
        } else {
            setFlags(0);
        }
        VarHandle.fullFence();
        return hasAvailable();
    }

    @Override
    public void exchangeState(StateIo io) {
        nextAvail = io.u16("next-avail", nextAvail);
        nextUsed = io.u16("next-used", nextUsed);
        signalled = io.u16("signalled", signalled);
    }

    private void setFlags(int flags) {
        u16Opaque(used, FLAGS, flags);
        memory.markWritten(usedAddress + FLAGS, 2);
    }
}
