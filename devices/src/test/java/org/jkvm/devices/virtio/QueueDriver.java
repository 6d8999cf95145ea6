package org.jkvm.devices.virtio;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.devices.virtio.TestRing.Piece;
import org.jkvm.devices.virtio.TestRing.Used;

/** A driver for tests of one device type: everything offered is accepted, rings of 8 entries, buffers by queue. */
public final class QueueDriver {
    private static final int SIZE = 8;
    private final TestDriver base;
    private final List<TestRing> rings = new ArrayList<>();

    public QueueDriver(VirtioDevice device, int queues) {
        base = new TestDriver(device, VirtioOptions.DEFAULTS);
        base.negotiate(base.offered());
        for (int i = 0; i < queues; i++) {
            rings.add(base.queue(i, SIZE, false));
        }
        base.driverOk();
    }

    public TestDriver base() {
        return base;
    }

    public VirtioPci pci() {
        return base.pci;
    }

    /** Offers a buffer of {@code length} bytes for the device to write; returns its address. */
    public long offer(int queue, int length) {
        long address = base.memory.allocate(length, 8);
        rings.get(queue).add(List.of(new Piece(address, length, true)));
        base.kick(queue);
        return address;
    }

    /** Offers guest memory that is already there for the device to write. */
    public void offerAt(int queue, long address, int length) {
        rings.get(queue).add(List.of(new Piece(address, length, true)));
        base.kick(queue);
    }

    /** Sends bytes. */
    public void send(int queue, byte... bytes) {
        rings.get(queue).add(List.of(new Piece(base.memory.put(bytes), bytes.length, false)));
        base.kick(queue);
    }

    /** Length of the next used buffer of {@code queue}, or -1. */
    public int used(int queue) {
        Used used = rings.get(queue).poll();
        return used == null ? -1 : used.length();
    }

    public byte[] bytes(long address, int length) {
        return base.memory.get(address, length);
    }
}
