package org.jkvm.app.demo;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jkvm.app.demo.GuestConsole.GuestFailure;

/**
 * Runs the demonstration unattended: boots, writes a file, powers off, finds the file at a second boot, and lets QEMU look
 * at the same disk where it is installed.
 */
final class DemoCheck {
    private static final Duration BOOT = Duration.ofMinutes(5);
    private static final Duration COMMAND = Duration.ofMinutes(2);
    private static final int LINES = 20_000;
    /** What the guest's "seq 1 20000" writes is known here without the guest. */
    private static final String CHECKSUM = checksum(IntStream.rangeClosed(1, LINES).mapToObj(i -> i + "\n")
            .collect(Collectors.joining()));

    private final DemoGuest guest;
    private final OutputStream console;
    private final Consumer<String> progress;

    /** A check of {@code guest} that copies its console to {@code console}, or nowhere where that is null. */
    DemoCheck(DemoGuest guest, OutputStream console, Consumer<String> progress) {
        this.guest = guest;
        this.console = console;
        this.progress = progress;
    }

    /** Runs all of it. */
    void run() throws IOException, InterruptedException, GuestFailure {
        List<String> kvm = new ArrayList<>(OwnCommand.words());
        boot("kvm, first boot", kvm, List.of("seq 1 " + LINES + " > /disk/numbers", "sync"));
        boot("kvm, second boot", kvm, List.of());
        Optional<Path> check = onPath("qemu-img");
        if (check.isPresent()) {
            imageCheck(check.get());
        } else {
            progress.accept("skipped: qemu-img check (qemu-img is not installed)");
        }
        Optional<Path> qemu = onPath("qemu-system-x86_64");
        if (qemu.isPresent()) {
            boot("QEMU, same disk", List.of(qemu.get().toString(), "-accel", "tcg"), List.of());
        } else {
            progress.accept("skipped: QEMU boots the same disk (qemu-system-x86_64 is not installed)");
        }
    }

    private void boot(String what, List<String> program, List<String> commands)
            throws IOException, InterruptedException, GuestFailure {
        progress.accept(what + ": booting");
        long start = System.nanoTime();
        List<String> words = new ArrayList<>(program);
        words.addAll(guest.options());
        words.addAll(List.of("-display", "none", "-serial", "stdio", "-monitor", "none"));
        try (GuestConsole shell = new GuestConsole(new ProcessBuilder(words), console)) {
            shell.await(DemoGuest.PROMPT, BOOT);
            progress.accept("%s: shell prompt after %.1f s".formatted(what, (System.nanoTime() - start) / 1e9));
            for (String command : commands) {
                shell.type(command);
                shell.await(DemoGuest.PROMPT, COMMAND);
            }
            shell.type("sha256sum /disk/numbers");
            shell.await(CHECKSUM, COMMAND);
            progress.accept(what + ": /disk/numbers has SHA-256 " + CHECKSUM.substring(0, 16) + "..., as it should");
            shell.type("poweroff");
            int status = shell.awaitExit(COMMAND);
            if (status != 0) {
                throw new GuestFailure(what + ": exit status " + status + " after power-off, not 0");
            }
            progress.accept(what + ": powered off, exit status 0");
        }
    }

    private void imageCheck(Path tool) throws IOException, InterruptedException, GuestFailure {
        Process process = new ProcessBuilder(tool.toString(), "check", "-f", "qcow2", guest.disk().toString())
                .redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new GuestFailure("qemu-img check: exit status " + process.exitValue() + ":\n" + output);
        }
        progress.accept("qemu-img check: " + output.lines().findFirst().orElse("clean"));
    }

    private static Optional<Path> onPath(String tool) {
        return Arrays.stream(Optional.ofNullable(System.getenv("PATH")).orElse("").split(":")).map(Path::of)
                .map(folder -> folder.resolve(tool)).filter(Files::isExecutable).findFirst();
    }

    private static String checksum(String text) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(sha256.digest(text.getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
