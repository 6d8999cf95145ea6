package org.jkvm.app.settings;

import java.nio.file.Path;
import java.util.Locale;
import org.jkvm.app.cli.OptionList;
import org.jkvm.devices.virtio.blk.ErrorPolicy;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.OpenOptions;

/** Reads {@code -drive}, {@code -hda} and a disk's bare name. */
final class DriveSyntax {
    private DriveSyntax() {
    }

    /**
     * A drive.
     *
     * @param attached whether a disk controller is to be made for it, or a {@code -device} refers to it
     */
    record Drive(BlockNode node, boolean attached) {
    }

    /** Reads a {@code -drive}; {@code number} names it where it has no id, {@code snapshots}: -snapshot is given. */
    static Drive drive(String text, int number, boolean snapshots) {
        OptionList list = OptionList.parse("-drive", text, "file");
        String interfaceName = list.oneOf("if", "virtio", "virtio", "none", "ide", "scsi", "floppy", "sd", "pflash", "mtd");
        if (!interfaceName.equals("virtio") && !interfaceName.equals("none")) {
            throw list.refuse("there is no " + interfaceName + " controller yet: use if=virtio");
        }
        if (list.oneOf("media", "disk", "disk", "cdrom").equals("cdrom")) {
            throw list.refuse("there is no CD-ROM drive yet");
        }
        String id = list.string("id").orElse("virtio" + number);
        Path file = Path.of(list.required("file"));
        BlockNode node = node(list, "-drive " + text, id, file, snapshots);
        list.oneOf("aio", "threads", "threads");
        list.end();
        return new Drive(node, interfaceName.equals("virtio"));
    }

    /** A disk given by its file's name alone. */
    static Drive plain(String option, String file, int number, boolean snapshots) {
        OptionList list = OptionList.parse(option, "", null);
        return new Drive(node(list, option + " " + file, "virtio" + number, Path.of(file), snapshots),
                true);
    }

    private static BlockNode node(OptionList list, String option, String id, Path file, boolean snapshots) {
        String cache = list.oneOf("cache", "writeback", "writeback", "none", "writethrough", "directsync", "unsafe");
        boolean direct = cache.equals("none") || cache.equals("directsync");
        CacheMode mode = cache.equals("unsafe") ? CacheMode.UNSAFE : direct ? CacheMode.NONE : CacheMode.WRITEBACK;
        boolean through = cache.equals("writethrough") || cache.equals("directsync");
        OpenOptions open = OpenOptions.defaults()
                .withFormat(list.string("format").orElse(null))
                .withReadOnly(list.flag("readonly", list.flag("read-only", false)))
                .withCache(mode)
                .withUnmap(list.oneOf("discard", "ignore", "ignore", "off", "unmap", "on").matches("unmap|on"));
        return new BlockNode(option, id, file, open, !through, policy(list, "rerror", "report"),
                policy(list, "werror", "enospc"), DriveTuning.read(list, snapshots));
    }

    /** What an error does; QEMU's defaults are report for reads and enospc for writes. */
    private static ErrorPolicy policy(OptionList list, String key, String otherwise) {
        String value = key.equals("rerror") ? list.oneOf(key, otherwise, "report", "ignore", "stop")
                : list.oneOf(key, otherwise, "report", "ignore", "stop", "enospc");
        return ErrorPolicy.valueOf(value.toUpperCase(Locale.ROOT));
    }
}
