package org.jkvm.app.vm;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jkvm.app.settings.DeviceSettings;
import org.jkvm.app.settings.RandomSource;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.BuiltinEntropySource;
import org.jkvm.base.backend.EntropySource;
import org.jkvm.base.backend.FileEntropySource;
import org.jkvm.devices.virtio.console.PortOptions;
import org.jkvm.devices.virtio.console.SerialOptions;
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
            case DeviceSettings.VirtioRng d ->
                    cards.add(new PciCard.VirtioRandom(id(d), PciCard.ANY_SLOT, source(d.source()), d.rng(), d.virtio()));
            case DeviceSettings.VirtioBalloon d ->
                    cards.add(new PciCard.VirtioBalloon(id(d), PciCard.ANY_SLOT, d.balloon(), d.virtio()));
            case DeviceSettings.VirtioSerial d -> cards.add(new PciCard.VirtioSerial(id(d), PciCard.ANY_SLOT,
                    new SerialOptions(d.maxPorts(), SerialOptions.DEFAULTS.emergencyWrite()), List.of(), d.virtio()));
            case DeviceSettings.VirtioPort d -> addPort(d);
            case DeviceSettings.IsaDebugExit d -> debug.add(new DebugDevice.Exit(d.iobase(), d.iosize()));
            case DeviceSettings.IsaDebugcon d -> debug.add(new DebugDevice.Console(d.iobase(),
                    chardevs.take("-device isa-debugcon", d.chardev())));
            case DeviceSettings.PcTestdev _ -> debug.add(new DebugDevice.TestDevice());
        }
    }

    private static EntropySource source(RandomSource source) {
        return source.filename().<EntropySource>map(FileEntropySource::new).orElseGet(BuiltinEntropySource::new);
    }

    /** A port belongs to the serial card before it. */
    private void addPort(DeviceSettings.VirtioPort device) {
        String option = device.console() ? "-device virtconsole" : "-device virtserialport";
        int index = lastSerial();
        if (index < 0) {
            throw new UserException(option + ": needs a -device virtio-serial-pci before it");
        }
        PciCard.VirtioSerial card = (PciCard.VirtioSerial) cards.get(index);
        PortOptions port = new PortOptions(freeNumber(card, device.console()), device.console(), device.name());
        if (port.nr() >= card.options().maxPorts()) {
            throw new UserException(option + ": virtio-serial-pci has room for " + card.options().maxPorts()
                    + " ports (max_ports)");
        }
        List<PciCard.Port> ports = new ArrayList<>(card.ports());
        ports.add(new PciCard.Port(port, chardevs.take(option, device.chardev())));
        cards.set(index, new PciCard.VirtioSerial(card.id(), card.slot(), card.options(), ports, card.transport()));
    }

    private int lastSerial() {
        int index = cards.size() - 1;
        while (index >= 0 && !(cards.get(index) instanceof PciCard.VirtioSerial)) {
            index--;
        }
        return index;
    }

    /** Port 0 is kept for a console: it is the one that drivers without ports know (virtio 1.2, section 5.3.5). */
    private static int freeNumber(PciCard.VirtioSerial card, boolean console) {
        Set<Integer> taken = card.ports().stream().map(p -> p.options().nr()).collect(Collectors.toSet());
        int number = console ? 0 : 1;
        while (taken.contains(number)) {
            number++;
        }
        return number;
    }

    private String id(DeviceSettings device) {
        return device.id().isEmpty() ? "card" + cards.size() : device.id();
    }
}
