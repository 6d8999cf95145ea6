package org.jkvm.base;

/**
 * The user's command line or file is wrong. The message is one line: it names the option or path and says what is
 * allowed. Front ends print it without a stack trace and exit with {@link #exitStatus()}.
 */
public class UserException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    /** Exit status where a file or value is at fault. */
    public static final int FAILED = 1;
    /** Exit status where the command line itself is at fault. */
    public static final int USAGE = 2;

    private final int exitStatus;

    /** A file or value is at fault: exit status 1. */
    public UserException(String message) {
        this(message, FAILED);
    }

    /** A fault with the given exit status. */
    public UserException(String message, int exitStatus) {
        super(message, null, false, false);
        this.exitStatus = exitStatus;
    }

    /** What the process exits with when this reaches the command line. */
    public int exitStatus() {
        return exitStatus;
    }
}
