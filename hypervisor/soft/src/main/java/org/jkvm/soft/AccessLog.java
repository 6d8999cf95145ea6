package org.jkvm.soft;

import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.x86.ExitSignal;

/**
 * What one instruction has had done by user mode so far. An access that leaves ends the run; when the instruction is
 * executed again, the accesses already done answer from here, in the order in which they were made. So an instruction
 * with several device accesses does each exactly once.
 */
final class AccessLog {
    private static final int MAX_ACCESSES = 64;

    private final ExitSignal signal = new ExitSignal();
    private final long[] values = new long[MAX_ACCESSES];
    private int done;
    private int cursor;
    private VmExit pending;
    private boolean forgotten;

    /** The exit that waits for an answer, or null. */
    VmExit pending() {
        return pending;
    }

    /** Makes an access: answers from the log, or leaves with {@code exit}. */
    long access(VmExit exit) {
        if (cursor < done) {
            return values[cursor++];
        }
        pending = exit;
        throw signal;
    }

    /** Whether the next access is answered here, so that its exit need not be made. */
    boolean replays() {
        return cursor < done;
    }

    long replay() {
        return values[cursor++];
    }

    /**
     * Takes user mode's answer.
     *
     * @throws IllegalArgumentException when it does not fit the exit
     */
    void answer(ExitAnswer answer) {
        if (forgotten) {
            forgotten = false;
            return;
        }
        boolean wantsValue = pending instanceof VmExit.PortRead || pending instanceof VmExit.MmioRead;
        cursor = 0;
        switch (answer) {
            case ExitAnswer.Value(long value) when wantsValue -> values[done++] = value;
            case ExitAnswer.None() when !wantsValue -> {
                if (pending != null) {
                    values[done++] = 0;
                }
            }
            case ExitAnswer.Value v -> throw new IllegalArgumentException("no value was asked for");
            case ExitAnswer.Data d -> throw new IllegalArgumentException("no repeated read was asked for");
            case ExitAnswer.None n -> throw new IllegalArgumentException("the last exit asks for a value: " + pending);
        }
        pending = null;
    }

    /** The instruction, or one item of a repeated one, is complete. */
    void retire() {
        done = 0;
        cursor = 0;
    }

    /** The processor was reset, or its state replaced: an exit that still waits for its answer needs none any more. */
    void forget() {
        forgotten |= pending != null;
        pending = null;
        retire();
    }

    boolean isEmpty() {
        return done == 0;
    }
}
