package org.jkvm.app;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.app.img.KvmImg;

/** What the launcher runs once for each command, at build time, to fill its ahead-of-time cache. */
final class Training {
    private static final Duration LONGEST_BOOT = Duration.ofMinutes(2);

    private Training() {
    }

    /** Runs what every start of {@code kvm-img} needs where that is the argument, else of {@code kvm}. */
    public static void main(String[] args) throws IOException {
        if (args.length > 0 && args[0].equals("kvm-img")) {
            trainImg();
        } else {
            trainKvm();
        }
    }

    private static void trainKvm() {
        Kvm.run("-version");
        Kvm.run("-help");
        Kvm.run("doctor");
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

    /** Everything that a command does before the host's work is most of it; the data are few. */
    private static void trainImg() throws IOException {
        Path folder = Files.createTempDirectory("kvm-img");
        Path image = folder.resolve("a.qcow2");
        Path copy = folder.resolve("b.qcow2");
        Path raw = folder.resolve("c.raw");
        try {
            Files.write(raw, new byte[4 << 20]);
            img("--version");
            img("create -f qcow2 " + image + " 1G");
            img("info --output=json " + image);
            img("info " + image);
            img("convert -f raw -O qcow2 -S 0 " + raw + " " + copy);
            img("check " + copy);
            img("check --output=json " + copy);
            img("info " + copy);
            img("map " + copy);
            img("compare -f qcow2 -F raw " + copy + " " + raw);
            img("convert -f qcow2 -O raw " + copy + " " + raw);
            img("convert -f raw -O qcow2 -S 0 -c " + raw + " " + copy);
            img("snapshot -c one " + image);
            img("snapshot -l " + image);
            img("resize " + image + " +1G");
        } finally {
            for (Path file : List.of(image, copy, raw, folder)) {
                Files.deleteIfExists(file);
            }
        }
    }

    private static void img(String words) {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        KvmImg.run(words.split(" "), nowhere, nowhere);
    }
}
