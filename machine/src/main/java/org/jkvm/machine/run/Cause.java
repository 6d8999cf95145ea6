package org.jkvm.machine.run;

import java.util.Locale;

/** Who wants a reset or a shutdown, with QMP's names (QEMU's ShutdownCause) where it has one. */
public enum Cause {
    /** The guest, by software: reset register, keyboard controller, ACPI sleep. */
    GUEST_RESET,
    /** The guest's power-off. */
    GUEST_SHUTDOWN,
    /** The guest ended the machine with an exit status (isa-debug-exit). */
    GUEST_EXIT,
    /** A processor shut down: triple fault. */
    TRIPLE_FAULT,
    /** The user asked for a reset (system_reset). */
    HOST_RESET,
    /** The user asked to quit. */
    HOST_QUIT,
    /** The host process got a signal. */
    HOST_SIGNAL,
    /** A bug of ours. */
    INTERNAL_ERROR;

    /** QMP's spelling: "guest-reset". */
    public String qmpName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether the guest asked for it. */
    public boolean byGuest() {
        return switch (this) {
            case GUEST_RESET, GUEST_SHUTDOWN, GUEST_EXIT, TRIPLE_FAULT -> true;
            case HOST_RESET, HOST_QUIT, HOST_SIGNAL, INTERNAL_ERROR -> false;
        };
    }
}
