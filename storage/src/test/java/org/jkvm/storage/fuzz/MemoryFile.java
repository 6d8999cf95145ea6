package org.jkvm.storage.fuzz;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import org.jkvm.storage.layer.ImageFile;

/** A file in memory whose pages are copied when they are written; its end may be anywhere, holes cost nothing. */
class MemoryFile implements ImageFile {
    static final int PAGE = 512;
    /** A host's disk that is soon full: a hostile image must not fill memory. */
    private static final int MAX_PAGES = 1 << 15;
    private static final long MAX_SIZE = 1L << 50;

    private final Map<Long, byte[]> base;
    private final Map<Long, byte[]> own = new HashMap<>();
    private long size;

    MemoryFile() {
        this(Map.of(), 0);
    }

    private MemoryFile(Map<Long, byte[]> base, long size) {
        this.base = base;
        this.size = size;
    }

    /** A file that starts as this one is, which must not be changed any more. */
    MemoryFile copy() {
        return new MemoryFile(own, size);
    }

    int pages() {
        return own.size();
    }

    /** Numbers of the pages with something in them, in order. */
    long[] written() {
        return own.keySet().stream().mapToLong(Long::longValue).sorted().toArray();
    }

    private byte[] page(long number) {
        byte[] page = own.get(number);
        return page != null ? page : base.get(number);
    }

    int get(long offset) {
        byte[] page = page(offset / PAGE);
        return page == null ? 0 : page[(int) (offset % PAGE)] & 0xff;
    }

    void put(long offset, int value) {
        byte[] page = own.computeIfAbsent(offset / PAGE, n -> base.containsKey(n) ? base.get(n).clone() : new byte[PAGE]);
        page[(int) (offset % PAGE)] = (byte) value;
        size = Math.max(size, offset + 1);
    }

    @Override
    public synchronized long size() {
        return size;
    }

    @Override
    public boolean growsWithZeroes() {
        return true;
    }

    @Override
    public synchronized void read(long offset, MemorySegment target) throws IOException {
        if (offset < 0) {
            throw new IOException("pread: EINVAL");
        }
        target.fill((byte) 0);
        for (long done = 0; done < target.byteSize(); ) {
            int into = (int) ((offset + done) % PAGE);
            long n = Math.min(PAGE - into, target.byteSize() - done);
            byte[] page = page((offset + done) / PAGE);
            if (page != null) {
                target.asSlice(done, n).copyFrom(MemorySegment.ofArray(page).asSlice(into, n));
            }
            done += n;
        }
    }

    @Override
    public synchronized void write(long offset, MemorySegment source) throws IOException {
        if (offset < 0 || offset > MAX_SIZE || own.size() > MAX_PAGES) {
            throw new IOException("pwrite: ENOSPC");
        }
        for (long done = 0; done < source.byteSize(); ) {
            int into = (int) ((offset + done) % PAGE);
            long n = Math.min(PAGE - into, source.byteSize() - done);
            byte[] page = own.computeIfAbsent((offset + done) / PAGE,
                    k -> base.containsKey(k) ? base.get(k).clone() : new byte[PAGE]);
            MemorySegment.ofArray(page).asSlice(into, n).copyFrom(source.asSlice(done, n));
            done += n;
        }
        size = Math.max(size, offset + source.byteSize());
    }

    @Override
    public void flush() {
        // Memory is as stable as it gets.
    }

    @Override
    public synchronized void setSize(long newSize) throws IOException {
        if (newSize < 0 || newSize > MAX_SIZE) {
            throw new IOException("ftruncate: EFBIG");
        }
        size = newSize;
    }

    @Override
    public boolean punch(long offset, long length) {
        return true;
    }

    @Override
    public boolean zero(long offset, long length) {
        return true;
    }

    @Override
    public long allocated() {
        return own.size() * (long) PAGE;
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
