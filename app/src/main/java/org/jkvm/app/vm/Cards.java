package org.jkvm.app.vm;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jkvm.app.settings.DeviceSettings;
import org.jkvm.app.settings.RandomSource;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.BuiltinEntropySource;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.backend.EntropySource;
import org.jkvm.base.backend.FileEntropySource;
import org.jkvm.devices.virtio.console.PortOptions;
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
        for (int i = 0; i < devices.size(); i++) {
            add(devices.get(i), devices.subList(i + 1, devices.size()));
        }
    }

    /** PCI cards, in the order of their slots. */
    List<PciCard> cards() {
        return cards;
    }

    /** Test and debug devices. */
    List<DebugDevice> debug() {
        return debug;
    }

    private void add(DeviceSettings device, List<DeviceSettings> following) {
        String id = device.id().isEmpty() ? "card" + cards.size() : device.id();
        switch (device) {
            case DeviceSettings.VirtioBlk d ->
                    cards.add(new PciCard.VirtioDisk(id, d.slot(), disks.open(d.node(), id), d.blk(), d.virtio()));
            case DeviceSettings.VirtioRng d ->
                    cards.add(new PciCard.VirtioRandom(id, d.slot(), entropy(d.source()), d.rng(), d.virtio()));
            case DeviceSettings.VirtioBalloon d ->
                    cards.add(new PciCard.VirtioBalloon(id, d.slot(), d.balloon(), d.virtio()));
            case DeviceSettings.VirtioSerial d ->
                    cards.add(new PciCard.VirtioSerial(id, d.slot(), d.serial(), ports(following), d.virtio()));
            case DeviceSettings.VirtioPort d -> {
                if (cards.stream().noneMatch(PciCard.VirtioSerial.class::isInstance)) {
                    throw new UserException("-device " + (d.console() ? "virtconsole" : "virtserialport")
                            + ": needs a -device virtio-serial-pci before it");
                }
            }
            case DeviceSettings.IsaDebugExit d -> debug.add(new DebugDevice.Exit(d.iobase(), d.iosize()));
            case DeviceSettings.IsaDebugcon d -> debug.add(new DebugDevice.Console(d.iobase(),
                    chardevs.take("-device isa-debugcon", d.chardev())));
            case DeviceSettings.PcTestdev _ -> debug.add(new DebugDevice.TestDevice());
        }
    }

    /** The ports between one virtio-serial-pci and the next. Port 0 is for a console, as in QEMU. */
    private List<PciCard.Port> ports(List<DeviceSettings> following) {
        List<PciCard.Port> ports = new ArrayList<>();
        Set<Integer> taken = new TreeSet<>();
        for (DeviceSettings device : following) {
            if (device instanceof DeviceSettings.VirtioSerial) {
                return ports;
            }
            if (device instanceof DeviceSettings.VirtioPort p) {
                int nr = p.nr() >= 0 ? p.nr() : free(taken, p.console() ? 0 : 1);
                taken.add(nr);
                CharacterBackend backend = chardevs.take("-device " + (p.console() ? "virtconsole" : "virtserialport"),
                        p.chardev());
                ports.add(new PciCard.Port(new PortOptions(nr, p.console(), p.name()), backend));
            }
        }
        return ports;
    }

    private static int free(Set<Integer> taken, int from) {
        int nr = from;
        while (taken.contains(nr)) {
            nr++;
        }
        return nr;
    }

    private static EntropySource entropy(RandomSource source) {
        return source.filename().<EntropySource>map(FileEntropySource::new).orElseGet(BuiltinEntropySource::new);
    }
}
