package org.jkvm.devices.virtio;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jkvm.base.Bits;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;

/**
 * The packed ring format (virtio 1.2, section 2.8): one ring of descriptors that both sides write, and two structures
 * that say which notifications are wanted. A wrap counter tells this round's descriptors from the last one's.
 */
final class PackedVirtqueue extends Virtqueue {
    private static final int F_AVAIL = 7;
    private static final int F_USED = 15;
    private static final int FLAGS = 14;
    private static final int EVENT_BYTES = 4;
    private static final int EVENT_FLAGS = 2;
    private static final int EVENT_ENABLE = 0;
    private static final int EVENT_DISABLE = 1;
    private static final int EVENT_DESCRIPTOR = 2;
    private static final int WRAP = 15;

    private final MemorySegment ring;
    private final MemorySegment driverEvent;
    private final MemorySegment deviceEvent;
    private final long ringAddress;
    private final long deviceEventAddress;
    private int nextAvail;
    private int nextUsed;
    private boolean availWrap = true;
    private boolean usedWrap = true;
    /** Value of nextUsed when the driver was last asked; taken down by the ring's size when nextUsed wraps. */
    private int signalled;

    PackedVirtqueue(GuestMemory memory, Layout layout) {
        super(memory, layout);
        ring = area("descriptor ring", layout.descriptor(), (long) size * DESCRIPTOR, 16);
        driverEvent = area("driver event structure", layout.driver(), EVENT_BYTES, 4);
        deviceEvent = area("device event structure", layout.device(), EVENT_BYTES, 4);
        ringAddress = layout.descriptor();
        deviceEventAddress = layout.device();
    }

    @Override
    public boolean hasAvailable() {
        int flags = u16Acquire(ring, (long) nextAvail * DESCRIPTOR + FLAGS);
        return Bits.isSet(flags, F_AVAIL) == availWrap && Bits.isSet(flags, F_USED) != availWrap;
    }

    @Override
    public Chain pop() {
        if (!hasAvailable()) {
            return null;
        }
        Chain chain = take();
        walk(chain);
        nextAvail += chain.slots;
        if (nextAvail >= size) {
            nextAvail -= size;
            availWrap = !availWrap;
        }
        hold(chain);
        return chain;
    }

    /** The descriptors of a chain follow each other in the ring; the last one holds the buffer's ID (section 2.8.6). */
    private void walk(Chain chain) {
        int flags;
        do {
            if (chain.slots == size) {
                throw new VirtioException("a descriptor chain is longer than the ring");
            }
            long slot = (long) ((nextAvail + chain.slots) % size) * DESCRIPTOR;
            long address = ring.get(LONG, slot);
            long rest = ring.get(LONG, slot + 8);
            flags = (int) Bits.extract(rest, 63, 48);
            chain.id = (int) Bits.extract(rest, 47, 32);
            addDescriptor(chain, address, rest & 0xffff_ffffL, flags);
            chain.slots++;
        } while ((flags & F_NEXT) != 0);
    }

    private void addDescriptor(Chain chain, long address, long length, int flags) {
        if ((flags & F_INDIRECT) == 0) {
            add(chain, address, length, (flags & F_WRITE) != 0);
        } else if ((flags & F_NEXT) != 0 || chain.slots > 0) {
            throw new VirtioException("an indirect descriptor in a chain of several");
        } else {
            addTable(chain, indirectTable(address, length));
        }
    }

    /** In a table descriptors follow each other; of their flags only WRITE means something (section 2.8.7). */
    private void addTable(Chain chain, MemorySegment table) {
        if (table.byteSize() / DESCRIPTOR > MAX_CHAIN) {
            throw new VirtioException("an indirect table of " + table.byteSize() + " bytes");
        }
        for (long at = 0; at < table.byteSize(); at += DESCRIPTOR) {
            long rest = table.get(LONG, at + 8);
            add(chain, table.get(LONG, at), rest & 0xffff_ffffL, Bits.isSet(rest, 48 + 1));
        }
    }

    /** The flags make the entry valid and are written last (section 2.8.2). */
    @Override
    void pushUsed(Chain chain, int written) {
        long slot = (long) nextUsed * DESCRIPTOR;
        ring.set(INT, slot + 8, written);
        u16Opaque(ring, slot + 12, chain.id);
        int flags = (usedWrap ? 1 << F_AVAIL | 1 << F_USED : 0) | (written > 0 ? F_WRITE : 0);
        u16Release(ring, slot + FLAGS, flags);
        memory.markWritten(ringAddress + slot + 8, 8);
        nextUsed += chain.slots;
        if (nextUsed >= size) {
            nextUsed -= size;
            signalled -= size;
            usedWrap = !usedWrap;
        }
    }

    @Override
    public boolean interruptWanted() {
        int old = signalled;
        signalled = nextUsed;
        VarHandle.fullFence();
        int flags = u16(driverEvent, EVENT_FLAGS) & 3;
        if (flags != EVENT_DESCRIPTOR || !eventIndex) {
            return old != nextUsed && flags != EVENT_DISABLE;
        }
        int offset = u16(driverEvent, 0);
        int event = offset & 0x7fff;
        return passed(Bits.isSet(offset, WRAP) == usedWrap ? event : event - size, nextUsed, old);
    }

    @Override
    public void suppressNotifications() {
        setEvent(EVENT_DISABLE);
    }

    @Override
    public boolean enableNotifications() {
        if (eventIndex) {
            u16Opaque(deviceEvent, 0, nextAvail | (availWrap ? 1 << WRAP : 0));
        }
        setEvent(eventIndex ? EVENT_DESCRIPTOR : EVENT_ENABLE);
        VarHandle.fullFence();
        return hasAvailable();
    }

    @Override
    public void exchangeState(StateIo io) {
        nextAvail = index(io.u16("next-avail", nextAvail));
        nextUsed = index(io.u16("next-used", nextUsed));
        availWrap = io.flag("avail-wrap", availWrap);
        usedWrap = io.flag("used-wrap", usedWrap);
        signalled = (short) io.u16("signalled", signalled);
    }

    private int index(int loaded) {
        if (loaded >= size) {
            throw new StateException("virtqueue: index " + loaded + " in a ring of " + size);
        }
        return loaded;
    }

    private void setEvent(int flags) {
        u16Release(deviceEvent, EVENT_FLAGS, flags);
        memory.markWritten(deviceEventAddress, EVENT_BYTES);
    }
}
