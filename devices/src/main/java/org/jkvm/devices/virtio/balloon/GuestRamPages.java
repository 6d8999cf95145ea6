package org.jkvm.devices.virtio.balloon;

/** Gives guest RAM back to the host. */
@FunctionalInterface
public interface GuestRamPages {
    /**
     * The guest does not need what is in {@code length} bytes at guest physical address {@code address}: inside RAM,
     * multiples of 4096. The pages may read as zero afterwards, or as before. Called with the bus lock held.
     */
    void discard(long address, long length);
}
