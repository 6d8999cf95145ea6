package org.jkvm.devices.virtio;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A driver's packed ring. */
final class PackedTestRing implements TestRing {
    private static final int AVAIL = 1 << 7;
    private static final int USED = 1 << 15;
    private final TestMemory memory;
    private final int size;
    private final long descriptor;
    private final long driver;
    private final long device;
    private final Map<Integer, Integer> slotsOfId = new HashMap<>();
    private int next;
    private boolean wrap = true;
    private int nextUsed;
    private boolean usedWrap = true;
    private final ArrayDeque<Integer> freeIds = new ArrayDeque<>();

    PackedTestRing(TestMemory memory, int size) {
        this.memory = memory;
        this.size = size;
        descriptor = memory.allocate(16L * size, 16);
        driver = memory.allocate(4, 4);
        device = memory.allocate(4, 4);
        IntStream.range(0, size).forEach(freeIds::add);
    }

    @Override
    public long descriptor() {
        return descriptor;
    }

    @Override
    public long driver() {
        return driver;
    }

    @Override
    public long device() {
        return device;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int room() {
        return size - slotsOfId.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** The first descriptor's flags are written last: they make the whole chain available (section 2.8.21). */
    @Override
    public int add(List<Piece> pieces) {
        int id = freeIds.remove();
        int first = next;
        int firstFlags = 0;
        for (int i = 0; i < pieces.size(); i++) {
            Piece piece = pieces.get(i);
            int more = i < pieces.size() - 1 ? Virtqueue.F_NEXT : 0;
            int flags = more | (piece.writable() ? Virtqueue.F_WRITE : 0) | available();
            write(next, piece, id);
            if (i == 0) {
                firstFlags = flags;
            } else {
                flags(next, flags);
            }
            advance();
        }
        slotsOfId.put(id, pieces.size());
        flags(first, firstFlags);
        return id;
    }

    @Override
    public int addIndirect(List<Piece> pieces) {
        long table = memory.allocate(16L * pieces.size(), 16);
        for (int i = 0; i < pieces.size(); i++) {
            memory.ram.writeInt(table + 16L * i, 8, pieces.get(i).address());
            memory.ram.writeInt(table + 16L * i + 8, 4, pieces.get(i).length());
            memory.ram.writeInt(table + 16L * i + 14, 2, pieces.get(i).writable() ? Virtqueue.F_WRITE : 0);
        }
        int id = freeIds.remove();
        write(next, new Piece(table, 16 * pieces.size(), false), id);
        flags(next, Virtqueue.F_INDIRECT | available());
        slotsOfId.put(id, 1);
        advance();
        return id;
    }

    @Override
    public Used poll() {
        long at = descriptor + 16L * nextUsed;
        long flags = memory.ram.readInt(at + 14, 2);
        if ((flags & AVAIL) != 0 != usedWrap || (flags & USED) != 0 != usedWrap) {
            return null;
        }
        Used used = new Used((int) memory.ram.readInt(at + 12, 2), (int) memory.ram.readInt(at + 8, 4));
        nextUsed += slotsOfId.remove(used.id());
        freeIds.add(used.id());
        if (nextUsed >= size) {
            nextUsed -= size;
            usedWrap = !usedWrap;
        }
        return used;
    }

    @Override
    public void interrupts(boolean wanted) {
        memory.ram.writeInt(driver + 2, 2, wanted ? 0 : 1);
    }

    @Override
    public void interruptAfter(int more) {
        int slot = nextUsed + more;
        boolean slotWrap = slot < size == usedWrap;
        memory.ram.writeInt(driver, 2, slot % size | (slotWrap ? 1 << 15 : 0));
        memory.ram.writeInt(driver + 2, 2, 2);
    }

    private int available() {
        return wrap ? AVAIL : USED;
    }

    private void write(int slot, Piece piece, int id) {
        memory.ram.writeInt(descriptor + 16L * slot, 8, piece.address());
        memory.ram.writeInt(descriptor + 16L * slot + 8, 4, piece.length());
        memory.ram.writeInt(descriptor + 16L * slot + 12, 2, id);
    }

    private void flags(int slot, int flags) {
        memory.ram.writeInt(descriptor + 16L * slot + 14, 2, flags);
    }

    private void advance() {
        next++;
        if (next == size) {
            next = 0;
            wrap = !wrap;
        }
    }
}
