package org.jkvm.devices.virtio;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import org.jkvm.base.MsiSink;
import org.jkvm.devices.pci.TestBoard;

/**
 * A virtio driver for tests: finds the structures through the capabilities, as a guest does, negotiates, sets queues up
 * and notifies. The device sits in slot 3 of a board of its own; the bus executor runs work at once.
 */
public final class TestDriver {
    static final int SLOT = 3;
    private static final int COMMON = 1;
    private static final int NOTIFY = 2;
    private static final int ISR = 3;
    private static final int DEVICE = 4;

    final TestBoard board = new TestBoard();
    final TestMemory memory;
    final VirtioPci pci;
    private final long[] structures = new long[6];
    private final long notifyMultiplier;

    /** A board with {@code device} in it, windows assigned, bus mastering on. */
    public TestDriver(VirtioDevice device, VirtioOptions options) {
        this(device, options, Runnable::run, null, TestMemory.SIZE);
    }

    TestDriver(VirtioDevice device, VirtioOptions options, int memory) {
        this(device, options, Runnable::run, null, memory);
    }

    /** The same with a bus executor, and a receiver of messages where not the board. */
    TestDriver(VirtioDevice device, VirtioOptions options, Executor bus, MsiSink messages, int memorySize) {
        memory = new TestMemory(memorySize);
        MsiSink sink = messages == null ? board::message : messages;
        pci = new VirtioPci(device, new VirtioPci.Board(memory.ram, sink, bus), options);
        board.bus.attach(SLOT, pci);
        pci.reset();
        board.assign();
        board.config(SLOT, 4, 2, 7);
        long multiplier = 0;
        for (int at = (int) board.config(SLOT, 0x34, 1); at != 0; at = (int) board.config(SLOT, at + 1, 1)) {
            if (board.config(SLOT, at, 1) == 9 && board.config(SLOT, at + 3, 1) < 5) {
                int type = (int) board.config(SLOT, at + 3, 1);
                long bar = board.config(SLOT, 0x10 + 4 * (int) board.config(SLOT, at + 4, 1), 4) & ~0xfL;
                structures[type] = bar + board.config(SLOT, at + 8, 4);
                multiplier = type == NOTIFY ? board.config(SLOT, at + 16, 4) : multiplier;
            }
        }
        notifyMultiplier = multiplier;
    }

    long common(int offset, int size) {
        return board.memory.read(structures[COMMON] + offset, size);
    }

    void common(int offset, int size, long value) {
        board.memory.write(structures[COMMON] + offset, size, value);
    }

    public long deviceConfig(int offset, int size) {
        return board.memory.read(structures[DEVICE] + offset, size);
    }

    public void deviceConfig(int offset, int size, long value) {
        board.memory.write(structures[DEVICE] + offset, size, value);
    }

    public int isr() {
        return (int) board.memory.read(structures[ISR], 1);
    }

    public int status() {
        return (int) common(0x14, 1);
    }

    public void status(int value) {
        common(0x14, 1, value);
    }

    public boolean needsReset() {
        return (status() & 0x40) != 0;
    }

    public long offered() {
        common(0, 4, 0);
        long low = common(4, 4);
        common(0, 4, 1);
        return low | common(4, 4) << 32;
    }

    /** Resets, acknowledges and accepts {@code features} of those offered; leaves the device at FEATURES_OK. */
    public void negotiate(long features) {
        status(0);
        status(1);
        status(3);
        accept(features);
        status(0xb);
    }

    void accept(long features) {
        common(8, 4, 0);
        common(0xc, 4, features & 0xffff_ffffL);
        common(8, 4, 1);
        common(0xc, 4, features >>> 32);
    }

    /** Sets up and enables queue {@code index}. */
    public TestRing queue(int index, int size, boolean packed) {
        TestRing ring = packed ? new PackedTestRing(memory, size) : new SplitTestRing(memory, size);
        queue(index, ring);
        return ring;
    }

    void queue(int index, TestRing ring) {
        common(0x16, 2, index);
        common(0x18, 2, ring.size());
        common(0x20, 4, ring.descriptor());
        common(0x24, 4, 0);
        common(0x28, 4, ring.driver());
        common(0x2c, 4, 0);
        common(0x30, 4, ring.device());
        common(0x34, 4, 0);
        common(0x1c, 2, 1);
    }

    public void driverOk() {
        status(0xf);
    }

    public void kick(int queue) {
        common(0x16, 2, queue);
        board.memory.write(structures[NOTIFY] + common(0x1e, 2) * notifyMultiplier, 2, queue);
    }

    /** Turns MSI-X on, with vectors 0 and 1 unmasked: messages 30h and 31h. */
    void useMessages() {
        board.config(SLOT, msix() + 2, 2, 0x8000);
        long table = board.config(SLOT, 0x14, 4);
        for (int vector = 0; vector < 2; vector++) {
            board.memory.write(table + 16 * vector, 8, 0xfee0_0000L);
            board.memory.write(table + 16 * vector + 8, 8, 0x30 + vector);
        }
    }

    private int msix() {
        int at = (int) board.config(SLOT, 0x34, 1);
        while (board.config(SLOT, at, 1) != 0x11) {
            at = (int) board.config(SLOT, at + 1, 1);
        }
        return at;
    }

    /** Everything that was used, in order. */
    public static List<TestRing.Used> drain(TestRing ring) {
        List<TestRing.Used> all = new ArrayList<>();
        for (TestRing.Used used = ring.poll(); used != null; used = ring.poll()) {
            all.add(used);
        }
        return all;
    }
}
