package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/** The timer in a local APIC's register page (SDM vol. 3A, section 11.5.4 and table 11-1). */
final class LapicTimer {
    private static final int IRR = 0x200;
    private static final int LVT_TIMER = 0x320;
    private static final int INITIAL_COUNT = 0x380;
    private static final int CURRENT_COUNT = 0x390;
    private static final int VECTOR = 0xff;
    private static final int MASKED = 1 << 16;
    private static final int MODE = 3 << 17;
    private static final int ONE_SHOT = 0;
    /** Of registers that hold a bit a vector: 32 bits every 16 bytes. */
    private static final int STRIDE = 16;

    private LapicTimer() {
    }

    /**
     * Requests the interrupt of a one-shot timer that has expired. The kernel does so when it enters guest mode the next time, and
     * does not tell of it before; whoever takes this page over would never do it. Where the interrupt has been taken already, it
     * comes twice, as it does where the kernel itself restores such a page.
     */
    static void raiseExpired(MemorySegment page) {
        int timer = page.get(JAVA_INT, LVT_TIMER);
        boolean expired = page.get(JAVA_INT, INITIAL_COUNT) != 0 && page.get(JAVA_INT, CURRENT_COUNT) == 0;
        int vector = timer & VECTOR;
        if (expired && (timer & (MASKED | MODE)) == ONE_SHOT && vector >= 16) {
            long word = IRR + (long) STRIDE * (vector >> 5);
            page.set(JAVA_INT, word, page.get(JAVA_INT, word) | 1 << vector);
        }
    }
}
