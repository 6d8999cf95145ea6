package org.jkvm.app.vm;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jkvm.app.monitor.MonitorMachine.Action;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.base.time.Clock;
import org.jkvm.storage.Snapshots;
import org.jkvm.storage.live.Drive;
import org.jkvm.storage.live.Job;
import org.jkvm.storage.live.Limits;

/** The monitor's commands for disks. Names and arguments are QEMU's. */
final class DiskCommands {
    private static final int SECTOR = 512;

    private final Disks disks;
    private final Clock clock;

    /** Something that the host may refuse. */
    interface Work {
        /** Does it. */
        void run() throws IOException;
    }

    /** Commands for {@code disks} of a machine with {@code clock}. */
    DiskCommands(Disks disks, Clock clock) {
        this.disks = disks;
        this.clock = clock;
    }

    /** The commands. */
    List<Action> list() {
        return List.of(
                new Action("block_resize", "device size", "make a disk larger or smaller; size in MiB, or with a suffix",
                        this::resize),
                new Action("block_job_cancel", "[-f] device", "end the disk's job; -f: at once", this::cancel),
                new Action("block_job_complete", "device", "have a job that is ready come to its conclusion",
                        t -> job(t, (job, _) -> job.complete())),
                new Action("block_job_pause", "device", "hold the disk's job up", t -> job(t, (job, _) ->
                        job.setPaused(true))),
                new Action("block_job_resume", "device", "let the disk's job go on", t -> job(t, (job, _) ->
                        job.setPaused(false))),
                new Action("block_job_set_speed", "device speed", "limit the disk's job to bytes a second; 0 is no limit",
                        t -> job(t, (job, words) -> job.setSpeed(words.size("speed", 'b')))),
                new Action("block_stream", "device [speed [base]]", "copy what the backing files have into the image;"
                        + " base: the one that stays", this::stream),
                new Action("commit", "device|all", "write what an image or a temporary overlay has into its backing file",
                        this::commit),
                new Action("drive_backup", "[-n] [-f] [-c] device target [format]", "copy a disk as it is now; -n: the target"
                        + " is there already, -f: with what the backing files have, -c: packed", this::backup),
                new Action("drive_mirror", "[-n] [-f] device target [format]", "copy a disk and keep the copy in step; -n:"
                        + " the target is there already, -f: with what the backing files have", this::mirror),
                new Action("snapshot_blkdev", "[-n] device [new-image-file] [format]", "send what is written from now on to"
                        + " a new image over the disk's; -n: it is there already", this::snapshot),
                new Action("snapshot_blkdev_internal", "device name", "keep the disk's contents inside its image",
                        this::keep),
                new Action("snapshot_delete_blkdev_internal", "device name [id]", "remove a snapshot from inside an image",
                        this::drop),
                new Action("block_set_io_throttle", "device bps bps_rd bps_wr iops iops_rd iops_wr",
                        "limit what the guest may ask of a disk; 0 is no limit", this::throttle));
    }

    /** Does {@code work}; what the host refuses becomes one line for the user. */
    static String on(String name, Work work) {
        try {
            work.run();
            return "";
        } catch (IOException e) {
            throw new UserException("disk '" + name + "': " + e.getMessage());
        }
    }

    private String job(String text, BiConsumer<Job, Words> work) {
        Words words = new Words(text);
        work.accept(job(words), words);
        words.end();
        return "";
    }

    private Job job(Words words) {
        String name = words.next("device");
        return Optional.ofNullable(disks.get(name).live().job()).orElseThrow(() ->
                new UserException("No active block job on device '" + name + "'"));
    }

    private String cancel(String text) {
        Words words = new Words(text);
        boolean force = words.flag("-f");
        Job job = job(words);
        words.end();
        job.cancel(force);
        return "";
    }

    private String stream(String text) {
        Words words = new Words(text);
        Disks.Attached disk = disks.get(words.next("device"));
        long speed = new Words(words.next("speed", "0")).size("speed", 'b');
        String base = words.next("base", "");
        words.end();
        return on(disk.node().name(), () -> disk.live().stream(speed, base.isEmpty() ? null : Path.of(base)));
    }

    private String commit(String text) {
        Words words = new Words(text);
        String name = words.next("device");
        words.end();
        if (!name.equals("all")) {
            return on(name, disks.get(name).live()::commit);
        }
        disks.all().stream().filter(d -> d.live().drive().hasBacking())
                .forEach(d -> on(d.node().name(), d.live()::commit));
        return "";
    }

    private String mirror(String text) {
        Words words = new Words(text);
        boolean reuse = words.flag("-n");
        boolean full = words.flag("-f");
        Disks.Attached disk = disks.get(words.next("device"));
        Path target = Path.of(words.next("target"));
        String format = words.next("format", reuse ? null : disk.drive().image().format());
        words.end();
        return on(disk.node().name(), () -> disk.live().mirror(target, format, full, reuse));
    }

    private String backup(String text) {
        Words words = new Words(text);
        boolean reuse = words.flag("-n");
        boolean full = words.flag("-f");
        boolean compress = words.flag("-c");
        Disks.Attached disk = disks.get(words.next("device"));
        Path target = Path.of(words.next("target"));
        String format = words.next("format", reuse ? null : disk.drive().image().format());
        words.end();
        return on(disk.node().name(), () -> disk.live().backup(target, format, full, reuse, compress));
    }

    private String snapshot(String text) {
        Words words = new Words(text);
        boolean reuse = words.flag("-n");
        Disks.Attached disk = disks.get(words.next("device"));
        Path overlay = Path.of(words.next("new-image-file"));
        String format = words.next("format", "qcow2");
        words.end();
        return on(disk.node().name(), () -> disk.live().snapshot(overlay, format, reuse));
    }

    private String keep(String text) {
        Words words = new Words(text);
        Disks.Attached disk = disks.get(words.next("device"));
        String name = words.next("name");
        words.end();
        Instant now = Instant.now();
        return on(disk.node().name(), () -> disk.live().keep(new Snapshots.Label(name, now.getEpochSecond(), now.getNano(),
                clock.nanos())));
    }

    private String drop(String text) {
        Words words = new Words(text);
        Disks.Attached disk = disks.get(words.next("device"));
        String name = words.next("name");
        String id = words.next("id", name);
        words.end();
        return on(disk.node().name(), () -> disk.live().drop(id));
    }

    private String resize(String text) {
        Words words = new Words(text);
        Disks.Attached disk = disks.get(words.next("device"));
        long size = words.size("size", 'm');
        words.end();
        if (size < 0 || size > Long.MAX_VALUE - SECTOR) {
            throw new UserException("'size' is out of range");
        }
        return on(disk.node().name(), () -> disk.live().resize(Bits.alignUp(size, SECTOR)));
    }

    private String throttle(String text) {
        Words words = new Words(text);
        Drive drive = disks.get(words.next("device")).drive();
        Map<Limits.Kind, Limits.Bucket> buckets = new EnumMap<>(Limits.Kind.class);
        for (Limits.Kind kind : Limits.Kind.values()) {
            long rate = words.size(kind.shortName(), 'b');
            if (rate != 0) {
                buckets.put(kind, new Limits.Bucket(rate, 0, 1));
            }
        }
        words.end();
        drive.throttle().setLimits(new Limits(buckets, 0));
        return "";
    }
}
