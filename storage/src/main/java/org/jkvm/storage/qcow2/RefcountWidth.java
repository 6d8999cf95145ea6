package org.jkvm.storage.qcow2;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jkvm.base.Bits;

/**
 * Reference counts of {@code 1 << order} bits in a refcount block (qcow2.txt, "Host cluster management"): narrower than
 * a byte they fill bytes from the least significant bit up, wider they are big-endian.
 */
record RefcountWidth(int order) {
    int bits() {
        return 1 << order;
    }

    /** The greatest count, as an unsigned number; counts of 64 bits are kept below the sign. */
    long max() {
        return order == 6 ? Long.MAX_VALUE : Bits.mask(bits());
    }

    /** Counts in a block of {@code clusterSize} bytes. */
    int perBlock(int clusterSize) {
        return (int) (clusterSize * 8L >>> order);
    }

    long get(MemorySegment block, int index) {
        return switch (order) {
            case 3 -> Be.getByte(block, index);
            case 4 -> Be.getShort(block, index * 2L);
            case 5 -> Be.getUnsignedInt(block, index * 4L);
            case 6 -> Be.getLong(block, index * 8L);
            default -> Be.getByte(block, byteOf(index)) >>> shiftOf(index) & Bits.mask(bits());
        };
    }

    /** All counts of a block. */
    long[] all(MemorySegment block) {
        long[] counts = new long[perBlock((int) block.byteSize())];
        if (order == 4) {
            short[] shorts = new short[counts.length];
            Be.getShorts(block, shorts);
            for (int i = 0; i < counts.length; i++) {
                counts[i] = Short.toUnsignedLong(shorts[i]);
            }
        } else {
            Arrays.setAll(counts, i -> get(block, i));
        }
        return counts;
    }

    void set(MemorySegment block, int index, long count) {
        switch (order) {
            case 3 -> Be.putByte(block, index, (int) count);
            case 4 -> Be.putShort(block, index * 2L, (int) count);
            case 5 -> Be.putInt(block, index * 4L, (int) count);
            case 6 -> Be.putLong(block, index * 8L, count);
            default -> setNarrow(block, index, count);
        }
    }

    private void setNarrow(MemorySegment block, int index, long count) {
        long others = Be.getByte(block, byteOf(index)) & ~(Bits.mask(bits()) << shiftOf(index));
        Be.putByte(block, byteOf(index), (int) (others | count << shiftOf(index)));
    }

    /** The first byte of an entry. */
    long byteOf(int index) {
        return (long) index << order >>> 3;
    }

    private int shiftOf(int index) {
        return (index << order) & 7;
    }
}
