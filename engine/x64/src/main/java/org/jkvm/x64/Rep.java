package org.jkvm.x64;

/** Repeat prefixes of string instructions. */
public enum Rep {
    /** Once. */
    ONCE(Encoder.NO_PREFIX),
    /** REP, and REPE of CMPS and SCAS. */
    REP(0xf3),
    /** REPNE of CMPS and SCAS. */
    REPNE(0xf2);

    private final int prefix;

    Rep(int prefix) {
        this.prefix = prefix;
    }

    int prefix() {
        return prefix;
    }
}
