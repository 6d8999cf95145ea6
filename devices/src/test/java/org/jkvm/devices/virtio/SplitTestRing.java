package org.jkvm.devices.virtio;

import java.util.List;

/** A driver's split ring. */
final class SplitTestRing implements TestRing {
    private final TestMemory memory;
    private final int size;
    private final long descriptor;
    private final long driver;
    private final long device;
    private int freeDescriptor;
    private int availIdx;
    private int usedIdx;

    SplitTestRing(TestMemory memory, int size) {
        this.memory = memory;
        this.size = size;
        descriptor = memory.allocate(16L * size, 16);
        driver = memory.allocate(6 + 2L * size, 2);
        device = memory.allocate(6 + 8L * size, 4);
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
    public int add(List<Piece> pieces) {
        int head = freeDescriptor;
        for (int i = 0; i < pieces.size(); i++) {
            boolean last = i == pieces.size() - 1;
            int index = freeDescriptor;
            freeDescriptor = (freeDescriptor + 1) % size;
            write(descriptor, index, pieces.get(i), last ? 0 : Virtqueue.F_NEXT, freeDescriptor);
        }
        offer(head);
        return head;
    }

    @Override
    public int addIndirect(List<Piece> pieces) {
        long table = memory.allocate(16L * pieces.size(), 16);
        for (int i = 0; i < pieces.size(); i++) {
            write(table, i, pieces.get(i), i == pieces.size() - 1 ? 0 : Virtqueue.F_NEXT, i + 1);
        }
        int head = freeDescriptor;
        freeDescriptor = (freeDescriptor + 1) % size;
        write(descriptor, head, new Piece(table, 16 * pieces.size(), false), Virtqueue.F_INDIRECT, 0);
        offer(head);
        return head;
    }

    void write(long table, int index, Piece piece, int flags, int next) {
        long at = table + 16L * index;
        memory.ram.writeInt(at, 8, piece.address());
        memory.ram.writeInt(at + 8, 4, piece.length());
        memory.ram.writeInt(at + 12, 2, flags | (piece.writable() ? Virtqueue.F_WRITE : 0));
        memory.ram.writeInt(at + 14, 2, next);
    }

    void offer(int head) {
        memory.ram.writeInt(driver + 4 + 2L * (availIdx % size), 2, head);
        availIdx = availIdx + 1 & 0xffff;
        memory.ram.writeInt(driver + 2, 2, availIdx);
    }

    @Override
    public Used poll() {
        if (memory.ram.readInt(device + 2, 2) == usedIdx) {
            return null;
        }
        long at = device + 4 + 8L * (usedIdx % size);
        usedIdx = usedIdx + 1 & 0xffff;
        return new Used((int) memory.ram.readInt(at, 4), (int) memory.ram.readInt(at + 4, 4));
    }

    @Override
    public void interrupts(boolean wanted) {
        memory.ram.writeInt(driver, 2, wanted ? 0 : 1);
    }

    @Override
    public void interruptAfter(int more) {
        memory.ram.writeInt(driver + 4 + 2L * size, 2, usedIdx + more & 0xffff);
    }
}
