package org.jkvm.devices.virtio.rng;

import org.jkvm.base.UserException;

/**
 * What {@code -device virtio-rng-pci} can be told; QEMU's property names.
 *
 * @param maxBytes bytes that the guest gets in a period, 1 or more
 * @param period   length of a period in milliseconds, 1 or more
 */
public record RngOptions(long maxBytes, long period) {
    /** QEMU's defaults: no limit. */
    public static final RngOptions DEFAULTS = new RngOptions(Long.MAX_VALUE, 65536);

    /**
     * Checks the ranges.
     *
     * @throws UserException naming the property and what is allowed
     */
    public RngOptions {
        if (maxBytes < 1) {
            throw new UserException("virtio-rng-pci: property 'max-bytes' must be 1 or more");
        }
        if (period < 1 || period > Integer.MAX_VALUE) {
            throw new UserException("virtio-rng-pci: property 'period' must be 1 to 2147483647 milliseconds");
        }
    }
}
