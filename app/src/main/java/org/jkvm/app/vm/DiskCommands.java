package org.jkvm.app.vm;

import java.io.IOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jkvm.app.monitor.MonitorMachine.Action;
import org.jkvm.base.Bits;
import org.jkvm.base.UserException;
import org.jkvm.storage.live.Drive;
import org.jkvm.storage.live.Limits;

/** The monitor's commands for disks. Names and arguments are QEMU's. */
final class DiskCommands {
    private static final int SECTOR = 512;

    private final Disks disks;

    /** Something that the host may refuse. */
    interface Work {
        /** Does it. */
        void run() throws IOException;
    }

    DiskCommands(Disks disks) {
        this.disks = disks;
    }

    /** The commands. */
    List<Action> list() {
        return List.of(
                new Action("block_resize", "device size", "make a disk larger or smaller; size in MiB, or with a suffix",
                        this::resize),
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

    private String resize(String text) {
        Words words = new Words(text);
        Drive drive = disks.get(words.next("device")).drive();
        long size = words.size("size", 'm');
        words.end();
        if (size < 0 || size > Long.MAX_VALUE - SECTOR) {
            throw new UserException("'size' is out of range");
        }
        return on(drive.name(), () -> drive.resize(Bits.alignUp(size, SECTOR)));
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
