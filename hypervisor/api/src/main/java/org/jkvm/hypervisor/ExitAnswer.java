package org.jkvm.hypervisor;

/** What user mode answers to a {@link VmExit}: an argument of the next run, so that it can't be forgotten. */
public sealed interface ExitAnswer {
    /** The exit asked for nothing. */
    ExitAnswer NONE = new None();

    /** Nothing to say. */
    record None() implements ExitAnswer {
    }

    /** The value read, zero-extended. */
    record Value(long value) implements ExitAnswer {
    }

    /** The values read by a repeated port read, one after the other, little-endian. */
    record Data(byte[] bytes) implements ExitAnswer {
    }
}
