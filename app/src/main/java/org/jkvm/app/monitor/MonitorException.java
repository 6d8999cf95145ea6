package org.jkvm.app.monitor;

/** A command that can't be carried out; the message is what the user sees. */
final class MonitorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MonitorException(String message) {
        super(message, null, false, false);
    }
}
