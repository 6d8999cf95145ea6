package org.jkvm.x86;

/**
 * An exception that the guest shall see: thrown inside the engine, delivered by the vCPU loop, never past it. One
 * instance a vCPU, without a stack trace.
 */
public final class GuestFault extends RuntimeException {
    private static final long serialVersionUID = 1L;
    /** No error code is pushed. */
    public static final int NO_ERROR_CODE = -1;

    private int vector;
    private int errorCode;
    private boolean nonCanonical;

    GuestFault() {
        super(null, null, false, false);
    }

    GuestFault with(int newVector, int newErrorCode, boolean isNonCanonical) {
        vector = newVector;
        errorCode = newErrorCode;
        nonCanonical = isNonCanonical;
        return this;
    }

    /** The exception's vector (SDM vol. 3A, table 6-1). */
    public int vector() {
        return vector;
    }

    /** Whether a non-canonical data address is the cause: #SS in place of #GP where it came from the stack segment. */
    public boolean nonCanonical() {
        return nonCanonical;
    }

    /** The error code, or {@link #NO_ERROR_CODE}. */
    public int errorCode() {
        return errorCode;
    }
}
