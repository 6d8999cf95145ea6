package org.jkvm.base.backend;

import java.io.IOException;

/** The host's disk is full: a write failed with ENOSPC, which the message names. A later retry may succeed. */
public class NoSpaceException extends IOException {
    private static final long serialVersionUID = 1L;

    /** A failure with its one-line message. */
    public NoSpaceException(String message, Throwable cause) {
        super(message, cause);
    }
}
