package org.jkvm.devices.virtio;

/**
 * What every {@code -device virtio-*-pci} can be told; QEMU's property names.
 *
 * @param packed       offer the packed ring format
 * @param eventIdx     offer notification by index
 * @param indirectDesc offer indirect descriptors
 * @param vectors      MSI-X vectors, 0 for none; negative for one a queue and one for configuration changes
 */
public record VirtioOptions(boolean packed, boolean eventIdx, boolean indirectDesc, int vectors) {
    /** QEMU's defaults. */
    public static final VirtioOptions DEFAULTS = new VirtioOptions(false, true, true, -1);

    /** The same with {@code packed} as given. */
    public VirtioOptions withPacked(boolean value) {
        return new VirtioOptions(value, eventIdx, indirectDesc, vectors);
    }

    /** The same with {@code event_idx} as given. */
    public VirtioOptions withEventIdx(boolean value) {
        return new VirtioOptions(packed, value, indirectDesc, vectors);
    }

    /** The transport's and the rings' feature bits that are offered. */
    long features() {
        return 1L << Feature.VERSION_1 | bit(Feature.RING_PACKED, packed) | bit(Feature.RING_EVENT_IDX, eventIdx)
                | bit(Feature.RING_INDIRECT_DESC, indirectDesc);
    }

    private static long bit(int feature, boolean offered) {
        return offered ? 1L << feature : 0;
    }
}
