package org.jkvm.machine.run;

import java.util.Locale;

/** What a machine is doing, with QMP's names (QEMU's RunState). */
public enum RunState {
    /** Made, and never started. */
    PRELAUNCH,
    /** Runs. */
    RUNNING,
    /** Stopped by the user. */
    PAUSED,
    /** Stopped by a debugger. */
    DEBUG,
    /** Stopped by a disk error ({@code werror=stop}). */
    IO_ERROR,
    /** The guest has shut down and {@code -no-shutdown} keeps it. */
    SHUTDOWN,
    /** Stopped by a bug of ours. */
    INTERNAL_ERROR;

    /** QMP's spelling: "internal-error". */
    public String qmpName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
