package org.jkvm.storage.vhdx;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/**
 * The log of changes to metadata that may not have reached their places (MS-VHDX 2.3): a ring of entries, each with
 * descriptors and the sectors that they describe.
 */
final class Log {
    private static final int SECTOR = 4096;
    private static final int HEADER = 64;
    private static final int DESCRIPTOR = 32;
    private static final int ENTRY_SIGNATURE = 0x65676f6c;
    private static final int ZERO_SIGNATURE = 0x6f72657a;
    private static final int DESC_SIGNATURE = 0x63736564;
    private static final int DATA_SIGNATURE = 0x61746164;
    // Entry header
    private static final int ENTRY_LENGTH = 8;
    private static final int TAIL = 12;
    private static final int SEQUENCE_NUMBER = 16;
    private static final int DESCRIPTOR_COUNT = 24;
    private static final int LOG_GUID = 32;
    private static final int FLUSHED_FILE_OFFSET = 48;
    private static final int LAST_FILE_OFFSET = 56;
    // Descriptors
    private static final int TRAILING_BYTES = 4;
    private static final int LEADING_BYTES = 8;
    private static final int FILE_OFFSET = 16;
    private static final int DESC_SEQUENCE = 24;
    // Data sectors
    private static final int SEQUENCE_HIGH = 4;
    private static final int DATA = 8;
    private static final int SEQUENCE_LOW = 4092;
    /** Bounds the memory for one entry. */
    private static final int MAX_ENTRY = 64 << 20;
    /** Bounds what is summed up in search of entries: so many times the log's length. */
    private static final int MAX_ROUNDS = 64;

    private final ImageFile file;
    private final long offset;
    private final long length;
    private final UUID guid;
    private long summed;

    Log(ImageFile file, Headers headers) {
        this.file = file;
        this.offset = headers.logOffset();
        this.length = headers.logLength();
        this.guid = headers.logGuid();
    }

    private record Entry(long start, ByteBuffer bytes) {
        long sequence() {
            return bytes.getLong(SEQUENCE_NUMBER);
        }

        long tail() {
            return Integer.toUnsignedLong(bytes.getInt(TAIL));
        }

        int descriptors() {
            return bytes.getInt(DESCRIPTOR_COUNT);
        }
    }

    /** Where a replay writes to. */
    interface Target {
        void write(long offset, ByteBuffer data) throws IOException;

        void zeroes(long offset, long length) throws IOException;
    }

    /**
     * Brings the active sequence of entries to {@code target}.
     *
     * @throws IOException where there is none, or the file is shorter than the log says
     */
    void replay(Target target) throws IOException {
        List<Entry> active = activeSequence();
        require(!active.isEmpty(), "corrupt VHDX image: it has a log with no entry that is right");
        Entry head = active.getLast();
        require(file.size() >= head.bytes().getLong(FLUSHED_FILE_OFFSET), "truncated VHDX image: the log says that it has "
                + head.bytes().getLong(FLUSHED_FILE_OFFSET) + " bytes, and it has " + file.size());
        for (Entry entry : active) {
            replay(entry, target);
        }
    }

    /** The run of entries with the highest last number whose first one is where its last one says (2.3.3). */
    private List<Entry> activeSequence() throws IOException {
        List<Entry> best = List.of();
        for (long at = 0; at < length; ) {
            List<Entry> run = run(at);
            boolean whole = !run.isEmpty() && run.stream().anyMatch(e -> e.start() == run.getLast().tail());
            if (whole && (best.isEmpty() || run.getLast().sequence() > best.getLast().sequence())) {
                best = run.stream().dropWhile(e -> e.start() != run.getLast().tail()).toList();
            }
            // Entries of the run start no better runs of their own, unless it went round the ring.
            long end = run.isEmpty() ? at + SECTOR : run.getLast().start() + run.getLast().bytes().capacity();
            at = end > at ? end : length;
        }
        return best;
    }

    /** Entries one after another from {@code at}, their numbers rising by one. */
    private List<Entry> run(long at) throws IOException {
        List<Entry> run = new ArrayList<>();
        long used = 0;
        long next = at;
        while (used < length) {
            Entry entry = entry(next);
            if (entry == null || !run.isEmpty() && entry.sequence() != run.getLast().sequence() + 1) {
                break;
            }
            run.add(entry);
            used += entry.bytes().capacity();
            next = (next + entry.bytes().capacity()) % length;
        }
        return run;
    }

