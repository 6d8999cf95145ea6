package org.jkvm.devices.virtio;

/**
 * The driver broke the rules of the virtio specification: a ring, a descriptor or a request makes no sense. The device
 * then needs a reset (virtio 1.2, section 2.1.2). Stackless: a guest can cause any number of these.
 */
public final class VirtioException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Says which rule. */
    public VirtioException(String message) {
        super(message, null, false, false);
    }
}
