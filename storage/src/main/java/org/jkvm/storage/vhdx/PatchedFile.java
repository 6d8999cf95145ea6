package org.jkvm.storage.vhdx;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jkvm.storage.layer.ImageFile;

/** A file that must not be written, as it is once its log is replayed: pages of 4 KiB in memory lie over it. */
final class PatchedFile implements ImageFile, Log.Target {
    private static final int PAGE = 4096;
    /** 64 MiB: more than a log of any sense changes. */
    private static final int MAX_PAGES = 1 << 14;

    private final ImageFile file;
    private final Map<Long, byte[]> pages = new HashMap<>();
    private long size;

    PatchedFile(ImageFile file) {
        this.file = file;
        this.size = file.size();
    }

    @Override
    public void write(long offset, ByteBuffer data) throws IOException {
        patch(offset, data.array());
    }

    @Override
    public void zeroes(long offset, long length) throws IOException {
        for (long at = offset; at < offset + length; at += PAGE) {
            patch(at, new byte[PAGE]);
        }
    }

    private void patch(long offset, byte[] page) throws IOException {
        if (pages.size() >= MAX_PAGES) {
            throw new IOException("the VHDX image's log is too large for an image that is open read-only");
        }
        pages.put(offset / PAGE, page);
        size = Math.max(size, offset + PAGE);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public boolean growsWithZeroes() {
        return false;
    }

    @Override
    public void read(long offset, MemorySegment target) throws IOException {
        file.read(offset, target);
        long last = offset + target.byteSize() - 1;
        for (long number = offset / PAGE; !pages.isEmpty() && number <= last / PAGE; number++) {
            byte[] page = pages.get(number);
            if (page != null) {
                long from = Math.max(offset, number * PAGE);
                long to = Math.min(last + 1, (number + 1) * PAGE);
                target.asSlice(from - offset, to - from)
                        .copyFrom(MemorySegment.ofArray(page).asSlice(from - number * PAGE, to - from));
            }
        }
    }

    private static IOException readOnly() {
        return new IOException("the image is open read-only");
    }

    @Override
    public void write(long offset, MemorySegment source) throws IOException {
        throw readOnly();
    }

    @Override
    public void flush() {
        // Nothing is written.
    }

    @Override
    public void setSize(long newSize) throws IOException {
        throw readOnly();
    }

    @Override
    public boolean punch(long offset, long length) throws IOException {
        throw readOnly();
    }

    @Override
    public boolean zero(long offset, long length) throws IOException {
        throw readOnly();
    }

    @Override
    public long allocated() throws IOException {
        return file.allocated();
    }

    @Override
    public void close() {
        file.close();
    }
}
