package org.jkvm.storage.layer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;

/** Small structures in image files, as byte buffers. */
public final class Bytes {
    private Bytes() {
    }

    /** {@code length} bytes of {@code file} from {@code offset}, with numbers in {@code order}; zeroes past its end. */
    public static ByteBuffer read(ImageFile file, long offset, int length, ByteOrder order) throws IOException {
        byte[] bytes = new byte[length];
        file.read(offset, MemorySegment.ofArray(bytes));
        return ByteBuffer.wrap(bytes).order(order);
    }

    /** All of {@code buffer}, wherever its position is. */
    public static void write(ImageFile file, long offset, ByteBuffer buffer) throws IOException {
        file.write(offset, MemorySegment.ofArray(buffer.array()));
    }

    /** Text up to a zero byte or {@code length} bytes. */
    public static String text(ByteBuffer buffer, int at, int length, Charset charset) {
        int end = at;
        while (end < at + length && buffer.get(end) != 0) {
            end++;
        }
        return new String(buffer.array(), at, end - at, charset);
    }

    /** The text without characters that a terminal would act on. */
    public static String printable(String text) {
        StringBuilder printable = new StringBuilder(text);
        for (int i = 0; i < text.length(); i++) {
            if (Character.isISOControl(text.charAt(i))) {
                printable.setCharAt(i, '?');
            }
        }
        return printable.toString();
    }

    /** Throws an {@link IOException} where {@code condition} is not met. */
    public static void require(boolean condition, String message) throws IOException {
        if (!condition) {
            throw new IOException(message);
        }
    }
}
