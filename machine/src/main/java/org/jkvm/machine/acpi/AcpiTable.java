package org.jkvm.machine.acpi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** One ACPI table with the header that all but the RSDP and FACS share (ACPI 6.4, section 5.2.6). */
final class AcpiTable {
    /** Bytes in the header. */
    static final int HEADER = 36;
    private static final int LENGTH = 4;
    /** Offset of the checksum. */
    static final int CHECKSUM = 9;
    private static final int REVISION_1 = 1;

    private AcpiTable() {
    }

    /** A table: header, then {@code body}; the checksum is right. */
    static byte[] of(String signature, int revision, byte[] body) {
        ByteBuffer t = ByteBuffer.allocate(HEADER + body.length).order(ByteOrder.LITTLE_ENDIAN);
        t.put(ascii(signature)).putInt(t.capacity()).put((byte) revision).put((byte) 0);
        t.put(ascii("JKVM  ")).put(ascii("JKVM    ")).putInt(REVISION_1).put(ascii("JKVM")).putInt(REVISION_1).put(body);
        return checksummed(t.array(), CHECKSUM, t.capacity());
    }

    /** Sets the byte at {@code at} so that the first {@code length} bytes sum up to zero. */
    static byte[] checksummed(byte[] table, int at, int length) {
        table[at] = 0;
        table[at] = (byte) -sum(table, length);
        return table;
    }

    /** The sum of the first {@code length} bytes, modulo 256. */
    static int sum(byte[] table, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) {
            sum += table[i];
        }
        return sum & 0xff;
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** The length that a table's header states. */
    static int length(byte[] table) {
        return ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN).getInt(LENGTH);
    }
}
