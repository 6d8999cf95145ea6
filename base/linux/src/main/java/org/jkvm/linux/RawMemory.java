package org.jkvm.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Native memory by absolute address, for the engine: vCPU structs, soft TLBs and guest RAM through a TLB entry. Nothing
 * is checked; whoever computes an address proves that it is inside a live mapping. Everything else uses bounded
 * {@link MemorySegment}s.
 */
public final class RawMemory {
    // SAFETY: the whole address space; every caller in the engine derives addresses from mappings that it keeps alive,
    // and guest-controlled bits only ever select an offset inside one page of such a mapping.
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private RawMemory() {
    }

    /** Reads a byte, zero-extended. */
    public static int getByte(long address) {
        return ALL.get(JAVA_BYTE, address) & 0xff;
    }

    /** Reads 2 bytes, zero-extended. */
    public static int getShort(long address) {
        return ALL.get(JAVA_SHORT_UNALIGNED, address) & 0xffff;
    }

    /** Reads 4 bytes. */
    public static int getInt(long address) {
        return ALL.get(JAVA_INT_UNALIGNED, address);
    }

    /** Reads 8 bytes. */
    public static long getLong(long address) {
        return ALL.get(JAVA_LONG_UNALIGNED, address);
    }

    /** Writes a byte. */
    public static void putByte(long address, int value) {
        ALL.set(JAVA_BYTE, address, (byte) value);
    }

    /** Writes 2 bytes. */
    public static void putShort(long address, int value) {
        ALL.set(JAVA_SHORT_UNALIGNED, address, (short) value);
    }

    /** Writes 4 bytes. */
    public static void putInt(long address, int value) {
        ALL.set(JAVA_INT_UNALIGNED, address, value);
    }

    /** Writes 8 bytes. */
    public static void putLong(long address, long value) {
        ALL.set(JAVA_LONG_UNALIGNED, address, value);
    }

    /** Reads 4 aligned bytes that other threads write. */
    public static int getIntVolatile(long address) {
        return (int) INT.getVolatile(ALL, address);
    }

    /** Writes 4 aligned bytes that other threads read. */
    public static void putIntVolatile(long address, int value) {
        INT.setVolatile(ALL, address, value);
    }

    /** Writes 8 aligned bytes that other threads read. */
    public static void putLongVolatile(long address, long value) {
        LONG.setVolatile(ALL, address, value);
    }

    /** Sets bits in 4 aligned bytes, atomically; returns the old value. */
    public static int orInt(long address, int bits) {
        return (int) INT.getAndBitwiseOr(ALL, address, bits);
    }

    /** Clears bits in 4 aligned bytes, atomically; returns the old value. */
    public static int clearInt(long address, int bits) {
        return (int) INT.getAndBitwiseAnd(ALL, address, ~bits);
    }

    /** Compares and sets 4 aligned bytes; returns the value found. */
    public static int compareAndExchangeInt(long address, int expected, int value) {
        return (int) INT.compareAndExchange(ALL, address, expected, value);
    }

    /** Compares and sets 8 aligned bytes; returns the value found. */
    public static long compareAndExchangeLong(long address, long expected, long value) {
        return (long) LONG.compareAndExchange(ALL, address, expected, value);
    }

    /** Copies bytes; the ranges may overlap. */
    public static void copy(long from, long to, long length) {
        MemorySegment.copy(ALL, from, ALL, to, length);
    }

    /** A segment over {@code length} bytes at {@code address}, for bulk access. */
    public static MemorySegment segment(long address, long length) {
        return ALL.asSlice(address, length);
    }
}
