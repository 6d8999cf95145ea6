package org.jkvm.machine.acpi;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * ACPI machine language, assembled (ACPI 6.4, chapter 20): one method an ASL operator, named as in ASL, each returning its
 * encoding, so that nested calls read like the source text. Names are those of ASL: {@code \_SB.PCI0}, {@code _HID}.
 */
final class Aml {
    /** Zero. */
    static final byte[] ZERO = {0x00};
    /** Local0. */
    static final byte[] LOCAL0 = {0x60};
    /** Local1. */
    static final byte[] LOCAL1 = {0x61};
    /** The null name: a result that is not stored. */
    static final byte[] NOWHERE = {0x00};
    /** The method's first argument. */
    static final byte[] ARG0 = {0x68};

    private static final int EXT = 0x5b;

    private Aml() {
    }

    /** Terms, one behind the other. */
    static byte[] terms(byte[]... terms) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] term : terms) {
            out.writeBytes(term);
        }
        return out.toByteArray();
    }

    /** {@code Scope (path) {body}}. */
    static byte[] scope(String path, byte[]... body) {
        return terms(op(0x10), packaged(terms(name(path), terms(body))));
    }

    /** {@code Device (name) {body}}. */
    static byte[] device(String name, byte[]... body) {
        return terms(op(EXT, 0x82), packaged(terms(name(name), terms(body))));
    }

    /** {@code Name (name, value)}. */
    static byte[] name(String name, byte[] value) {
        return terms(op(0x08), name(name), value);
    }

    /** {@code Method (name, arguments, NotSerialized) {body}}. */
    static byte[] method(String name, int arguments, byte[]... body) {
        return terms(op(0x14), packaged(terms(name(name), op(arguments), terms(body))));
    }

    /** {@code Method (name, arguments, Serialized) {body}}: for methods that make named objects. */
    static byte[] serializedMethod(String name, int arguments, byte[]... body) {
        return method(name, arguments | 8, body);
    }

    /** {@code Return (value)}. */
    static byte[] returns(byte[] value) {
        return terms(op(0xa4), value);
    }

    /** {@code If (condition) {body}}. */
    static byte[] ifTrue(byte[] condition, byte[]... body) {
        return terms(op(0xa0), packaged(terms(condition, terms(body))));
    }

    /** {@code Store (value, target)}. */
    static byte[] store(byte[] value, byte[] target) {
        return terms(op(0x70), value, target);
    }

    /** {@code And (a, b, target)}. */
    static byte[] and(byte[] a, byte[] b, byte[] target) {
        return terms(op(0x7b), a, b, target);
    }

    /** {@code Or (a, b, target)}. */
    static byte[] or(byte[] a, byte[] b, byte[] target) {
        return terms(op(0x7d), a, b, target);
    }

    /** {@code CreateDWordField (buffer, byteIndex, name)}. */
    static byte[] createDWordField(byte[] buffer, int byteIndex, String name) {
        return terms(op(0x8a), buffer, integer(byteIndex), name(name));
    }

    /** {@code OperationRegion (name, PCI_Config, offset, length)}. */
    static byte[] pciConfigRegion(String name, int offset, int length) {
        return terms(op(EXT, 0x80), name(name), op(0x02), integer(offset), integer(length));
    }

    /** {@code OperationRegion (name, SystemIO, port, length)}. */
    static byte[] portRegion(String name, int port, int length) {
        return terms(op(EXT, 0x80), name(name), op(0x01), integer(port), integer(length));
    }

    /** {@code Field (region, DWordAcc, NoLock, WriteAsZeros)} of fields of 32 bits each. */
    static byte[] dwordFields(String region, String... names) {
        ByteArrayOutputStream fields = new ByteArrayOutputStream();
        for (String field : names) {
            fields.writeBytes(name(field));
            // 32 as a package length (section 20.2.4).
            fields.write(32);
        }
        return terms(op(EXT, 0x81), packaged(terms(name(region), op(0x43), fields.toByteArray())));
    }

    /** {@code Notify (object, value)}. */
    static byte[] notify(String object, int value) {
        return terms(op(0x86), name(object), integer(value));
    }

    /** {@code Field (region, ByteAcc, NoLock, Preserve)} of fields of 8 bits each. */
    static byte[] byteFields(String region, String... names) {
        ByteArrayOutputStream fields = new ByteArrayOutputStream();
        for (String field : names) {
            fields.writeBytes(name(field));
            fields.write(8);
        }
        return terms(op(EXT, 0x81), packaged(terms(name(region), op(0x01), fields.toByteArray())));
    }

    /** {@code Package () {elements}}. */
    static byte[] pack(byte[]... elements) {
        return terms(op(0x12), packaged(terms(op(elements.length), terms(elements))));
    }

    /** {@code Buffer () {bytes}}, which is also what a resource template is. */
    static byte[] buffer(byte[] bytes) {
        return terms(op(0x11), packaged(terms(integer(bytes.length), bytes)));
    }

    /** {@code ResourceTemplate () {descriptors}}, with its end tag (section 6.4.2.9). */
    static byte[] resourceTemplate(byte[]... descriptors) {
        return buffer(terms(terms(descriptors), op(0x79, 0x00)));
    }

    /** A string. */
    static byte[] string(String text) {
        return terms(op(0x0d), text.getBytes(StandardCharsets.US_ASCII), op(0x00));
    }

    /** An integer, unsigned, in its shortest form. */
    static byte[] integer(long value) {
        if (value == 0 || value == 1) {
            return op((int) value);
        }
        int log = value >>> 8 == 0 ? 0 : value >>> 16 == 0 ? 1 : value >>> 32 == 0 ? 2 : 3;
        int[] prefix = {0x0a, 0x0b, 0x0c, 0x0e};
        ByteBuffer number = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value);
        return terms(op(prefix[log]), Arrays.copyOf(number.array(), 1 << log));
    }

    /** {@code EisaId ("PNP0A03")} (section 19.3.4): three letters of 5 bits, four hexadecimal digits, big-endian. */
    static byte[] eisaId(String id) {
        int letters = 0;
        for (int i = 0; i < 3; i++) {
            letters = letters << 5 | id.charAt(i) - '@';
        }
        return integer(Integer.reverseBytes(letters << 16 | Integer.parseInt(id.substring(3), 16)) & 0xffff_ffffL);
    }

    /** A reference to a named object, as a term. */
    static byte[] name(String path) {
        int prefix = 0;
        while (prefix < path.length() && (path.charAt(prefix) == '\\' || path.charAt(prefix) == '^')) {
            prefix++;
        }
        String[] segments = path.substring(prefix).split("\\.");
        byte[] count = segments.length == 1 ? new byte[0]
                : segments.length == 2 ? op(0x2e) : op(0x2f, segments.length);
        byte[] encoded = terms(path.substring(0, prefix).getBytes(StandardCharsets.US_ASCII), count);
        for (String segment : segments) {
            encoded = terms(encoded, (segment + "____").substring(0, 4).getBytes(StandardCharsets.US_ASCII));
        }
        return encoded;
    }

    /** Section 20.2.4: a length that counts itself, in 1 to 4 bytes, before its contents. */
    private static byte[] packaged(byte[] contents) {
        int length = contents.length + 1;
        if (length < 0x40) {
            return terms(op(length), contents);
        }
        int extra = contents.length + 2 < 1 << 12 ? 1 : contents.length + 3 < 1 << 20 ? 2 : 3;
        length = contents.length + 1 + extra;
        byte[] encoded = new byte[1 + extra];
        encoded[0] = (byte) (extra << 6 | length & 0xf);
        for (int i = 1; i <= extra; i++) {
            encoded[i] = (byte) (length >> 8 * i - 4);
        }
        return terms(encoded, contents);
    }

    private static byte[] op(int... bytes) {
        byte[] encoded = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            encoded[i] = (byte) bytes[i];
        }
        return encoded;
    }
}
