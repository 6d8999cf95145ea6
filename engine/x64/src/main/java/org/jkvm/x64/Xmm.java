package org.jkvm.x64;

/** SSE registers, in the order of their numbers. */
public enum Xmm implements Rm {
    XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15;

    /** The register's number, 0 to 15: REX bit and field together. */
    public int number() {
        return ordinal();
    }
}
