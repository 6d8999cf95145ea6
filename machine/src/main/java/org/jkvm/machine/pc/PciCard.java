package org.jkvm.machine.pc;

import java.util.List;
import org.jkvm.base.backend.BlockDevice;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.backend.EntropySource;
import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.balloon.BalloonOptions;
import org.jkvm.devices.virtio.blk.BlkOptions;
import org.jkvm.devices.virtio.console.PortOptions;
import org.jkvm.devices.virtio.console.SerialOptions;
import org.jkvm.devices.virtio.rng.RngOptions;

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

    /** {@code virtio-rng-pci}. */
    record VirtioRandom(String id, int slot, EntropySource source, RngOptions options, VirtioOptions transport)
            implements PciCard {
    }

    /** {@code virtio-balloon-pci}. */
    record VirtioBalloon(String id, int slot, BalloonOptions options, VirtioOptions transport) implements PciCard {
    }

    /** {@code virtio-serial-pci} with its {@code virtconsole} and {@code virtserialport} ports. */
    record VirtioSerial(String id, int slot, SerialOptions options, List<Port> ports, VirtioOptions transport)
            implements PciCard {
        /** Copies the list. */
        public VirtioSerial {
            ports = List.copyOf(ports);
        }
    }

    /** A port of a {@link VirtioSerial} card and what hangs on it. */
    record Port(PortOptions options, CharacterBackend backend) {
    }
}
