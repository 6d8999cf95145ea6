package org.jkvm.x86.translate;

import java.io.PrintWriter;

/** Generated code did what the interpreter does not: a bug of ours, found by lock-step mode. */
public final class LockStepDifference extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    private final String details;

    /** One line for people, and all that is known. */
    LockStepDifference(String message, String details) {
        super(message);
        this.details = details;
    }

    /** Both states, guest and host code. */
    public String details() {
        return details;
    }

    /** The trace with the details before it, for the dump of the machine. */
    @Override
    public void printStackTrace(PrintWriter out) {
        out.println(details);
        super.printStackTrace(out);
    }
}
