package org.jkvm.x64;

/** Conditions of Jcc, SETcc and CMOVcc, in the order of their tttn codes (Intel SDM vol. 2D, table B-10). */
public enum Cond {
    O, NO, B, AE, E, NE, BE, A, S, NS, P, NP, L, GE, LE, G;

    /** The opposite condition. */
    public Cond negate() {
        return values()[ordinal() ^ 1];
    }
}
