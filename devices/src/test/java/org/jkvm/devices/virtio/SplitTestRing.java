package org.jkvm.devices.virtio;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A driver's split ring. */
final class SplitTestRing implements TestRing {
    private final TestMemory memory;
    private final int size;
    private final long descriptor;
    private final long driver;
    private final long device;
    private final ArrayDeque<Integer> free = new ArrayDeque<>();
    private final Map<Integer, List<Integer>> descriptorsOfHead = new HashMap<>();
    private int availIdx;
    private int usedIdx;

    SplitTestRing(TestMemory memory, int size) {
        this.memory = memory;
        this.size = size;
        descriptor = memory.allocate(16L * size, 16);
        driver = memory.allocate(6 + 2L * size, 2);
        device = memory.allocate(6 + 8L * size, 4);
        IntStream.range(0, size).forEach(free::add);
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
        return free.size();
    }

    @Override
    public int add(List<Piece> pieces) {
        List<Integer> taken = take(pieces.size());
        for (int i = 0; i < pieces.size(); i++) {
            boolean last = i == pieces.size() - 1;
            write(descriptor, taken.get(i), pieces.get(i), last ? 0 : Virtqueue.F_NEXT, last ? 0 : taken.get(i + 1));
        }
        offer(taken.getFirst());
        return taken.getFirst();
    }

    @Override
    public int addIndirect(List<Piece> pieces) {
        long table = memory.allocate(16L * pieces.size(), 16);
        for (int i = 0; i < pieces.size(); i++) {
            write(table, i, pieces.get(i), i == pieces.size() - 1 ? 0 : Virtqueue.F_NEXT, i + 1);
        }
        int head = take(1).getFirst();
        write(descriptor, head, new Piece(table, 16 * pieces.size(), false), Virtqueue.F_INDIRECT, 0);
        offer(head);
        return head;
    }

    private List<Integer> take(int count) {
        List<Integer> taken = IntStream.range(0, count).mapToObj(i -> free.remove()).toList();
        descriptorsOfHead.put(taken.getFirst(), taken);
        return taken;
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
        Used used = new Used((int) memory.ram.readInt(at, 4), (int) memory.ram.readInt(at + 4, 4));
        free.addAll(descriptorsOfHead.remove(used.id()));
        return used;
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
