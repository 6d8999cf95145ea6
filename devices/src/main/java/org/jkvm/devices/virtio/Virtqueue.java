package org.jkvm.devices.virtio;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * The device's side of a virtqueue (virtio 1.2, sections 2.6 to 2.8), whichever ring format was negotiated. Everything
 * in the rings is the driver's word: each field is read once, checked, and then used.
 *
 * <p>Single-threaded: the caller holds the bus lock. The driver runs meanwhile, on other threads; ring indices and flags
 * are read with acquire and written with release ordering, with a full fence where the specification asks for one.
 */
public abstract sealed class Virtqueue implements Stateful permits SplitVirtqueue, PackedVirtqueue {
    /** Largest queue size that this implementation offers. */
    public static final int MAX_SIZE = 1024;
    /** Descriptors in one chain, those in an indirect table counted; drivers make longer tables than queues. */
    static final int MAX_CHAIN = 1024;
    static final int DESCRIPTOR = 16;
    static final int F_NEXT = 1;
    static final int F_WRITE = 2;
    static final int F_INDIRECT = 4;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final VarHandle SHORT_ACCESS = SHORT.varHandle();
    private static final int SAVED_PIECE = 16;
    private static final int SAVED_WRITABLE = 1;
    private static final long MAX_BYTES = 1L << 32;

    final GuestMemory memory;
    final int size;
    final boolean eventIndex;
    private final boolean indirect;
    private final transient ArrayDeque<Chain> spare = new ArrayDeque<>();
    private int slotsInFlight;

    /**
     * Where the driver put a queue, and what was negotiated for it.
     *
     * @param size       entries, 1 to {@link #MAX_SIZE}; a power of two for the split format
     * @param descriptor guest physical address of the descriptor area
     * @param driver     guest physical address of the driver area
     * @param device     guest physical address of the device area
     */
    public record Layout(int size, long descriptor, long driver, long device, boolean packed, boolean eventIndex,
                         boolean indirect) {
    }

    Virtqueue(GuestMemory memory, Layout layout) {
        this.memory = memory;
        this.size = layout.size;
        this.eventIndex = layout.eventIndex;
        this.indirect = layout.indirect;
    }

    /**
     * Opens a queue that the driver has set up.
     *
     * @throws VirtioException        when size or alignment break the rules
     * @throws GuestMemory.BadAddress when an area is not in RAM
     */
    public static Virtqueue open(GuestMemory memory, Layout layout) {
        if (layout.size < 1 || layout.size > MAX_SIZE) {
            throw new VirtioException("queue size " + layout.size);
        }
        return layout.packed ? new PackedVirtqueue(memory, layout) : new SplitVirtqueue(memory, layout);
    }

    /**
     * Takes the next buffer, or null where the driver has made none available.
     *
     * @throws VirtioException        when ring or descriptors break the rules
     * @throws GuestMemory.BadAddress when a buffer is not in RAM
     */
    public abstract Chain pop();

    /** Whether {@link #pop} would return a buffer. */
    public abstract boolean hasAvailable();

    /** Gives a buffer back with {@code written} bytes stored at the start of its writable part. */
    public final void push(Chain chain, int written) {
        markWritten(chain.writable, written);
        pushUsed(chain, written);
        release(chain);
    }

    /** Whether the driver wants to hear of what was pushed since the last call. */
    public abstract boolean interruptWanted();

    /** Tells the driver that it need not notify; a hint. */
    public abstract void suppressNotifications();

    /** Tells the driver to notify of what it makes available from now on; returns whether something already is. */
    public abstract boolean enableNotifications();

    /** How many ring slots the device holds. */
    final int slotsInFlight() {
        return slotsInFlight;
    }

    /** Exchanges a buffer that the device holds: {@code chain = queue.exchangeChain(io, "request", chain)}. */
    public final Chain exchangeChain(StateIo io, String name, Chain chain) {
        Chain result = io.restoring() ? take() : chain;
        io.part(name, part -> exchange(part, result));
        return result;
    }

    abstract void pushUsed(Chain chain, int written);

    final Chain take() {
        Chain chain = spare.poll();
        return chain == null ? new Chain() : chain.clear();
    }

