package org.jkvm.devices.virtio;

import org.jkvm.base.GuestMemory;

/**
 * What carries a virtio device: how it reaches its queues and its driver. Called with the bus lock held, but for
 * {@link #onBus}.
 */
public interface VirtioTransport {
    /** The feature bits that driver and device agreed on; zero before. */
    long features();

    /** Guest memory. */
    GuestMemory memory();

    /** Queue {@code index}, or null where the driver has not enabled it. */
    Virtqueue queue(int index);

    /** Tells the driver that queue {@code index} has used buffers. */
    void interrupt(int index);

    /** Tells the driver that the device's configuration has changed (virtio 1.2, section 2.3). */
    void configChanged();

    /** Runs {@code work} with the bus lock held; a broken rule in it makes the device need a reset. From any thread. */
    void onBus(Runnable work);

    /** The device, which was busy when the driver asked for a reset, is idle now. */
    void idle();

    /** Whether driver and device are ready (DRIVER_OK set, no reset wanted or under way). */
    boolean live();
}
