package org.jkvm.devices.virtio.balloon;

/**
 * What {@code -device virtio-balloon-pci} can be told; QEMU's property names.
 *
 * @param deflateOnOom      let the guest take pages back before it kills processes
 * @param freePageReporting let the guest say, unasked, which of its pages are free
 */
public record BalloonOptions(boolean deflateOnOom, boolean freePageReporting) {
    /** QEMU's defaults. */
    public static final BalloonOptions DEFAULTS = new BalloonOptions(false, false);
}
