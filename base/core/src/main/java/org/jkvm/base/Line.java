package org.jkvm.base;

/**
 * One wire: an interrupt request, a reset line, A20. A device drives it and does not know what hangs on the other end.
 * Setting the level that it already has is allowed and does nothing. May be driven from any thread that the device may
 * run on.
 */
@FunctionalInterface
public interface Line {
    /** A line that leads nowhere. */
    Line UNCONNECTED = level -> { };

    /** Drives the wire: {@code true} is asserted. */
    void set(boolean level);

    /** Asserts and releases the wire: one edge. */
    default void pulse() {
        set(true);
        set(false);
    }
}
