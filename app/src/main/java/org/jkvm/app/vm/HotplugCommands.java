package org.jkvm.app.vm;

import java.util.List;
import org.jkvm.app.monitor.MonitorMachine.Action;
import org.jkvm.app.settings.DeviceSettings;
import org.jkvm.app.settings.HotplugReader;
import org.jkvm.base.UserException;
import org.jkvm.machine.pc.Pc;
import org.jkvm.machine.pc.PciCard;

/** The monitor's commands that plug virtual hard disks in and take them out. */
final class HotplugCommands {
    private final Pc pc;
    private final Disks disks;
    private int made;

    /** Commands for {@code pc}, whose ejected cards they take. */
    HotplugCommands(Pc pc, Disks disks) {
        this.pc = pc;
        this.disks = disks;
        pc.onEject(card -> Thread.ofPlatform().name("eject " + card.id()).start(() -> disks.detached(card.id())));
    }

    /** The commands. */
    List<Action> list() {
        return List.of(
                new Action("device_add", "driver[,prop=value][,...]", "plug a device in: virtio-blk-pci,drive=ID[,id=ID]",
                        this::deviceAdd),
                new Action("device_del", "id", "ask the guest to let go of a device", this::deviceDelete),
                new Action("drive_add", "0 file=FILE,if=none,id=ID[,...]", "open a disk for device_add", this::driveAdd),
                new Action("drive_del", "id", "close a disk that no device shows", this::driveDelete));
    }

    private String driveAdd(String text) {
        String[] words = text.strip().split("\\s+", 2);
        if (words.length < 2) {
            throw new UserException("drive_add expects an address, which means nothing here (0), and a drive");
        }
        disks.open(HotplugReader.drive(words[1]), "");
        return "OK\n";
    }

    private String driveDelete(String text) {
        Words words = new Words(text);
        disks.remove(words.next("id"));
        words.end();
        return "";
    }

    private synchronized String deviceAdd(String text) {
        HotplugReader reader = new HotplugReader(name -> disks.get(name).node());
        DeviceSettings.VirtioBlk settings = reader.device(text.strip());
        Disks.Attached disk = disks.get(settings.node().name());
        if (!disk.device().isEmpty()) {
            throw new UserException("drive '" + disk.node().name() + "' is in use by device '" + disk.device() + "'");
        }
        String id = settings.id().isEmpty() ? "hotplug" + made++ : settings.id();
        pc.plugIn(new PciCard.VirtioDisk(id, settings.slot(), disk.drive(), settings.blk(), settings.virtio()));
        Disks.connect(pc, disks.attach(disk.node().name(), id));
        return "";
    }

    private String deviceDelete(String text) {
        Words words = new Words(text);
        String id = words.next("id");
        words.end();
        pc.askToUnplug(id);
        return "";
    }
}
