package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What a Linux guest must have found on any machine. */
final class LinuxAssert {
    private LinuxAssert() {
    }

    /** It has nothing to complain of, its clock runs, its disk and random number generator work. */
    static void isWell(Report report) {
        assertThat(report.section("trouble")).as("complaints in dmesg").isEmpty();
        assertThat(report.section("clocksource")).containsExactly("kvm-clock");
        assertThat(Integer.parseInt(report.section("sleep").getFirst())).as("seconds that sleep 2 took").isBetween(2, 30);
        assertThat(report.section("disk")).containsExactly(numbers() + "  /mnt/numbers");
        assertThat(report.section("pci")).contains("0000:00:00.0 0x8086:0x1237 0x060000",
                "0000:00:02.0 0x1af4:0x1042 0x010000", "0000:00:03.0 0x1af4:0x1044 0x00ff00");
    }

    /** The checksum of what "seq 1 20000" writes. */
    static String numbers() {
        String text = IntStream.rangeClosed(1, 20_000).mapToObj(i -> i + "\n").collect(Collectors.joining());
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
