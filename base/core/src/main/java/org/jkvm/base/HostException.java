package org.jkvm.base;

/**
 * The host said no: a system call, a library or a file of the host failed. The message names the operation, its
 * arguments, the error and what to try.
 */
public class HostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /** A failure without an errno of its own. */
    public HostException(String message) {
        this(message, 0);
    }

    /** A failure with the host's {@code errno}, or 0 where there is none. */
    public HostException(String message, int errno) {
        super(message);
        this.errno = errno;
    }

    /** A failure caused by another. */
    public HostException(String message, Throwable cause) {
        super(message, cause);
        this.errno = 0;
    }

    /** The host's errno, or 0. */
    public int errno() {
        return errno;
    }
}
