package org.jkvm.devices.i8042;

import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.devices.ByteFifo;

/**
 * What hangs on one of the controller's two ports: it takes commands a byte at a time and answers before it reports
 * (IBM PS/2 Hardware Interface Technical Reference, "Keyboard" and "Mouse").
 */
abstract class Ps2Device implements Stateful {
    static final int ACK = 0xfa;
    static final int RESEND = 0xfe;
    static final int TEST_PASSED = 0xaa;
    /** No command waits for its argument. */
    static final int NONE = 0;

    private final ByteFifo replies = new ByteFifo(16);
    private final ByteFifo reports;
    private Runnable attention = () -> { };
    private int lastSent;
    /** The command whose argument is due. */
    private int command = NONE;

    Ps2Device(int reportBytes) {
        reports = new ByteFifo(reportBytes);
    }

    /** Who to tell that there is something to read. */
    final void connect(Runnable listener) {
        attention = listener;
    }

    /** A byte from the controller. */
    final void write(int value) {
        int waiting = command;
        command = NONE;
        replies.clear();
        if (waiting != NONE && isArgument(waiting, value)) {
            argument(waiting, value);
        } else {
            command(value);
        }
    }

    /** Takes the next byte for the controller; only where {@link #hasOutput()}. */
    final int read() {
        lastSent = replies.size() > 0 ? replies.pop() : reports.pop();
        if (replies.size() == 0 && reports.size() == 0) {
            drained();
        }
        return lastSent;
    }

    final boolean hasOutput() {
        return replies.size() > 0 || reports.size() > 0;
    }

    /** Power-on: nothing queued, nothing awaited. */
    void reset() {
        replies.clear();
        reports.clear();
        command = NONE;
        lastSent = 0;
    }

    /** Carries out a command. */
    abstract void command(int value);

    /** Takes the argument of {@code forCommand}. */
    abstract void argument(int forCommand, int value);

    /** Whether {@code value} can be an argument, and isn't a command that takes the place of the one that waits. */
    abstract boolean isArgument(int forCommand, int value);

    /** All that was queued has been read: time to queue what has happened since. */
    void drained() {
    }

    final void reply(int... bytes) {
        for (int b : bytes) {
            replies.push(b);
        }
    }

    final void replyLast() {
        reply(lastSent);
    }

    final void expectArgument(int forCommand) {
        command = forCommand;
        reply(ACK);
    }

    /** Tells the controller that there may be something to read. Not from within {@link #read}. */
    final void attend() {
        attention.run();
    }

    /** Queues a report that arrives whole, or says that there was no room for it. */
    final boolean report(int... bytes) {
        if (reports.room() < bytes.length) {
            return false;
        }
        for (int b : bytes) {
            reports.push(b);
        }
        return true;
    }

    final boolean reportsPending() {
        return reports.size() > 0;
    }

    final void dropReports() {
        reports.clear();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("replies", replies);
        io.part("reports", reports);
        lastSent = io.u8("lastSent", lastSent);
        command = io.u8("command", command);
    }
}
