package org.jkvm.app.vm;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.app.settings.DeviceSettings;
import org.jkvm.base.UserException;
import org.jkvm.machine.pc.DebugDevice;
import org.jkvm.machine.pc.PciCard;

/** Turns the devices that the user added into a machine's parts, with their back ends open. */
final class Cards {
    private final Disks disks;
    private final Chardevs chardevs;
    private final List<PciCard> cards = new ArrayList<>();
    private final List<DebugDevice> debug = new ArrayList<>();

    Cards(List<DeviceSettings> devices, Disks disks, Chardevs chardevs) {
        this.disks = disks;
        this.chardevs = chardevs;
        devices.forEach(this::add);
    }

    /** PCI cards, in the order of their slots. */
    List<PciCard> cards() {
        return cards;
    }

    /** Test and debug devices. */
    List<DebugDevice> debug() {
        return debug;
    }

    private void add(DeviceSettings device) {
        switch (device) {
            case DeviceSettings.VirtioBlk d ->
                    cards.add(new PciCard.VirtioDisk(id(d), PciCard.ANY_SLOT, disks.open(d.node()), d.blk(), d.virtio()));
            case DeviceSettings.VirtioRng _, DeviceSettings.VirtioBalloon _, DeviceSettings.VirtioSerial _,
                 DeviceSettings.VirtioPort _ -> throw new UserException("-device: not there yet");
            case DeviceSettings.IsaDebugExit d -> debug.add(new DebugDevice.Exit(d.iobase(), d.iosize()));
            case DeviceSettings.IsaDebugcon d -> debug.add(new DebugDevice.Console(d.iobase(),
                    chardevs.take("-device isa-debugcon", d.chardev())));
            case DeviceSettings.PcTestdev _ -> debug.add(new DebugDevice.TestDevice());
        }
    }

    private String id(DeviceSettings device) {
        return device.id().isEmpty() ? "card" + cards.size() : device.id();
    }
}
