package org.jkvm.storage.vhdx;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/** Replays a log into the file that it is of. */
record Replay(ImageFile file) implements Log.Target {
    /** Zeroes beyond this are only made where the host can do it without writing them. */
    private static final long MAX_WRITTEN = 64 << 20;

    @Override
    public void write(long offset, ByteBuffer data) throws IOException {
        if (offset > file.size()) {
            throw new IOException("corrupt VHDX log: a change beyond the file's end");
        }
        Bytes.write(file, offset, data);
    }

    @Override
    public void zeroes(long offset, long length) throws IOException {
        if (offset + length > file.size()) {
            file.setSize(offset + length);
        } else if (!file.punch(offset, length)) {
            if (length > MAX_WRITTEN) {
                throw new IOException("the VHDX image's log wants " + length
                        + " bytes of zeroes, and the host cannot make them");
            }
            Buffers.writeZeroes(file, offset, length);
        }
    }
}
