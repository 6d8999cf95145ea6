package org.jkvm.machine.acpi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Resource descriptors (ACPI 6.4, section 6.4), for {@link Aml#resourceTemplate}; named as in ASL. */
final class Resources {
    // Section 6.4.3.5: resource types and general flags of address space descriptors.
    private static final int TYPE_MEMORY = 0;
    private static final int TYPE_IO = 1;
    private static final int TYPE_BUS_NUMBER = 2;
    private static final int MIN_AND_MAX_FIXED = 0x0c;
    private static final int ENTIRE_RANGE = 3;
    private static final int READ_WRITE = 1;

    private Resources() {
    }

    /** {@code IO (Decode16, first, first, 1, length)} (6.4.2.5). */
    static byte[] io(int first, int length) {
        return descriptor(8).put((byte) 0x47).put((byte) 1).putShort((short) first).putShort((short) first).put((byte) 1)
                .put((byte) length).array();
    }

    /** {@code IRQNoFlags () {irq}} (6.4.2.1): edge-triggered, active high, not shared. */
    static byte[] irqNoFlags(int irq) {
        return descriptor(3).put((byte) 0x22).putShort((short) (1 << irq)).array();
    }

    /** {@code Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {gsis}} (6.4.3.6). */
    static byte[] interrupt(int... gsis) {
        int length = 2 + 4 * gsis.length;
        ByteBuffer d = descriptor(3 + length).put((byte) 0x89).putShort((short) length).put((byte) 0b1001)
                .put((byte) gsis.length);
        for (int gsi : gsis) {
            d.putInt(gsi);
        }
        return d.array();
    }

    /** {@code WordBusNumber} for buses {@code first} to {@code last} that a bridge produces (6.4.3.5.3). */
    static byte[] busNumbers(int first, int last) {
        return word(TYPE_BUS_NUMBER, 0, first, last);
    }

    /** {@code WordIO} for ports {@code first} to {@code last} that a bridge produces. */
    static byte[] ioRange(int first, int last) {
        return word(TYPE_IO, ENTIRE_RANGE, first, last);
    }

    /** {@code DWordMemory} for addresses below 4 GiB that a bridge produces, not cacheable (6.4.3.5.2). */
    static byte[] memoryRange(long first, long last) {
        return descriptor(26).put((byte) 0x87).putShort((short) 23).put((byte) TYPE_MEMORY).put((byte) MIN_AND_MAX_FIXED)
                .put((byte) READ_WRITE).putInt(0).putInt((int) first).putInt((int) last).putInt(0)
                .putInt((int) (last - first + 1)).array();
    }

    private static byte[] word(int type, int typeFlags, int first, int last) {
        return descriptor(16).put((byte) 0x88).putShort((short) 13).put((byte) type).put((byte) MIN_AND_MAX_FIXED)
                .put((byte) typeFlags).putShort((short) 0).putShort((short) first).putShort((short) last)
                .putShort((short) 0).putShort((short) (last - first + 1)).array();
    }

    private static ByteBuffer descriptor(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }
}
