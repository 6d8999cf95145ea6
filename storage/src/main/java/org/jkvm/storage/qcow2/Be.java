package org.jkvm.storage.qcow2;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Big-endian fields: all numbers in a qcow2 file are (qcow2.txt, "General"). */
final class Be {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private Be() {
    }

    /** All of {@code s} as longs: in one go, which also code that has not been compiled yet does fast. */
    static void getLongs(MemorySegment s, long[] target) {
        MemorySegment.copy(s, LONG, 0, target, 0, target.length);
    }

    /** {@code count} longs from {@code from} on to the beginning of {@code target}, in one go too. */
    static void putLongs(long[] source, int from, int count, MemorySegment target) {
        MemorySegment.copy(source, from, target, LONG, 0, count);
    }

    static int getByte(MemorySegment s, long offset) {
        return s.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
    }

    static void putByte(MemorySegment s, long offset, int value) {
        s.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
    }

    static int getShort(MemorySegment s, long offset) {
        return s.get(SHORT, offset) & 0xffff;
    }

    static void putShort(MemorySegment s, long offset, int value) {
        s.set(SHORT, offset, (short) value);
    }

    static int getInt(MemorySegment s, long offset) {
        return s.get(INT, offset);
    }

    static void putInt(MemorySegment s, long offset, int value) {
        s.set(INT, offset, value);
    }

    static long getUnsignedInt(MemorySegment s, long offset) {
        return Integer.toUnsignedLong(s.get(INT, offset));
    }

    static long getLong(MemorySegment s, long offset) {
        return s.get(LONG, offset);
    }

    static void putLong(MemorySegment s, long offset, long value) {
        s.set(LONG, offset, value);
    }
}
