package org.jkvm.base.state;

/** A saved state does not fit: a name is missing or left over, a value is out of range, a length is wrong. */
public final class StateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Says what does not fit. */
    public StateException(String message) {
        super(message);
    }
}
