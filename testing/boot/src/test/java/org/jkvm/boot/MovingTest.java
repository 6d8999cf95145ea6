package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.guest.LinuxGuest;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Images;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A Linux guest that computes checksums, watches its clock and writes to its disk moves between software and hardware and back, ten
 * times, by the monitor's {@code accel}. Prints how long the moves took, and how its time of day compares with the host's: since
 * its start, as it sets its clock by that of the battery, to the second.
 *
 * <p>The guest reads its clock after it was asked and before its answer is here: between what the host's clock shows then. Each
 * question bounds the difference from both sides, and many together closer than the best of them. What a busy host makes of it is
 * that nothing is known for certain, and that is printed: never that a right clock is found wrong.
 */
@Slow
class MovingTest {
    private static final int MOVES_AND_BACK = 10;
    private static final double MOST_SECONDS_OFF = 0.010;
    private static final Duration STAY = Duration.ofMillis(1000);
    private static final int QUESTIONS = 80;
    private static final int QUESTIONS_AT_START = 400;
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int LEAST_CHECKSUMS = 5;
    private static final int LEAST_BLOCKS = 5;

    @TempDir
    private Path folder;
    private Path monitor;
    private GuestConsole console;
    private Ahead atStart;
    /** What was gained where it may have been most. */
    private Ahead worst = new Ahead(0, 0);

    /** By how much the guest's time of day is ahead of the host's: between these, in seconds. */
    private record Ahead(double least, double most) {
        Ahead and(Ahead other) {
            return new Ahead(Math.max(least, other.least), Math.min(most, other.most));
        }

        Ahead since(Ahead start) {
            return new Ahead(least - start.most, most - start.least);
        }

        double middle() {
            return (least + most) / 2;
        }

        double giveOrTake() {
            return (most - least) / 2;
        }

        /** How wrong a clock that has gained this is for certain, and at the worst. */
        double certainly() {
            return Math.max(0, Math.max(least, -most));
        }

        double atWorst() {
            return Math.max(most, -least);
        }
    }

    @ParameterizedTest
    @CsvSource({"1,on", "2,on", "2,split"})
    void nothingIsLostOnTheWay(int vcpus, String chip) throws Exception {
        assumeTrue(Files.isReadable(Path.of("/dev/kvm")) && Files.isWritable(Path.of("/dev/kvm")),
                "this host has no /dev/kvm that can be opened");
        try (GuestConsole guest = start(vcpus, chip)) {
            console = guest;
            guest.await("guest ready", Boot.LIMIT);
            atStart = timeOfDay(QUESTIONS_AT_START);
            for (int n = 1; n <= MOVES_AND_BACK; n++) {
                move("kvm", n);
                move("soft", n);
            }
            System.out.printf(Locale.ROOT, "-smp %d, kernel-irqchip=%s: at worst the guest's clock had gained %.2f ms, give or take "
                    + "%.2f; for certain %.2f%n", vcpus, chip, worst.middle() * 1e3, worst.giveOrTake() * 1e3, worst.certainly() * 1e3);
            guest.type("stop");
            guest.await("==== end", LIMIT);
            assertThat(guest.awaitExit(LIMIT)).isZero();
            check(new Report(guest.output()));
        }
    }

    /** A processor that the host's KVM has too, as the guest begins in software. */
    private GuestConsole start(int vcpus, String chip) throws IOException {
        LinuxGuest guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        Path initrd = Guests.initrd(guest, folder, "moving.sh");
        Path disk = folder.resolve("disk.qcow2");
        Images.create(disk, CreateOptions.of("qcow2", 64 << 20));
        monitor = folder.resolve("monitor");
        return new GuestConsole(KvmCommand.with(List.of("-accel", "soft", "-machine", "kernel-irqchip=" + chip, "-cpu",
                "qemu64,-pni", "-smp", "" + vcpus, "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-m", "256", "-kernel",
                guest.kernel().toString(), "-initrd", initrd.toString(), "-append", "console=ttyS0 quiet", "-drive",
                "file=" + disk + ",format=qcow2,if=virtio", "-monitor", "unix:" + monitor + ",server=on,wait=off")), null);
    }

    private void move(String engine, int round) throws Exception {
        long begin = System.nanoTime();
        assertThat(Monitor.command(monitor, "accel " + engine)).contains("accel: " + engine).doesNotContain("Error");
        double seconds = (System.nanoTime() - begin) / 1e9;
        Thread.sleep(STAY);
        show("on " + engine, round, seconds);
    }

    private void show(String where, int round, double moved) throws Exception {
        Ahead gained = timeOfDay(QUESTIONS).since(atStart);
        worst = gained.atWorst() > worst.atWorst() ? gained : worst;
        System.out.printf(Locale.ROOT, "%2d %-12s moved in %6.1f ms, guest's clock gained %7.2f ms (give or take %.2f)%n", round,
                where, moved * 1e3, gained.middle() * 1e3, gained.giveOrTake() * 1e3);
        assertThat(gained.certainly()).as("seconds off, for certain").isLessThan(MOST_SECONDS_OFF);
    }

    /** What all of many questions say. */
    private Ahead timeOfDay(int questions) throws Exception {
        Ahead known = ask();
        for (int n = 1; n < questions; n++) {
            known = known.and(ask());
        }
        return known;
    }

    private Ahead ask() throws Exception {
        double before = now();
        console.type("time");
        double guest = Double.parseDouble(console.await("time (\\d+\\.\\d{6})", LIMIT).group(1));
        return new Ahead(guest - now(), guest - before);
    }

    private static double now() {
        Instant now = Instant.now();
        return now.getEpochSecond() + now.getNano() / 1e9;
    }

    private static void check(Report report) {
        List<String> checksums = report.section("checksums");
        assertThat(checksums).hasSize(1);
        String[] words = checksums.getFirst().strip().split("\\s+");
        assertThat(words[1]).isEqualTo(LinuxAssert.numbers());
        assertThat(Integer.parseInt(words[0])).isGreaterThan(LEAST_CHECKSUMS);
        assertThat(report.section("clock").getFirst()).contains(" back 0 ");
        String[] disk = report.section("disk").getFirst().split(" ");
        assertThat(Integer.parseInt(disk[1])).as("blocks written").isGreaterThan(LEAST_BLOCKS);
        assertThat(disk[3]).as("blocks that read back wrong").isEqualTo("0");
        assertThat(report.section("interrupts")).anyMatch(l -> l.matches("\\s*ERR:\\s+0")).anyMatch(l -> l.matches("\\s*MIS:\\s+0"));
        assertThat(report.section("clocksource")).containsExactly("kvm-clock");
        assertThat(report.section("trouble")).as("complaints in dmesg").isEmpty();
        System.out.println(checksums + " " + report.section("clock") + " " + report.section("disk"));
    }
}
