package org.jkvm.x64;

/** Bits 8 to 15 of the first four registers; no instruction with a REX prefix has them (Intel SDM vol. 2A, 2.2.1.2). */
public enum HighByte implements Rm {
    AH, CH, DH, BH;

    private static final int FIRST = 4;

    /** The register's number in an instruction without REX, 4 to 7. */
    public int number() {
        return FIRST + ordinal();
    }
}
