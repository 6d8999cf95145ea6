package org.jkvm.app.settings;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.jkvm.app.cli.OptionList;
import org.jkvm.base.UserException;

/** Reads what the monitor's drive_add and device_add are told, by the same rules as the command line. */
public final class HotplugReader {
    private final Function<String, BlockNode> drives;

    /** Devices may refer to the drives that {@code drives} finds by name; it throws where there is none. */
    public HotplugReader(Function<String, BlockNode> drives) {
        this.drives = drives;
    }

    /** The drive that {@code text} describes, as behind {@code -drive}, with {@code if=none}. */
    public static BlockNode drive(String text) {
        DriveSyntax.Drive drive = DriveSyntax.drive(text, 0, false);
        if (drive.attached()) {
            throw new UserException("drive_add: 'if' must be none: device_add attaches the drive");
        }
        return drive.node();
    }

    /** The disk that {@code text} describes, as behind {@code -device}. Others can't be plugged in yet. */
    public DeviceSettings.VirtioBlk device(String text) {
        OptionList list = OptionList.parse("device_add", text, "driver");
        String driver = list.required("driver");
        if (!driver.matches("virtio-blk(-pci)?")) {
            throw new UserException("device_add " + driver + ": only virtio-blk-pci can be plugged into a running machine");
        }
        BlockNode node = drives.apply(list.required("drive"));
        DeviceSyntax syntax = new DeviceSyntax(new HashMap<>(Map.of(node.name(), node)), Map.of());
        return (DeviceSettings.VirtioBlk) syntax.read(text);
    }
}