    private Entry entry(long start) throws IOException {
        ByteBuffer first = ring(start, SECTOR);
        long entryLength = Integer.toUnsignedLong(first.getInt(ENTRY_LENGTH));
        if (first.getInt(0) != ENTRY_SIGNATURE || !Guids.get(first, LOG_GUID).equals(guid) || entryLength % SECTOR != 0
                || entryLength < SECTOR || entryLength > Math.min(length, MAX_ENTRY)
                || Integer.toUnsignedLong(first.getInt(TAIL)) >= length) {
            return null;
        }
        summed += entryLength;
        require(summed <= MAX_ROUNDS * length, "corrupt VHDX log: many entries that overlap, none of which is right");
        ByteBuffer all = ring(start, (int) entryLength);
        return all.getInt(Headers.CHECKSUM) == Headers.crc(all) && descriptorsFit(all) ? new Entry(start, all) : null;
    }

    private static boolean descriptorsFit(ByteBuffer entry) {
        long descriptors = Integer.toUnsignedLong(entry.getInt(DESCRIPTOR_COUNT));
        return HEADER + descriptors * DESCRIPTOR <= entry.capacity();
    }

    /** Bytes of the ring, which goes on at its start. */
    private ByteBuffer ring(long start, int bytes) throws IOException {
        int first = (int) Math.min(bytes, length - start);
        ByteBuffer all = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        all.put(0, Bytes.read(file, offset + start, first, ByteOrder.LITTLE_ENDIAN).array());
        if (first < bytes) {
            all.put(first, Bytes.read(file, offset, bytes - first, ByteOrder.LITTLE_ENDIAN).array());
        }
        return all;
    }

    private void replay(Entry entry, Target target) throws IOException {
        ByteBuffer b = entry.bytes();
        int sector = (HEADER + entry.descriptors() * DESCRIPTOR + SECTOR - 1) / SECTOR * SECTOR;
        for (int i = 0; i < entry.descriptors(); i++) {
            int at = HEADER + i * DESCRIPTOR;
            long place = b.getLong(at + FILE_OFFSET);
            require(place >= 0 && place % SECTOR == 0 && b.getLong(at + DESC_SEQUENCE) == entry.sequence(),
                    "corrupt VHDX log: a descriptor is wrong");
            if (b.getInt(at) == ZERO_SIGNATURE) {
                zero(b, at, place, target);
            } else {
                require(b.getInt(at) == DESC_SIGNATURE && sector <= b.capacity() - SECTOR,
                        "corrupt VHDX log: a descriptor has no data");
                target.write(place, sector(b, at, sector, entry.sequence()));
                sector += SECTOR;
            }
        }
    }

    /** Zeroes past the end of the file as it was are there when the file is extended. */
    private static void zero(ByteBuffer b, int at, long place, Target target) throws IOException {
        long bytes = b.getLong(at + LEADING_BYTES);
        long end = b.getLong(LAST_FILE_OFFSET);
        require(bytes >= 0 && bytes % SECTOR == 0 && place <= end && bytes <= end - place,
                "corrupt VHDX log: zeroes beyond the file's end");
        target.zeroes(place, bytes);
    }

    /** A sector's first eight and last four bytes are in the descriptor. */
    private static ByteBuffer sector(ByteBuffer b, int descriptor, int at, long sequence) throws IOException {
        require(b.getInt(at) == DATA_SIGNATURE && b.getInt(at + SEQUENCE_HIGH) == (int) (sequence >>> 32)
                && b.getInt(at + SEQUENCE_LOW) == (int) sequence, "corrupt VHDX log: a data sector is not of its entry");
        ByteBuffer data = ByteBuffer.allocate(SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        data.putLong(0, b.getLong(descriptor + LEADING_BYTES));
        data.put(DATA, b, at + DATA, SEQUENCE_LOW - DATA);
        data.putInt(SEQUENCE_LOW, b.getInt(descriptor + TRAILING_BYTES));
        return data;
    }
}
