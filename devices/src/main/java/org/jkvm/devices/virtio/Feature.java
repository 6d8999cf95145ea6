package org.jkvm.devices.virtio;

/** Feature bits that every device type shares (virtio 1.2, section 6). */
public final class Feature {
    /** VIRTIO_F_INDIRECT_DESC: descriptors may point to tables of descriptors. */
    public static final int RING_INDIRECT_DESC = 28;
    /** VIRTIO_F_EVENT_IDX: each side says at which index it wants to be notified. */
    public static final int RING_EVENT_IDX = 29;
    /** VIRTIO_F_VERSION_1: not a legacy device. */
    public static final int VERSION_1 = 32;
    /** VIRTIO_F_RING_PACKED: the packed ring format. */
    public static final int RING_PACKED = 34;

    private Feature() {
    }
}
