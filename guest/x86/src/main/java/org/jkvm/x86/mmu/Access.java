package org.jkvm.x86.mmu;

/** Kinds of memory access, as page-fault error code bits (SDM vol. 3A, section 4.7). */
final class Access {
    static final int READ = 0;
    static final int WRITE = 1 << 1;
    static final int FETCH = 1 << 4;
    static final int PRESENT = 1;
    static final int USER = 1 << 2;
    static final int RESERVED = 1 << 3;

    private Access() {
    }
}
