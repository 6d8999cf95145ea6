package org.jkvm.base.time;

/**
 * The rate of a counter that guest time drives: 3,579,545 Hz, 1 GHz. Exact for all of a {@link Clock}'s range where
 * {@code nanos * hertz / 10^9} would overflow after hours.
 *
 * @param hertz ticks a second: 1 to 9,000,000,000
 */
public record Frequency(long hertz) {
    private static final long NANOS = 1_000_000_000;

    /** Refuses a rate outside 1 Hz to 9 GHz. */
    public Frequency {
        if (hertz < 1 || hertz > 9 * NANOS) {
            throw new IllegalArgumentException(hertz + " Hz");
        }
    }

    /** Whole ticks in {@code nanos} nanoseconds (not negative). */
    public long ticks(long nanos) {
        return nanos / NANOS * hertz + nanos % NANOS * hertz / NANOS;
    }

    /** The first moment at which {@link #ticks} is {@code ticks} (not negative) or more. */
    public long nanos(long ticks) {
        return ticks / hertz * NANOS + Math.ceilDiv(ticks % hertz * NANOS, hertz);
    }
}
