package org.jkvm.linux;

import sun.misc.Signal;

/** POSIX signals sent to this process (signal(7)). The JVM delivers each on a thread of its own. */
public final class Signals {
    private Signals() {
    }

    /**
     * Runs {@code handler} whenever signal {@code name} ("TERM", "INT", "HUP", "CONT") arrives, in place of what the JVM
     * would do. Signals that the JVM keeps for itself, or that its -Xrs took away, are left alone.
     */
    public static void handle(String name, Runnable handler) {
        try {
            Signal.handle(new Signal(name), signal -> handler.run());
        } catch (IllegalArgumentException e) {
            // The JVM was told to leave this signal to the system: its default action ends the process, as asked.
            return;
        }
    }
}
