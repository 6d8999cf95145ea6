package org.jkvm.app.settings;

import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.balloon.BalloonOptions;
import org.jkvm.devices.virtio.blk.BlkOptions;
import org.jkvm.devices.virtio.console.SerialOptions;
import org.jkvm.devices.virtio.rng.RngOptions;
import org.jkvm.machine.pc.PciCard;

/** A device that the user added: a closed set. A PCI device's slot is 2 to 31, or {@link PciCard#ANY_SLOT}. */
public sealed interface DeviceSettings {
    /** Its id, or the empty text. */
    String id();

    /** A disk; {@code node} is the disk that it shows. */
    record VirtioBlk(String id, int slot, BlockNode node, BlkOptions blk, VirtioOptions virtio) implements DeviceSettings {
    }

    /** Random numbers. */
    record VirtioRng(String id, int slot, RandomSource source, RngOptions rng, VirtioOptions virtio)
            implements DeviceSettings {
    }

    /** Memory that the host takes back. */
    record VirtioBalloon(String id, int slot, BalloonOptions balloon, VirtioOptions virtio) implements DeviceSettings {
    }

    /** Consoles and ports follow as {@link VirtioPort}s. */
    record VirtioSerial(String id, int slot, SerialOptions serial, VirtioOptions virtio) implements DeviceSettings {
    }

    /** A console or port of the last {@link VirtioSerial}. */
    record VirtioPort(String id, String chardev, int nr, String name, boolean console) implements DeviceSettings {
    }

    /** A port whose writes end the machine. */
    record IsaDebugExit(String id, int iobase, int iosize) implements DeviceSettings {
    }

    /** A port whose writes are text. */
    record IsaDebugcon(String id, int iobase, String chardev) implements DeviceSettings {
    }

    /** What kvm-unit-tests drives. */
    record PcTestdev(String id) implements DeviceSettings {
    }
}
