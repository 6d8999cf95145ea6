package org.jkvm.devices.virtio;

/**
 * One buffer that the driver made available: what the device reads, then what it writes (virtio 1.2, section 2.6). It
 * belongs to the device from {@link Virtqueue#pop} to {@link Virtqueue#push}; the queue then uses it again.
 */
public final class Chain {
    final Segments readable = new Segments();
    final Segments writable = new Segments();
    /** Head descriptor of a split ring, buffer ID of a packed one. */
    int id;
    /** Ring slots that it takes. */
    int slots;

    Chain() {
    }

    /** What the device may read. */
    public Segments readable() {
        return readable;
    }

    /** What the device may write; it follows the readable part. */
    public Segments writable() {
        return writable;
    }

    Chain clear() {
        readable.clear();
        writable.clear();
        id = 0;
        slots = 0;
        return this;
    }
}
