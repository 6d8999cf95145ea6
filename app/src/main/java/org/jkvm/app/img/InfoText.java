package org.jkvm.app.img;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.nbd.NbdAddress;

/** What people read: the lines of {@code qemu-img info}. */
final class InfoText {
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final String INDENT = "    ";
    /** Widths of the columns of snapshots; those below zero begin at the left, and end with a blank at least. */
    private static final int[] SNAPSHOT = {-10, -17, 8, 20, 13, 11};

    private final StringBuilder text = new StringBuilder();

    private InfoText() {
    }

    static String of(ImageInfo info) {
        return new InfoText().text(info);
    }

    private String text(ImageInfo info) {
        line("image: " + NbdAddress.readable(info.path().toString()));
        line("file format: " + info.format());
        line("virtual size: " + size(info.virtualSize()) + " (" + info.virtualSize() + " bytes)");
        line("disk size: " + size(info.actualSize()));
        if (info.encrypted()) {
            line("encrypted: yes");
        }
        if (info.clusterSize() > 0) {
            line("cluster_size: " + info.clusterSize());
        }
        if (info.dirty()) {
            line("cleanly shut down: no");
        }
        info.backing().ifPresent(this::backing);
        if (!info.snapshots().isEmpty()) {
            text.append(snapshots(info.snapshots()));
        }
        if (info.specific().isPresent()) {
            line("Format specific information:");
            members(INDENT, info.specific().get().tree());
        }
        return text.toString();
    }

    private void line(String line) {
        text.append(line).append('\n');
    }

    private void backing(ImageInfo.Backing backing) {
        String place = NbdAddress.readable(backing.path().toString());
        boolean elsewhere = !backing.name().equals(place);
        line("backing file: " + backing.name() + (elsewhere ? " (actual path: " + place + ")" : ""));
        if (backing.format() != null) {
            line("backing file format: " + backing.format());
        }
    }

    /** The table of snapshots, with its title, as {@code snapshot -l} shows it. */
    static String snapshots(List<ImageInfo.Snapshot> snapshots) {
        return "Snapshot list:\n" + table(snapshots);
    }

    private static String table(List<ImageInfo.Snapshot> snapshots) {
        StringBuilder table = new StringBuilder();
        row(table, "ID", "TAG", "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
        for (ImageInfo.Snapshot s : snapshots) {
            row(table, s.id(), s.name(), size(s.vmStateSize()), date(s.dateSeconds()), clock(s.vmClockNanos()),
                    s.icount() < 0 ? "" : Long.toString(s.icount()));
        }
        return table.toString();
    }

    /** Formatter and DateTimeFormatter would take 20 ms to begin with. */
    private static void row(StringBuilder table, String... cells) {
        for (int i = 0; i < cells.length; i++) {
            boolean left = SNAPSHOT[i] < 0;
            String blanks = " ".repeat(Math.max(left ? 1 : 0, Math.abs(SNAPSHOT[i]) - cells[i].length()));
            table.append(left ? cells[i] + blanks : blanks + cells[i]);
        }
        table.append('\n');
    }

    private static String date(long seconds) {
        LocalDateTime date = LocalDateTime.ofInstant(Instant.ofEpochSecond(seconds), ZoneId.systemDefault());
        return date.toLocalDate() + " " + digits(date.getHour(), 2) + ":" + digits(date.getMinute(), 2) + ":"
                + digits(date.getSecond(), 2);
    }

    private static String clock(long nanos) {
        Duration d = Duration.ofNanos(nanos);
        return digits(d.toHours(), 2) + ":" + digits(d.toMinutesPart(), 2) + ":" + digits(d.toSecondsPart(), 2) + "."
                + digits(d.toMillisPart(), 3);
    }

    private static String digits(long number, int least) {
        String digits = Long.toString(number);
        return "0".repeat(Math.max(0, least - digits.length())) + digits;
    }

    private void members(String indent, Map<?, ?> tree) {
        tree.forEach((name, value) -> value(indent, name.toString().replace('-', ' '), value));
    }

    private void items(String indent, List<?> list) {
        for (int i = 0; i < list.size(); i++) {
            value(indent, "[" + i + "]", list.get(i));
        }
    }

    private void value(String indent, String name, Object value) {
        if (value instanceof Map<?, ?> map) {
            line(indent + name + ":");
            members(indent + INDENT, map);
        } else if (value instanceof List<?> list) {
            line(indent + name + ":");
            items(indent + INDENT, list);
        } else {
            line(indent + name + ": " + value);
        }
    }

    /** Three digits and a unit; 1000 of a unit are written in the next one. BigDecimal would take 30 ms to begin with. */
    static String size(long bytes) {
        int unit = 0;
        while (unit < UNITS.length - 1 && bytes / (double) (1L << 10 * unit) >= 1000) {
            unit++;
        }
        double value = bytes / (double) (1L << 10 * unit);
        int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
        long power = decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
        // Half-even, as the digits of a double are.
        return decimal((long) Math.rint(value * power), power) + " " + UNITS[unit];
    }

    /** {@code scaled} by {@code power}, a power of ten, without zeroes at its end. */
    private static String decimal(long scaled, long power) {
        long rest = scaled;
        long unit = power;
        while (unit > 1 && rest % 10 == 0) {
            rest /= 10;
            unit /= 10;
        }
        String fraction = Long.toString(unit + rest % unit).substring(1);
        return rest / unit + (unit > 1 ? "." + fraction : "");
    }
}
