package org.jkvm.machine.run;

/** Something that happened to a machine, named as QMP's events are: a closed set. */
public sealed interface MachineEvent {
    /** The machine runs again, or for the first time. */
    record Resume() implements MachineEvent {
    }

    /** The machine stands still: {@code state} says why. */
    record Stop(RunState state) implements MachineEvent {
    }

    /** The machine was reset. */
    record Reset(Cause cause) implements MachineEvent {
    }

    /**
     * A disk's back end failed and the machine stops for it ({@code werror=stop}).
     *
     * @param reason one line
     */
    record BlockIoError(String reason) implements MachineEvent {
    }

    /** The power button was pressed. */
    record PowerDown() implements MachineEvent {
    }

    /**
     * The machine shuts down, or with {@code -no-shutdown} stops.
     *
     * @param detail what to tell the user beyond the cause, several lines: the registers at a triple fault; or empty
     */
    record Shutdown(Cause cause, String detail) implements MachineEvent {
    }

    /**
     * A bug of ours stopped the machine.
     *
     * @param reason what is known, one line, naming the dump file
     */
    record InternalError(String reason) implements MachineEvent {
    }
}
