package org.jkvm.app;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.app.img.KvmImg;

/** What the launcher runs once, at build time, to fill the ahead-of-time cache. */
final class Training {
    private static final Duration LONGEST_BOOT = Duration.ofMinutes(2);

    private Training() {
    }

    /** Runs what every start needs. */
    public static void main(String[] args) throws IOException {
        Kvm.run("-version");
        Kvm.run("-help");
        trainImg();
        new DebianGuests(DebianGuests.userCache(), _ -> { }).cachedKernel("amd64", "linux-image-cloud-amd64")
                .ifPresent(Training::trainBoot);
    }

    /**
     * Boots a kernel up to where it finds no first process and reboots, which ends the machine. The cache then has the
     * engine's classes and profiles, too: a fifth less processor time for a boot. A boot that takes too long is left.
     */
    private static void trainBoot(Path kernel) {
        Thread.ofPlatform().daemon().start(() -> {
            try {
                Thread.sleep(LONGEST_BOOT);
                System.exit(1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Kvm.run("-accel", "soft", "-nodefaults", "-display", "none", "-no-reboot", "-m", "256", "-kernel", kernel.toString(),
                "-append", "panic=-1 quiet");
    }

    private static void trainImg() throws IOException {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        Path image = Files.createTempFile("kvm-img", ".qcow2");
        try {
            KvmImg.run(new String[] {"create", "-f", "qcow2", image.toString(), "1G"}, nowhere, nowhere);
            KvmImg.run(new String[] {"info", "--output=json", image.toString()}, nowhere, nowhere);
            KvmImg.run(new String[] {"info", image.toString()}, nowhere, nowhere);
            KvmImg.run(new String[] {"check", image.toString()}, nowhere, nowhere);
        } finally {
            Files.delete(image);
        }
    }
}
