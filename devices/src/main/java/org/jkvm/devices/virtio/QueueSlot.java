package org.jkvm.devices.virtio;

import org.jkvm.base.GuestMemory;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/** What the driver has set up for one queue through the common configuration structure, and the queue once enabled. */
final class QueueSlot implements Stateful {
    static final int NO_VECTOR = 0xffff;

    final int maxSize;
    int size;
    int vector = NO_VECTOR;
    long descriptor;
    long driver;
    long device;
    /** Null until enabled. */
    Virtqueue ring;
    private final Opener opener;

    /** Makes the ring that this slot describes, with the features that were negotiated. */
    @FunctionalInterface
    interface Opener {
        Virtqueue open(QueueSlot slot);
    }

    QueueSlot(int maxSize, Opener opener) {
        this.maxSize = maxSize;
        this.size = maxSize;
        this.opener = opener;
    }

    void reset() {
        size = maxSize;
        vector = NO_VECTOR;
        descriptor = 0;
        driver = 0;
        device = 0;
        ring = null;
    }

    void enable() {
        ring = checkedOpen();
    }

    private Virtqueue checkedOpen() {
        if (size > maxSize) {
            throw new VirtioException("a queue of " + size + " entries where at most " + maxSize + " are offered");
        }
        return opener.open(this);
    }

    @Override
    public void exchangeState(StateIo io) {
        size = io.u16("size", size);
        vector = io.u16("vector", vector);
        descriptor = io.u64("descriptor", descriptor);
        driver = io.u64("driver", driver);
        device = io.u64("device", device);
        boolean enabled = io.flag("enabled", ring != null);
        if (io.restoring()) {
            ring = enabled ? reopen() : null;
        }
        if (enabled) {
            io.part("ring", ring);
        }
    }

    private Virtqueue reopen() {
        try {
            return checkedOpen();
        } catch (VirtioException | GuestMemory.BadAddress e) {
            throw new StateException("virtqueue: " + e.getMessage());
        }
    }
}
