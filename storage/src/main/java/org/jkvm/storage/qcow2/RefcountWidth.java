package org.jkvm.storage.qcow2;

import org.jkvm.base.Bits;

/**
 * Reference counts of {@code 1 << order} bits in a refcount block (qcow2.txt, "Host cluster management"): narrower than
 * a byte they fill bytes from the least significant bit up, wider they are big-endian. A block is an array of big-endian
 * words here.
 */
record RefcountWidth(int order) {
    private static final int WORD_BITS = 6;

    int bits() {
        return 1 << order;
    }

    /** The greatest count, as an unsigned number; counts of 64 bits are kept below the sign. */
    long max() {
        return order == WORD_BITS ? Long.MAX_VALUE : Bits.mask(bits());
    }

    /** Counts in a block of {@code clusterSize} bytes. */
    int perBlock(int clusterSize) {
        return (int) (clusterSize * 8L >>> order);
    }

    private long mask() {
        return order == WORD_BITS ? -1 : (1L << bits()) - 1;
    }

    /** Count {@code index}, unsigned. */
    long get(long[] block, int index) {
        return block[wordOf(index)] >>> shiftOf(index) & mask();
    }

    /** Whether all of the {@code counts} counts from {@code index} on, which fill words, are {@code count}. */
    boolean allAre(long count, long[] block, int index, int counts) {
        long word = count;
        for (int filled = bits(); filled < Long.SIZE; filled *= 2) {
            word |= word << filled;
        }
        int end = wordOf(index) + (counts << order >>> WORD_BITS);
        for (int i = wordOf(index); i < end; i++) {
            if (block[i] != word) {
                return false;
            }
        }
        return true;
    }

    /** The word that count {@code index} is in. */
    int wordOf(int index) {
        return (int) ((long) index << order >>> WORD_BITS);
    }

    /** {@code word} with count {@code index}, which is in it, changed. */
    long with(long word, int index, long count) {
        return word & ~(mask() << shiftOf(index)) | count << shiftOf(index);
    }

    /** How far count {@code index} is from its word's least significant bit. */
    private int shiftOf(int index) {
        int at = (int) ((long) index << order) & Long.SIZE - 1;
        int inByte = at & Byte.SIZE - 1;
        return order < 3 ? Long.SIZE - Byte.SIZE - (at - inByte) + inByte : Long.SIZE - bits() - at;
    }
}
