package org.jkvm.devices.virtio;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.devices.virtio.TestRing.Piece;

/** A block driver for tests: one request at a time, all offered features accepted. */
public final class BlkDriver {
    /** Status of a request that is still with the device. */
    public static final int NOT_ANSWERED = 0xff;
    private final TestDriver base;
    private final TestRing ring;
    private final List<Piece> writable = new ArrayList<>();
    private long statusAddress;

    public BlkDriver(VirtioDevice device, VirtioOptions options, boolean packed) {
        base = new TestDriver(device, options);
        base.negotiate(base.offered());
        ring = base.queue(0, 64, packed);
        base.driverOk();
    }

    public TestDriver base() {
        return base;
    }

    public VirtioPci pci() {
        return base.pci;
    }

    public int write(long sector, byte[] data) {
        return request(1, sector, List.of(data), new int[0]);
    }

    public byte[] read(long sector, int length) {
        request(0, sector, List.of(), new int[]{length});
        return returned(0);
    }

    /** What the device stored in the {@code index}th writable piece of the last request. */
    public byte[] returned(int index) {
        return base.memory.get(writable.get(index).address(), writable.get(index).length());
    }

    public int lastStatus() {
        return status(statusAddress);
    }

    /** Makes a request and does not tell the device; returns where its status will be. */
    public long prepare(int type, long sector, List<byte[]> out, int[] in) {
        List<Piece> pieces = new ArrayList<>(List.of(header(type, sector)));
        out.forEach(bytes -> pieces.add(new Piece(base.memory.put(bytes), bytes.length, false)));
        writable.clear();
        for (int length : in) {
            writable.add(new Piece(base.memory.allocate(length, 8), length, true));
        }
        pieces.addAll(writable);
        statusAddress = base.memory.put(new byte[]{(byte) NOT_ANSWERED});
        pieces.add(new Piece(statusAddress, 1, true));
        ring.add(pieces);
        return statusAddress;
    }

    /** Tells the device of what was prepared. */
    public void kick() {
        base.kick(0);
        ring.poll();
    }

    /** The status at an address. */
    public int status(long address) {
        return (int) base.memory.ram.readInt(address, 1);
    }

    public int request(int type, long sector, List<byte[]> out, int[] in) {
        prepare(type, sector, out, in);
        kick();
        return lastStatus();
    }

    public void requestWithoutStatus() {
        ring.add(List.of(header(0, 0)));
        base.kick(0);
    }

    private Piece header(int type, long sector) {
        byte[] header = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putInt(type).putInt(0)
                .putLong(sector).array();
        return new Piece(base.memory.put(header), 16, false);
    }
}
