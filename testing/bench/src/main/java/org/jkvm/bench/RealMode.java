package org.jkvm.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * A program in real mode, {@code real-mode.s}, the same Multiboot kernel for all: translated, interpreted, and by QEMU. GNU as
 * and ld make it.
 */
final class RealMode {
    private static final Path ROOT = Path.of(System.getProperty("jkvm.root"));
    private static final int ROUNDS = 1000;
    /** The interpreter gets so much less to do. */
    private static final int INTERPRETED_LESS = 20;
    private static final List<String> WORK = List.of("registers", "memory", "calls", "segments");
    private static final char BEGUN = 'S';
    private static final double NANOS = 1e9;

    private RealMode() {
    }

    /** Takes how much there is to do, in thousands of rounds of some dozens of instructions. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        int rounds = arguments.length == 0 ? ROUNDS : Integer.parseInt(arguments[0]);
        Path folder = Files.createTempDirectory("real-mode");
        Path much = assemble(folder, rounds);
        Path little = assemble(folder, Math.max(1, rounds / INTERPRETED_LESS));
        String kvm = ROOT.resolve("kvm").toString();
        double[] translated = seconds(much, kvm, "-accel", "soft");
        double[] interpreted = seconds(little, kvm, "-accel", "soft,translate=off");
        double[] qemu = seconds(much, "qemu-system-x86_64", "-accel", "tcg");
        double less = (double) rounds / Math.max(1, rounds / INTERPRETED_LESS);
        System.out.println("| real mode | kvm, s | QEMU, s | interpreted, s | kvm / QEMU | kvm / interpreted |");
        System.out.println("|---|---|---|---|---|---|");
        for (int n = 0; n < WORK.size(); n++) {
            System.out.printf(Locale.ROOT, "| %s | %.3f | %.3f | %.1f | %.2f | %.3f |%n", WORK.get(n), translated[n], qemu[n],
                    interpreted[n] * less, translated[n] / qemu[n], translated[n] / interpreted[n] / less);
        }
    }

    private static Path assemble(Path folder, int rounds) throws IOException, InterruptedException {
        Path object = folder.resolve(rounds + ".o");
        Path kernel = folder.resolve(rounds + ".elf");
        Path source = ROOT.resolve("testing/bench/src/main/guest/real-mode.s");
        run("as", "--32", "--defsym", "ROUNDS=" + rounds, "-o", object.toString(), source.toString());
        run("ld", "-N", "-m", "elf_i386", "-Ttext=0x100000", "-e", "start", "-o", kernel.toString(), object.toString());
        return kernel;
    }

    private static void run(String... command) throws IOException, InterruptedException {
        if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
            throw new IOException("failed: " + String.join(" ", command));
        }
    }

    /** Seconds from letter to letter. */
    private static double[] seconds(Path kernel, String... engine) throws IOException {
        List<String> machine = List.of("-nodefaults", "-display", "none", "-serial", "stdio", "-m", "64", "-kernel",
                kernel.toString());
        List<String> command = Stream.concat(Stream.of(engine), machine.stream()).toList();
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (InputStream said = process.getInputStream()) {
            await(said, BEGUN);
            double[] seconds = new double[WORK.size()];
            for (int n = 0; n < seconds.length; n++) {
                long begin = System.nanoTime();
                await(said, "IMCF".charAt(n));
                seconds[n] = (System.nanoTime() - begin) / NANOS;
            }
            return seconds;
        } finally {
            process.destroyForcibly();
        }
    }

    private static void await(InputStream said, char letter) throws IOException {
        int next = said.read();
        while (next != letter) {
            if (next < 0) {
                throw new IOException("the guest ended before it said " + letter);
            }
            next = said.read();
        }
    }
}
