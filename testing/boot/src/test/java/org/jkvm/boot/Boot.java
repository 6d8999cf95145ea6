package org.jkvm.boot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.demo.GuestConsole.GuestFailure;
import org.jkvm.app.guest.LinuxGuest;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Images;

/** Boots report.sh on a kernel, with a virtual disk and a random number generator, to its end. */
final class Boot {
    /** Generous: a kernel packed with xz takes half a minute on an idle machine, several on a loaded one. */
    static final Duration LIMIT = Duration.ofMinutes(15);

    private final Path folder;
    private final Path kernel;
    private final Path initrd;

    Boot(LinuxGuest guest, Path kernel, Path folder) throws IOException {
        this.folder = folder;
        this.kernel = kernel;
        initrd = Guests.initrd(guest, folder, "report.sh");
    }

    /** Under the kvm command. */
    Report kvm(String... more) throws IOException, InterruptedException, GuestFailure {
        return run(KvmCommand.with(options("kvm", more)));
    }

    /** Under QEMU's software engine. */
    Report qemu(String... more) throws IOException, InterruptedException, GuestFailure {
        List<String> words = new ArrayList<>(List.of(Guests.tool("qemu-system-x86_64").toString(), "-accel", "tcg"));
        words.addAll(options("qemu", more));
        return run(new ProcessBuilder(words));
    }

    private List<String> options(String who, String... more) throws IOException {
        Path disk = folder.resolve(who + ".qcow2");
        Files.deleteIfExists(disk);
        Images.create(disk, CreateOptions.of("qcow2", 64 << 20));
        return KvmCommand.words(List.of("-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-m", "256",
                "-kernel", kernel.toString(), "-initrd", initrd.toString(), "-append", "console=ttyS0 quiet",
                "-drive", "file=" + disk + ",format=qcow2,if=virtio", "-device", "virtio-rng-pci"), more);
    }

    private static Report run(ProcessBuilder command) throws IOException, InterruptedException, GuestFailure {
        try (GuestConsole console = new GuestConsole(command, null)) {
            console.await("==== end", LIMIT);
            int status = console.awaitExit(Duration.ofMinutes(2));
            if (status != 0) {
                throw new AssertionError("exit status " + status + " after power-off:\n" + console.output());
            }
            return new Report(console.output());
        }
    }
}
