package org.jkvm.app.vm;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jkvm.storage.Image;
import org.jkvm.storage.live.DetectZeroes;
import org.jkvm.storage.live.Drive;
import org.jkvm.storage.live.Job;
import org.jkvm.storage.live.Limits;
import org.jkvm.storage.live.Operation;
import org.jkvm.storage.live.Statistics;
import org.jkvm.storage.nbd.NbdAddress;

/** What the monitor tells about disks, in the form of QEMU's. */
final class DiskText {
    private DiskText() {
    }

    /** {@code info block}. */
    static String block(Disks disks) {
        String text = disks.all().stream().map(DiskText::block).collect(Collectors.joining("\n"));
        return text.isEmpty() ? "no disks\n" : text;
    }

    private static String block(Disks.Attached disk) {
        Drive drive = disk.drive();
        Image image = drive.image();
        StringBuilder text = new StringBuilder("%s: %s (%s%s)%n".formatted(drive.name(),
                NbdAddress.readable(drive.source().path().toString()),
                drive.source().temporary() ? "temporary overlay" : image.format(), image.readOnly() ? ", read-only" : ""));
        line(text, "Attached to:", disk.device().isEmpty() ? "nothing" : disk.device());
        line(text, "Cache mode:", disk.node().open().cache().name().toLowerCase(Locale.ROOT)
                + (disk.node().writeCache() ? "" : ", writethrough"));
        if (drive.detectZeroes() != DetectZeroes.OFF) {
            line(text, "Detect zeroes:", drive.detectZeroes().name().toLowerCase(Locale.ROOT));
        }
        line(text, "Size:", image.size() + " bytes");
        backing(text, image);
        if (!drive.throttle().limits().buckets().isEmpty()) {
            line(text, "I/O throttling:", limits(drive.throttle().limits()));
        }
        return text.toString();
    }

    private static void backing(StringBuilder text, Image image) {
        try {
            image.info().backing().ifPresent(b -> line(text, "Backing file:", NbdAddress.readable(b.path().toString())));
        } catch (IOException e) {
            line(text, "Error:", e.getMessage());
        }
    }

    private static void line(StringBuilder text, String label, String value) {
        text.append("    %-17s %s%n".formatted(label, value));
    }

    private static String limits(Limits limits) {
        String all = Arrays.stream(Limits.Kind.values())
                .map(k -> k.shortName() + "=" + limits.rate(k) + " " + k.shortName() + "_max=" + limits.max(k))
                .collect(Collectors.joining(" "));
        return all + " iops_size=" + limits.iopsSize();
    }

    /** {@code info block-jobs}. */
    static String jobs(Disks disks) {
        String text = disks.all().stream().map(a -> a.live().job()).filter(Objects::nonNull).map(DiskText::job)
                .collect(Collectors.joining());
        return text.isEmpty() ? "No active jobs\n" : text;
    }

    private static String job(Job job) {
        return "Type %s, device %s: Completed %d of %d bytes, speed limit %d bytes/s%s%n".formatted(job.type(),
                job.drive().name(), job.done(), job.total(), job.speed(),
                job.paused() ? ", paused" : job.ready() ? ", ready" : "");
    }

    /** {@code info blockstats}. */
    static String statistics(Disks disks) {
        return disks.all().stream().map(a -> statistics(a.drive())).collect(Collectors.joining());
    }

    private static String statistics(Drive drive) {
        Statistics s = drive.statistics();
        return ("%s: rd_bytes=%d wr_bytes=%d rd_operations=%d wr_operations=%d flush_operations=%d unmap_operations=%d"
                + " wr_total_time_ns=%d rd_total_time_ns=%d flush_total_time_ns=%d failed_rd_operations=%d"
                + " failed_wr_operations=%d failed_flush_operations=%d idle_time_ns=%d%n").formatted(drive.name(),
                s.bytes(Operation.READ), s.bytes(Operation.WRITE), s.operations(Operation.READ),
                s.operations(Operation.WRITE), s.operations(Operation.FLUSH), s.operations(Operation.DISCARD),
                s.nanos(Operation.WRITE), s.nanos(Operation.READ), s.nanos(Operation.FLUSH), s.failures(Operation.READ),
                s.failures(Operation.WRITE), s.failures(Operation.FLUSH), s.idleNanos());
    }
}
