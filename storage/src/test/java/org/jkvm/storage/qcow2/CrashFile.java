package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jkvm.base.backend.NoSpaceException;
import org.jkvm.storage.layer.ImageFile;

/**
 * A file in memory that remembers every write and every barrier, and can say what a disk might hold after the power
 * went at any of these: everything before the last barrier, and any sectors of the writes after it.
 */
final class CrashFile implements ImageFile {
    private static final int SECTOR = 512;

    /** A write, or with no data a barrier. */
    private record Event(long offset, byte[] data) {
        boolean barrier() {
            return data == null;
        }
    }

    private final byte[] initial;
    private final List<Event> journal = new ArrayList<>();
    private byte[] bytes;
    private int size;
    private long limit = Long.MAX_VALUE;

    CrashFile(byte[] initial) {
        this.initial = initial;
        this.bytes = initial.clone();
        this.size = initial.length;
    }

    /** Fills up the host's disk: the file cannot get longer than {@code bytes}, until this is called again. */
    void limit(long bytes) {
        limit = bytes;
    }

    /** How many writes and barriers there were. */
    int events() {
        return journal.size();
    }

    /**
     * A number of events after which the power may go: any, or one where most depends on the order: right after a
     * change of the header, or right before a barrier.
     */
    int moment(Random random) {
        return switch (random.nextInt(3)) {
            case 0 -> random.nextInt(journal.size() + 1);
            case 1 -> oneOf(i -> !journal.get(i).barrier() && journal.get(i).offset() < SECTOR, random) + 1;
            default -> oneOf(i -> journal.get(i).barrier(), random);
        };
    }

    /** One of the events that meet {@code condition}; the last of all where none does. */
    private int oneOf(IntPredicate condition, Random random) {
        int[] events = IntStream.range(0, journal.size()).filter(condition).toArray();
        return events.length == 0 ? journal.size() - 1 : events[random.nextInt(events.length)];
    }

    /** What a disk may hold when the power went after {@code events} events; {@code random} chooses. */
    byte[] crash(int events, Random random) {
        int barrier = 0;
        for (int i = 0; i < events; i++) {
            barrier = journal.get(i).barrier() ? i : barrier;
        }
        CrashFile after = new CrashFile(initial);
        for (int i = 0; i < events; i++) {
            Event event = journal.get(i);
            if (!event.barrier() && (i < barrier || random.nextBoolean())) {
                after.apply(event, i < barrier ? null : random);
            }
        }
        return Arrays.copyOf(after.bytes, after.size);
    }

    /** What the file holds after {@code events} events of a program that was killed: the host's kernel loses nothing. */
    byte[] killed(int events) {
        CrashFile after = new CrashFile(initial);
        journal.subList(0, events).stream().filter(e -> !e.barrier()).forEach(e -> after.apply(e, null));
        return Arrays.copyOf(after.bytes, after.size);
    }

    private void apply(Event event, Random tearing) {
        for (int at = 0; at < event.data().length; ) {
            int next = Math.min(event.data().length, at + SECTOR - (int) ((event.offset() + at) % SECTOR));
            if (tearing == null || tearing.nextInt(4) != 0) {
                put((int) event.offset() + at, Arrays.copyOfRange(event.data(), at, next));
            }
            at = next;
        }
    }

    private void put(int offset, byte[] data) {
        size = Math.max(size, offset + data.length);
        if (bytes.length < size) {
            bytes = Arrays.copyOf(bytes, size * 2);
        }
        System.arraycopy(data, 0, bytes, offset, data.length);
    }

    private void change(long offset, byte[] data) {
        journal.add(new Event(offset, data));
        put((int) offset, data);
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
    public synchronized void read(long offset, MemorySegment target) {
        int there = (int) Math.clamp(size - offset, 0, target.byteSize());
        MemorySegment.copy(bytes, (int) Math.min(offset, size), target, ValueLayout.JAVA_BYTE, 0, there);
        target.asSlice(there).fill((byte) 0);
    }

    @Override
    public synchronized void write(long offset, MemorySegment source) throws IOException {
        if (offset + source.byteSize() > limit) {
            // As write(2) does it: what fits is written.
            change(offset, source.asSlice(0, Math.max(0, limit - offset)).toArray(ValueLayout.JAVA_BYTE));
            throw new NoSpaceException("write to a test: ENOSPC", null);
        }
        change(offset, source.toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public synchronized void flush() {
        journal.add(new Event(0, null));
    }

    @Override
    public synchronized void setSize(long newSize) {
        if (newSize < size) {
            throw new UnsupportedOperationException();
        }
        if (newSize > size) {
            // A longer file: its last byte is written, and may be lost.
            change(newSize - 1, new byte[1]);
        }
    }

    @Override
    public synchronized boolean punch(long offset, long length) {
        change(offset, new byte[(int) Math.min(length, Math.max(0, size - offset))]);
        return true;
    }

    @Override
    public boolean zero(long offset, long length) {
        return false;
    }

    @Override
    public long allocated() {
        return size();
    }

    @Override
    public void close() {
    }
}
