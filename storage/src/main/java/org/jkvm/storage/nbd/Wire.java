package org.jkvm.storage.nbd;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A stream of bytes both ways. One thread may read while another writes; {@link #close} ends both, from any thread. */
interface Wire extends Closeable {
    /**
     * Fills what remains of {@code target}.
     *
     * @throws java.io.EOFException where the stream ends before
     */
    void read(ByteBuffer target) throws IOException;

    /** Writes what remains of {@code parts}, one behind the other. */
    void write(ByteBuffer... parts) throws IOException;

    /** Reads {@code length} bytes: for what is small, or of a length that has been checked. */
    default ByteBuffer read(int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        read(bytes);
        return bytes.flip();
    }
}
