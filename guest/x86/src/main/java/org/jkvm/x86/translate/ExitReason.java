package org.jkvm.x86.translate;

/** Why generated code came back; the low byte of {@link org.jkvm.x86.state.CpuState#EXIT_REASON}, with a number above it. */
enum ExitReason {
    /** The interpreter has to execute instruction n of the block. */
    STEP,
    /** The interpreter has to execute the rest of the block, span n being no memory that is known. */
    SPAN,
    /** Edge n is not linked, or leads to a page that is elsewhere now. */
    EDGE,
    /** An indirect branch found no translation of its target. */
    INDIRECT,
    /** A request, seen at edge n. */
    REQUEST_AT_EDGE,
    /** A request, seen at an indirect branch. */
    REQUEST_AT_INDIRECT;

    private static final ExitReason[] ALL = values();

    /** What stands in the struct for this reason and {@code number}. */
    int at(int number) {
        return number << 8 | ordinal();
    }

    /** Whether the struct says the branch's target, and not which block was left. */
    boolean isIndirect() {
        return this == INDIRECT || this == REQUEST_AT_INDIRECT;
    }

    static ExitReason of(int reason) {
        return ALL[reason & 0xff];
    }

    static int number(int reason) {
        return reason >>> 8;
    }
}
