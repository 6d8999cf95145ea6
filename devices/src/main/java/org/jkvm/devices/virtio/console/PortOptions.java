package org.jkvm.devices.virtio.console;

import java.nio.charset.StandardCharsets;
import org.jkvm.base.UserException;

/**
 * What {@code -device virtconsole} and {@code -device virtserialport} can be told; QEMU's property names.
 *
 * @param nr      port number, 0 to the device's {@code max_ports} less one
 * @param console whether it is a console ({@code virtconsole}) rather than a plain port ({@code virtserialport})
 * @param name    what the guest finds it under in {@code /dev/virtio-ports}; empty for none
 */
public record PortOptions(int nr, boolean console, String name) {
    private static final int MAX_NAME = 128;

    /**
     * Checks the name.
     *
     * @throws UserException naming the property and what is allowed
     */
    public PortOptions {
        if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME) {
            throw new UserException("virtserialport: property 'name' must be at most " + MAX_NAME + " bytes");
        }
    }
}
