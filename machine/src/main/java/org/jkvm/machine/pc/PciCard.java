package org.jkvm.machine.pc;

import org.jkvm.base.backend.BlockDevice;
import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.blk.BlkOptions;

/** A card for a PCI slot of the PC: a closed set. */
public sealed interface PciCard {
    /** Takes the first slot that is free. */
    int ANY_SLOT = -1;

    /** The name that the user gave ({@code id=}), or one made up: unique in the machine. */
    String id();

    /** The slot ({@code addr=}), 2 to 31, or {@link #ANY_SLOT}. */
    int slot();

    /** {@code virtio-blk-pci}. */
    record VirtioDisk(String id, int slot, BlockDevice disk, BlkOptions options, VirtioOptions transport)
            implements PciCard {
    }
}
