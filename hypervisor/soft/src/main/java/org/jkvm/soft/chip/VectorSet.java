package org.jkvm.soft.chip;

import org.jkvm.base.register.Register;

/** A set of interrupt vectors in eight registers of 32 bits: IRR, ISR or TMR (SDM vol. 3A, 10.8.4). */
final class VectorSet {
    private final Register[] words;

    VectorSet(Register[] words) {
        this.words = words;
    }

    void set(int vector, boolean on) {
        words[vector >> 5].setBit(vector & 31, on);
    }

    boolean contains(int vector) {
        return words[vector >> 5].isSet(vector & 31);
    }

    /** The highest vector, which has the highest priority, or -1. */
    int highest() {
        for (int i = words.length - 1; i >= 0; i--) {
            int word = (int) words[i].get();
            if (word != 0) {
                return 32 * i + 31 - Integer.numberOfLeadingZeros(word);
            }
        }
        return -1;
    }

    /** Vectors 0 to 15 are never set. */
    void clearIllegal() {
        words[0].set(words[0].get() & ~0xffffL);
    }
}
