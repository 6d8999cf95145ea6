package org.jkvm.soft;

import java.util.Arrays;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.x86.ExitSignal;

/**
 * What one instruction has had done by user mode so far. An access that leaves ends the run; when the instruction is
 * executed again, the accesses already done answer from here, in the order in which they were made. So an instruction
 * with several device accesses does each exactly once.
 */
final class AccessLog {
    /** Few instructions make more; XSAVE makes more than a hundred. */
    private static final int USUAL_ACCESSES = 64;

    private final ExitSignal signal = new ExitSignal();
    private long[] values = new long[USUAL_ACCESSES];
    private int done;
    private int cursor;
    private VmExit pending;
    private boolean forgotten;

    /** The exit that waits for an answer, or null. */
    VmExit pending() {
        return pending;
    }

    /** Whether the next access is answered by {@link #replay}, so that its exit need not be made. */
    boolean replays() {
        return cursor < done;
    }

    /** The next access's answer. */
    long replay() {
        return values[cursor++];
    }

    /** Makes an access that is not answered yet: never returns. */
    long leave(VmExit exit) {
        pending = exit;
        throw signal;
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
            case ExitAnswer.Value(long value) when wantsValue -> record(value);
            case ExitAnswer.None() when !wantsValue -> {
                if (pending != null) {
                    record(0);
                }
            }
            case ExitAnswer.Value v -> throw new IllegalArgumentException("no value was asked for");
            case ExitAnswer.Data d -> throw new IllegalArgumentException("no repeated read was asked for");
            case ExitAnswer.None n -> throw new IllegalArgumentException("the last exit asks for a value: " + pending);
        }
        pending = null;
    }

    private void record(long value) {
        if (done == values.length) {
            values = Arrays.copyOf(values, 2 * done);
        }
        values[done++] = value;
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
