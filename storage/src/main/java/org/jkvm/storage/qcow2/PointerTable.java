package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/** The L1 table or the refcount table: an array of offsets that is kept in memory whole. */
final class PointerTable {
    private final ImageFile file;
    private long[] entries;
    private long offset;
    private int dirtyFrom = Integer.MAX_VALUE;
    private int dirtyTo;
    private boolean moved;

    PointerTable(ImageFile file, long offset, int count) throws IOException {
        this.file = file;
        this.offset = offset;
        this.entries = read(file, offset, count);
    }

    static long[] read(ImageFile file, long offset, int count) throws IOException {
        MemorySegment bytes = Buffers.allocate((long) count * Long.BYTES);
        file.read(offset, bytes);
        long[] entries = new long[count];
        Be.getLongs(bytes, entries);
        return entries;
    }

    int size() {
        return entries.length;
    }

    /** How many entries there are up to the last that is not zero: most tables have room for far more than they hold. */
    int used() {
        int used = entries.length;
        while (used > 0 && entries[used - 1] == 0) {
            used--;
        }
        return used;
    }

    long offset() {
        return offset;
    }

    long get(long index) {
        return entries[(int) index];
    }

    void set(long index, long value) {
        entries[(int) index] = value;
        dirtyFrom = (int) Math.min(dirtyFrom, index);
        dirtyTo = (int) Math.max(dirtyTo, index + 1);
    }

    /** Changes the number of entries in memory; {@link #moveTo} has to follow where there are more. */
    void resize(int count) {
        entries = Arrays.copyOf(entries, count);
        dirtyTo = Math.min(dirtyTo, count);
    }

    long[] copy() {
        return entries.clone();
    }

    /** Becomes the table of {@code count} entries that is in the file at {@code newOffset}. */
    void replace(long newOffset, int count) throws IOException {
        entries = read(file, newOffset, count);
        offset = newOffset;
        settled();
        dirtyFrom = Integer.MAX_VALUE;
        dirtyTo = 0;
    }

    /** Writes {@code entries} at {@code offset} of {@code file}. */
    static void write(ImageFile file, long offset, long[] entries) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = Buffers.allocate(arena, (long) entries.length * Long.BYTES);
            Be.putLongs(entries, 0, entries.length, bytes);
            file.write(offset, bytes);
        }
    }

    /** The next {@link #write} writes all of it to a new place. */
    void moveTo(long newOffset) {
        offset = newOffset;
        moved = true;
        dirtyFrom = 0;
        dirtyTo = entries.length;
    }

    boolean dirty() {
        return dirtyTo > dirtyFrom;
    }

    /** Whether the header has to be told of a new place or size after the next {@link #write}. */
    boolean moved() {
        return moved;
    }

    void settled() {
        moved = false;
    }

    /** Writes what has changed. */
    void write() throws IOException {
        write(file, offset + (long) dirtyFrom * Long.BYTES, Arrays.copyOfRange(entries, dirtyFrom, dirtyTo));
        dirtyFrom = Integer.MAX_VALUE;
        dirtyTo = 0;
    }
}
