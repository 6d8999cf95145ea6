package org.jkvm.x64;

/** Operand sizes of integer instructions. */
public enum Size {
    BYTE, WORD, DWORD, QWORD;

    /** Size in bytes. */
    public int bytes() {
        return 1 << ordinal();
    }
}
