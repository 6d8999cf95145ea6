package org.jkvm.soft.chip;

/**
 * Converts between nanoseconds and the ticks of a counter, exactly and without drift: tick {@code n} is at the same
 * nanosecond however it was arrived at.
 *
 * @param hertz ticks a second, 1 to 9,000,000,000
 */
record Rate(long hertz) {
    private static final long SECOND = 1_000_000_000L;

    Rate {
        if (hertz < 1 || hertz > 9 * SECOND) {
            throw new IllegalArgumentException(hertz + " Hz: 1 to 9,000,000,000");
        }
    }

    /** How many ticks have passed at {@code nanos}. */
    long ticks(long nanos) {
        return hertz == SECOND ? nanos : nanos / SECOND * hertz + nanos % SECOND * hertz / SECOND;
    }

    /** The first nanosecond at which {@code ticks} have passed. */
    long nanos(long ticks) {
        return hertz == SECOND ? ticks : ticks / hertz * SECOND + Math.ceilDiv(ticks % hertz * SECOND, hertz);
    }
}
