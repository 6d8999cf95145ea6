package org.jkvm.app.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A Linux kernel with its modules and a static busybox, unpacked and ready to boot.
 *
 * @param version what was unpacked, such as "linux-image-6.1.0-41-cloud-amd64"
 * @param kernel  the bzImage
 * @param modules the folder that holds the kernel's modules
 * @param busybox the static busybox
 */
public record LinuxGuest(String version, Path kernel, Path modules, Path busybox) {
    /** What a guest with virtio disks, console, random numbers and an ext2 or ext4 file system needs. */
    public static final List<String> VIRTIO_AND_EXT4 =
            List.of("virtio_pci", "virtio_blk", "virtio_rng", "virtio_console", "crc32c_generic", "ext4", "button", "evdev");

    /**
     * Writes an initial RAM file system: busybox under all its names, the modules (which {@code /load-modules} loads),
     * and {@code init}.
     *
     * @param target  the file to write
     * @param wanted  names of modules; those that the kernel has built in are left out
     * @param init    the script that the kernel starts, with its first line
     */
    public void writeInitrd(Path target, List<String> wanted, String init) throws IOException {
        writeInitrd(target, wanted, init, List.of());
    }

    /**
     * The same, with folders of the host's added: what is below them is below the guest's root.
     *
     * @param trees they come last, and are free of {@code bin}, where busybox's names are
     */
    public void writeInitrd(Path target, List<String> wanted, String init, List<Path> trees) throws IOException {
        StringBuilder load = new StringBuilder("#!/bin/sh\n");
        try (InitrdWriter initrd = new InitrdWriter(target)) {
            for (String folder : List.of("bin", "dev", "etc", "mnt", "modules", "proc", "root", "sys", "tmp")) {
                initrd.folder(folder);
            }
            initrd.device("dev/console", 5, 1).file("bin/busybox", Files.readAllBytes(busybox)).link("bin/sh", "busybox");
            for (Path module : new ModuleSet(modules).loadOrder(wanted)) {
                initrd.file("modules/" + module.getFileName(), Files.readAllBytes(module));
                load.append("insmod /modules/").append(module.getFileName()).append('\n');
            }
            initrd.script("load-modules", load.toString()).script("init", init);
            for (Path tree : trees) {
                initrd.tree(tree);
            }
        }
    }
}
