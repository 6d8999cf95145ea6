package org.jkvm.devices.virtio;

import java.util.List;

/** The driver's side of a ring, as simple as can be: no indirect tables unless asked, no retries. */
interface TestRing {
    /** One piece of a buffer. */
    record Piece(long address, int length, boolean writable) {
    }

    /** What the device gave back. */
    record Used(int id, int length) {
    }

    long descriptor();

    long driver();

    long device();

    int size();

    /** Descriptors that are free. */
    int room();

    /** Makes a buffer available; returns the ID that it comes back with. */
    int add(List<Piece> pieces);

    /** Makes a buffer available through an indirect table. */
    int addIndirect(List<Piece> pieces);

    /** The next used buffer, or null. */
    Used poll();

    /** Says whether used buffers shall interrupt. */
    void interrupts(boolean wanted);

    /** Says that the buffer after {@code more} further ones shall interrupt. */
    void interruptAfter(int more);
}
