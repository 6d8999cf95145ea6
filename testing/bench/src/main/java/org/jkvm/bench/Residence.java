package org.jkvm.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What a process has of the host's memory (proc(5), /proc/PID/smaps), guest RAM apart.
 *
 * @param total MiB, all of it
 * @param guest MiB, the mappings that are as large as guest RAM
 */
record Residence(double total, double guest) {

    /** Of a process whose guest has {@code memory} MiB of RAM. */
    static Residence of(long pid, int memory) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("/proc/" + pid + "/smaps"));
        long total = 0;
        long guest = 0;
        long size = 0;
        for (String line : lines) {
            if (line.startsWith("Size:")) {
                size = kibibytes(line);
            } else if (line.startsWith("Rss:")) {
                total += kibibytes(line);
                guest += size == memory * 1024L ? kibibytes(line) : 0;
            }
        }
        return new Residence(total / 1024.0, guest / 1024.0);
    }

    private static long kibibytes(String line) {
        return Long.parseLong(line.replaceAll("\\D", ""));
    }

    /** MiB that are not the guest's. */
    double own() {
        return total - guest;
    }
}
