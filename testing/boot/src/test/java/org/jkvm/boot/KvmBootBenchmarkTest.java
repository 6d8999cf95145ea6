package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.guest.LinuxGuest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Debian's cloud kernel on /dev/kvm, to its first process and to a clean end: how long it takes, and how often software executed
 * what KVM lacks, or KVM what its chip is needed for, by instruction. By turns, the best of two. Prints what docs/benchmarks.md
 * shows.
 */
@Tag("benchmark")
class KvmBootBenchmarkTest {
    private static final int TURNS = 2;
    private static final Duration LIMIT = Duration.ofMinutes(3);
    private static final double NANOS = 1e9;

    @TempDir
    private Path folder;

    /** What is measured. */
    private enum Way {
        KVM("-accel kvm"), KVM_TWO("-accel kvm -smp 2"), SPLIT("-accel kvm -machine kernel-irqchip=split"), SOFT("-accel soft"),
        SOFT_TWO("-accel soft -smp 2");

        private final String options;
        private double first = Double.MAX_VALUE;
        private double whole = Double.MAX_VALUE;
        private String counts = "";

        Way(String options) {
            this.options = options;
        }
    }

    @Test
    void toTheFirstProcess() throws Exception {
        assumeTrue(Files.isWritable(Path.of("/dev/kvm")), "this host has no /dev/kvm that can be opened");
        LinuxGuest guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        Path initrd = Guests.initrd(guest, folder, "first.sh");
        for (int turn = 0; turn < TURNS; turn++) {
            for (Way way : Way.values()) {
                boot(guest, initrd, way);
            }
        }
        for (Way way : Way.values()) {
            System.out.printf(Locale.ROOT, "%-44s first process after %.1f s, ended after %.1f s; %s%n", way.options, way.first,
                    way.whole, way.counts);
        }
    }

    private void boot(LinuxGuest guest, Path initrd, Way way) throws Exception {
        Path log = folder.resolve("log");
        List<String> words = new ArrayList<>(Arrays.asList(way.options.split(" ")));
        words.addAll(List.of("-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-m", "256", "-kernel",
                guest.kernel().toString(), "-initrd", initrd.toString(), "-append", "console=ttyS0", "-d", "modes", "-D",
                log.toString()));
        long start = System.nanoTime();
        try (GuestConsole console = new GuestConsole(KvmCommand.with(words), null)) {
            console.await("first process with", LIMIT);
            double first = (System.nanoTime() - start) / NANOS;
            assertThat(console.awaitExit(LIMIT)).isZero();
            double whole = (System.nanoTime() - start) / NANOS;
            if (whole < way.whole) {
                way.first = first;
                way.whole = whole;
                way.counts = counts(Files.readString(log));
            }
        }
    }

    private static String counts(String log) {
        return String.join("; ", log.lines().filter(l -> l.contains("assists") || l.contains("turns")).toList());
    }
}
