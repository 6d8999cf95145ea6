package org.jkvm.app.demo;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.app.guest.LinuxGuest;
import org.jkvm.base.HostException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Images;

/**
 * The files of the demonstration's guest.
 *
 * @param kernel the kernel
 * @param initrd the initial RAM disk
 * @param disk   the virtual hard disk, qcow2
 */
record DemoGuest(Path kernel, Path initrd, Path disk) {
    private static final String ARCHITECTURE = "amd64";
    private static final String KERNEL_PACKAGE = "linux-image-cloud-amd64";
    private static final long DISK_SIZE = 256L << 20;

    /** What the kernel is told. */
    static final String COMMAND_LINE = "console=ttyS0";
    /** Guest memory, as {@code -m} takes it. */
    static final String MEMORY = "256";
    /** What the guest's shell prompts with. */
    static final String PROMPT = "demo:/disk# ";

    /** Makes what is missing in {@code folder}; a disk that is there is kept. */
    static DemoGuest prepare(Path folder, Consumer<String> progress) {
        LinuxGuest linux = new DebianGuests(DebianGuests.userCache(), progress).linux(ARCHITECTURE, KERNEL_PACKAGE);
        Path initrd = folder.resolve("initrd.img");
        Path disk = folder.resolve("disk.qcow2");
        try {
            Files.createDirectories(folder);
            linux.writeInitrd(initrd, LinuxGuest.VIRTIO_AND_EXT4, init());
        } catch (IOException e) {
            throw new HostException("writing " + initrd + ": " + e.getMessage(), e);
        }
        if (Files.notExists(disk)) {
            progress.accept("creating a virtual hard disk: " + disk);
            Images.create(disk, CreateOptions.of("qcow2", DISK_SIZE));
        }
        return new DemoGuest(linux.kernel(), initrd, disk);
    }

    private static String init() throws IOException {
        try (InputStream text = DemoGuest.class.getResourceAsStream("init.sh")) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The options that kvm and QEMU both boot it with; they leave out the consoles. */
    List<String> options() {
        return List.of("-m", MEMORY, "-kernel", kernel.toString(), "-initrd", initrd.toString(), "-append", COMMAND_LINE,
                "-drive", "file=" + disk.toString().replace(",", ",,") + ",format=qcow2,if=virtio", "-no-reboot");
    }
}
