package org.jkvm.devices.virtio.console;

import org.jkvm.base.UserException;

/**
 * What {@code -device virtio-serial-pci} can be told; QEMU's property names.
 *
 * @param maxPorts       ports that the device has room for, 1 to 31
 * @param emergencyWrite whether a guest without queues can write single characters
 */
public record SerialOptions(int maxPorts, boolean emergencyWrite) {
    /** QEMU's defaults. */
    public static final SerialOptions DEFAULTS = new SerialOptions(31, true);
    private static final int MOST_PORTS = 31;

    /**
     * Checks the ranges.
     *
     * @throws UserException naming the property and what is allowed
     */
    public SerialOptions {
        if (maxPorts < 1 || maxPorts > MOST_PORTS) {
            throw new UserException("virtio-serial-pci: property 'max_ports' must be 1 to " + MOST_PORTS);
        }
    }
}
