package org.jkvm.app;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.app.img.Exercise;

/** What the launcher runs once for each command, at build time, to fill its ahead-of-time cache. */
final class Training {
    private static final Duration LONGEST_RUN = Duration.ofMinutes(2);

    private Training() {
    }

    /** Runs what starts of the command, or part of it, that the argument names need; {@code kvm} without one. */
    public static void main(String[] args) throws IOException {
        switch (args.length > 0 ? args[0] : "kvm") {
            case "kvm-img" -> Exercise.copy();
            case "kvm-img-look" -> Exercise.look();
            default -> trainKvm();
        }
    }

    private static void trainKvm() throws IOException {
        Kvm.run("-version");
        Kvm.run("-help");
        Kvm.run("doctor");
        trainGuest();
        Optional<Path> kernel = new DebianGuests(DebianGuests.userCache(), _ -> { }).cachedKernel("amd64",
                "linux-image-cloud-amd64");
        if (kernel.isPresent()) {
            trainMachine(kernel.get(), "-append", "panic=-1 quiet");
        }
    }

    /** Runs a guest of our own, training.s, which takes no fetching, until it resets the machine. */
    private static void trainGuest() throws IOException {
        Path kernel = Files.createTempFile("kvm-training", ".bin");
        try {
            Files.write(kernel, guest());
            trainMachine(kernel);
        } finally {
            Files.delete(kernel);
        }
    }

    /**
     * Boots a kernel until it resets the machine: Linux does where it finds no first process. The cache then has the engine's
     * classes and profiles, too: a tenth to a quarter less processor time for a boot. A guest that takes too long is left.
     */
    private static void trainMachine(Path kernel, String... more) {
        Thread patience = Thread.ofPlatform().daemon().start(() -> {
            try {
                Thread.sleep(LONGEST_RUN);
                System.exit(1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Kvm.run(Stream.concat(Stream.of("-accel", "soft", "-no-reboot", "-m", "256", "-cpu", "max",
                "-kernel", kernel.toString()), Stream.of(more)).toArray(String[]::new));
        patience.interrupt();
    }

    /** The guest: a multiboot kernel. */
    static byte[] guest() throws IOException {
        try (InputStream hex = Objects.requireNonNull(Training.class.getResourceAsStream("training.hex"))) {
            return HexFormat.of().parseHex(new String(hex.readAllBytes(), StandardCharsets.US_ASCII).replace("\n", ""));
        }
    }
}
