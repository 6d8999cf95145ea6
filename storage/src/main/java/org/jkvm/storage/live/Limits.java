package org.jkvm.storage.live;

import java.util.EnumMap;
import java.util.Map;
import org.jkvm.base.UserException;

/**
 * How much a guest may ask of a disk: {@code throttling.*}. Each limit is a leaky bucket: it runs out at {@code rate} and
 * overflows when more comes in than it holds. Immutable.
 *
 * @param buckets  the limits that there are
 * @param iopsSize bytes: a larger request counts as several operations; 0 counts each as one
 */
public record Limits(Map<Kind, Bucket> buckets, long iopsSize) {
    /** No limits. */
    public static final Limits NONE = new Limits(Map.of(), 0);

    /** What is limited, with QEMU's names for it. */
    public enum Kind {
        /** Bytes a second. */
        BPS_TOTAL("bps-total", "bps"),
        /** Bytes read a second. */
        BPS_READ("bps-read", "bps_rd"),
        /** Bytes written a second. */
        BPS_WRITE("bps-write", "bps_wr"),
        /** Operations a second. */
        IOPS_TOTAL("iops-total", "iops"),
        /** Reads a second. */
        IOPS_READ("iops-read", "iops_rd"),
        /** Writes a second. */
        IOPS_WRITE("iops-write", "iops_wr");

        private final String property;
        private final String shortName;

        Kind(String property, String shortName) {
            this.property = property;
            this.shortName = shortName;
        }

        /** As in {@code throttling.bps-total}. */
        public String property() {
            return property;
        }

        /** As in the monitor: {@code bps_rd}. */
        public String shortName() {
            return shortName;
        }

        boolean counts(Operation operation) {
            return switch (this) {
                case BPS_TOTAL, IOPS_TOTAL -> true;
                case BPS_READ, IOPS_READ -> operation == Operation.READ;
                case BPS_WRITE, IOPS_WRITE -> operation != Operation.READ;
            };
        }

        boolean isBytes() {
            return ordinal() < IOPS_TOTAL.ordinal();
        }
    }

    /**
     * A limit.
     *
     * @param rate        units a second in the long run, more than 0
     * @param max         units a second in bursts, more than {@code rate}, or 0: no bursts
     * @param burstLength seconds that a burst may last, 1 or more
     */
    public record Bucket(long rate, long max, long burstLength) {
    }

    /**
     * Checks the limits.
     *
     * @throws UserException naming the property and what is allowed
     */
    public Limits {
        buckets = buckets.isEmpty() ? Map.of() : Map.copyOf(new EnumMap<>(buckets));
        buckets.forEach((kind, bucket) -> check(kind, bucket));
        conflict(buckets, Kind.BPS_TOTAL, Kind.BPS_READ, Kind.BPS_WRITE);
        conflict(buckets, Kind.IOPS_TOTAL, Kind.IOPS_READ, Kind.IOPS_WRITE);
    }

    private static void check(Kind kind, Bucket bucket) {
        if (bucket.rate < 1) {
            throw new UserException(kind.property + "-max needs " + kind.property);
        }
        if (bucket.max != 0 && bucket.max < bucket.rate) {
            throw new UserException(kind.property + "-max must not be less than " + kind.property);
        }
        if (bucket.burstLength < 1 || bucket.burstLength > 1 && bucket.max == 0) {
            throw new UserException(kind.property + "-max-length is 1 or more, and needs " + kind.property + "-max");
        }
    }

    private static void conflict(Map<Kind, Bucket> buckets, Kind total, Kind read, Kind write) {
        if (buckets.containsKey(total) && (buckets.containsKey(read) || buckets.containsKey(write))) {
            throw new UserException(total.property + " and " + read.property + "/" + write.property
                    + " cannot be used at the same time");
        }
    }

    /** The limit on {@code kind} in units a second, 0 where there is none. */
    public long rate(Kind kind) {
        Bucket bucket = buckets.get(kind);
        return bucket == null ? 0 : bucket.rate;
    }

    /** The limit on bursts of {@code kind} in units a second, 0 where there is none. */
    public long max(Kind kind) {
        Bucket bucket = buckets.get(kind);
        return bucket == null ? 0 : bucket.max;
    }
}
