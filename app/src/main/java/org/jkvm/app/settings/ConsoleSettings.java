package org.jkvm.app.settings;

import org.jkvm.app.cli.ChardevSpec;

/** What a serial port or a monitor is connected to. */
public sealed interface ConsoleSettings {
    /** Nothing: there is no such port or monitor. */
    record None() implements ConsoleSettings {
    }

    /** A character device of its own. */
    record Own(String option, ChardevSpec spec) implements ConsoleSettings {
    }

    /** A character device shared with the monitor: "mon:..." */
    record WithMonitor(String option, ChardevSpec spec) implements ConsoleSettings {
    }

    /** A -chardev. */
    record Referred(String option, String id) implements ConsoleSettings {
    }
}
