package org.jkvm.x86;

/**
 * Thrown by a bus where an access has to leave to user mode first. The vCPU loop puts RIP back to the instruction and
 * returns; the instruction is executed again once user mode has answered. Without a stack trace; one instance a bus.
 */
public final class ExitSignal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes the one instance that a bus throws again and again. */
    public ExitSignal() {
        super(null, null, false, false);
    }
}