    /** Counts what the device holds; more than the ring has is a driver that lies. */
    final void hold(Chain chain) {
        slotsInFlight += chain.slots;
        if (slotsInFlight > size) {
            throw new VirtioException("more buffers available than the ring has descriptors");
        }
    }

    final void add(Chain chain, long address, long length, boolean writable) {
        Segments side = writable ? chain.writable : chain.readable;
        if (!writable && chain.writable.count() > 0) {
            throw new VirtioException("a device-readable descriptor follows a device-writable one");
        }
        if (chain.readable.length() + chain.writable.length() + length > MAX_BYTES
                || chain.readable.count() + chain.writable.count() >= MAX_CHAIN) {
            throw new VirtioException("a buffer is too long");
        }
        if (length > 0) {
            side.add(address, memory.slice(address, length));
        }
    }

    /** The table behind an indirect descriptor. */
    final MemorySegment indirectTable(long address, long length) {
        if (!indirect) {
            throw new VirtioException("an indirect descriptor, which was not negotiated");
        }
        if (length == 0 || length % DESCRIPTOR != 0) {
            throw new VirtioException("an indirect table of " + length + " bytes");
        }
        return memory.slice(address, length);
    }

    /** A part of the ring, in RAM and aligned as section 2.6 says. */
    final MemorySegment area(String name, long address, long length, int alignment) {
        if ((address & alignment - 1) != 0) {
            throw new VirtioException(name + " at " + Long.toHexString(address) + "h is not aligned to " + alignment);
        }
        return memory.slice(address, length);
    }

    static int u16(MemorySegment area, long offset) {
        return (short) SHORT_ACCESS.getOpaque(area, offset) & 0xffff;
    }

    static int u16Acquire(MemorySegment area, long offset) {
        return (short) SHORT_ACCESS.getAcquire(area, offset) & 0xffff;
    }

    static void u16Opaque(MemorySegment area, long offset, int value) {
        SHORT_ACCESS.setOpaque(area, offset, (short) value);
    }

    static void u16Release(MemorySegment area, long offset, int value) {
        SHORT_ACCESS.setRelease(area, offset, (short) value);
    }

    /** Whether index {@code event} was passed on the way from {@code old} to {@code now}, modulo 2^16 (section 2.7.7.2). */
    static boolean passed(int event, int now, int old) {
        return (now - event - 1 & 0xffff) < (now - old & 0xffff);
    }

    private void release(Chain chain) {
        slotsInFlight -= chain.slots;
        spare.push(chain.clear());
    }

    private void markWritten(Segments side, long written) {
        long left = written;
        for (int i = 0; i < side.count() && left > 0; i++) {
            long part = Math.min(left, side.segment(i).byteSize());
            memory.markWritten(side.address(i), part);
            left -= part;
        }
    }

    private void exchange(StateIo io, Chain chain) {
        chain.id = io.u16("id", chain.id);
        chain.slots = io.u16("slots", chain.slots);
        byte[] pieces = io.blob("pieces", savePieces(chain), MAX_CHAIN * SAVED_PIECE);
        if (io.restoring()) {
            restorePieces(chain, pieces);
        }
    }

    private static byte[] savePieces(Chain chain) {
        ByteBuffer saved = ByteBuffer.allocate((chain.readable.count() + chain.writable.count()) * SAVED_PIECE);
        savePieces(saved, chain.readable, 0);
        savePieces(saved, chain.writable, SAVED_WRITABLE);
        return saved.array();
    }

    private static void savePieces(ByteBuffer saved, Segments side, int flags) {
        for (int i = 0; i < side.count(); i++) {
            saved.putLong(side.address(i)).putInt((int) side.segment(i).byteSize()).putInt(flags);
        }
    }

    private void restorePieces(Chain chain, byte[] pieces) {
        try {
            ByteBuffer saved = ByteBuffer.wrap(pieces);
            while (saved.remaining() >= SAVED_PIECE) {
                add(chain, saved.getLong(), saved.getInt() & 0xffff_ffffL, saved.getInt() == SAVED_WRITABLE);
            }
            hold(chain);
        } catch (VirtioException | GuestMemory.BadAddress e) {
            throw new StateException("virtqueue: " + e.getMessage());
        }
    }
}
