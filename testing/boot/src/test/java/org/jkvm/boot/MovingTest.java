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
 */
@Slow
class MovingTest {
    private static final int MOVES_AND_BACK = 10;
    private static final double MOST_SECONDS_OFF = 0.010;
    private static final Duration STAY = Duration.ofMillis(1500);
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int LEAST_CHECKSUMS = 5;
    private static final int LEAST_BLOCKS = 5;

    @TempDir
    private Path folder;
    private Path monitor;
    private GuestConsole console;
    private Ahead atStart;

    /** By how much the guest's time of day is ahead of the host's, in seconds, give or take some. */
    private record Ahead(double seconds, double giveOrTake) {
    }

    @ParameterizedTest
    @CsvSource({"1,on", "2,on", "2,split"})
    void nothingIsLostOnTheWay(int vcpus, String chip) throws Exception {
        assumeTrue(Files.isReadable(Path.of("/dev/kvm")) && Files.isWritable(Path.of("/dev/kvm")),
                "this host has no /dev/kvm that can be opened");
        try (GuestConsole guest = start(vcpus, chip)) {
            console = guest;
            guest.await("guest ready", Boot.LIMIT);
            atStart = timeOfDay();
            for (int n = 1; n <= MOVES_AND_BACK; n++) {
                move("kvm", n);
                move("soft", n);
            }
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
        Ahead now = timeOfDay();
        Ahead ahead = new Ahead(now.seconds - atStart.seconds, now.giveOrTake + atStart.giveOrTake);
        System.out.printf(Locale.ROOT, "%2d %-12s moved in %6.1f ms, guest's clock gained %7.2f ms (give or take %.2f)%n", round,
                where, moved * 1e3, ahead.seconds * 1e3, ahead.giveOrTake * 1e3);
        assertThat(Math.abs(ahead.seconds) - ahead.giveOrTake).as("seconds off").isLessThan(MOST_SECONDS_OFF);
    }

    /** The best of several questions: that which was answered soonest. */
    private Ahead timeOfDay() throws Exception {
        Ahead best = ask();
        for (int n = 0; n < 10; n++) {
            Ahead next = ask();
            best = next.giveOrTake < best.giveOrTake ? next : best;
        }
        return best;
    }

    private Ahead ask() throws Exception {
        double before = now();
        console.type("time");
        double guest = Double.parseDouble(console.await("time (\\d+\\.\\d{6})", LIMIT).group(1));
        double after = now();
        return new Ahead(guest - (before + after) / 2, (after - before) / 2);
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
