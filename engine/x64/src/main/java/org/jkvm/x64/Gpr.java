package org.jkvm.x64;

/** General-purpose registers, in the order of their numbers (Intel SDM vol. 2A, table 2-2 and section 2.2.1.2). */
public enum Gpr implements Rm {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15;

    private static final Gpr[] BY_NUMBER = values();

    /** The register with number 0 to 15. */
    public static Gpr of(int number) {
        return BY_NUMBER[number];
    }

    /** The register's number, 0 to 15: REX bit and field together. */
    public int number() {
        return ordinal();
    }
}
