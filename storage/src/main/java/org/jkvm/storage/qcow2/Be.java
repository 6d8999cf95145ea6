package org.jkvm.storage.qcow2;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Big-endian fields: all numbers in a qcow2 file are (qcow2.txt, "General"). By way of buffers: a layout's first use takes the
 * JVM some milliseconds, which short-lived commands feel.
 */
final class Be {
    private Be() {
    }

    private static ByteBuffer buffer(MemorySegment s) {
        return s.asByteBuffer().order(ByteOrder.BIG_ENDIAN);
    }

    /** The first of {@code s} as longs: in one go, which also code that has not been compiled yet does fast. */
    static void getLongs(MemorySegment s, long[] target) {
        buffer(s).asLongBuffer().get(target);
    }

    /** {@code count} longs from {@code from} on to the beginning of {@code target}, in one go too. */
    static void putLongs(long[] source, int from, int count, MemorySegment target) {
        buffer(target).asLongBuffer().put(source, from, count);
    }

    static int getByte(MemorySegment s, long offset) {
        return buffer(s).get((int) offset) & 0xff;
    }

    static void putByte(MemorySegment s, long offset, int value) {
        buffer(s).put((int) offset, (byte) value);
    }

    static int getShort(MemorySegment s, long offset) {
        return buffer(s).getShort((int) offset) & 0xffff;
    }

    static void putShort(MemorySegment s, long offset, int value) {
        buffer(s).putShort((int) offset, (short) value);
    }

    static int getInt(MemorySegment s, long offset) {
        return buffer(s).getInt((int) offset);
    }

    static void putInt(MemorySegment s, long offset, int value) {
        buffer(s).putInt((int) offset, value);
    }

    static long getUnsignedInt(MemorySegment s, long offset) {
        return Integer.toUnsignedLong(getInt(s, offset));
    }

    static long getLong(MemorySegment s, long offset) {
        return buffer(s).getLong((int) offset);
    }

    static void putLong(MemorySegment s, long offset, long value) {
        buffer(s).putLong((int) offset, value);
    }
}
