package org.jkvm.storage.vhdx;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/**
 * The two headers (MS-VHDX 2.2.2): the one with the higher sequence number counts, changes go to the other. One thread
 * at a time.
 */
final class Headers {
    static final int SIGNATURE = 0x64616568;
    static final int LENGTH = 4096;
    static final int CHECKSUM = 4;

    private static final int SEQUENCE_NUMBER = 8;
    private static final int FILE_WRITE_GUID = 16;
    private static final int DATA_WRITE_GUID = 32;
    private static final int LOG_GUID = 48;
    private static final int LOG_VERSION = 64;
    private static final int VERSION = 66;
    private static final int LOG_LENGTH = 68;
    private static final int LOG_OFFSET = 72;
    /** Its entries are kept in memory while it is replayed. */
    private static final long MAX_LOG = 128 << 20;
    private static final long[] PLACES = {64 << 10, 128 << 10};

    private final ImageFile file;
    private ByteBuffer current;
    private int place;

    private Headers(ImageFile file, ByteBuffer current, int place) {
        this.file = file;
        this.current = current;
        this.place = place;
    }

    static Headers read(ImageFile file) throws IOException {
        ByteBuffer first = Bytes.read(file, PLACES[0], LENGTH, ByteOrder.LITTLE_ENDIAN);
        ByteBuffer second = Bytes.read(file, PLACES[1], LENGTH, ByteOrder.LITTLE_ENDIAN);
        boolean one = sound(first);
        boolean two = sound(second);
        require(one || two, "corrupt VHDX image: neither of its headers is right");
        boolean useSecond = two && (!one || Long.compareUnsigned(second.getLong(SEQUENCE_NUMBER),
                first.getLong(SEQUENCE_NUMBER)) > 0);
        Headers headers = new Headers(file, useSecond ? second : first, useSecond ? 1 : 0);
        headers.check();
        return headers;
    }

    private static boolean sound(ByteBuffer header) {
        return header.getInt(0) == SIGNATURE && header.getInt(CHECKSUM) == crc(header);
    }

    /** The CRC-32C of a structure whose checksum field, the second one, counts as zero. */
    static int crc(ByteBuffer structure) {
        CRC32C crc = new CRC32C();
        crc.update(structure.array(), 0, CHECKSUM);
        crc.update(new byte[Integer.BYTES]);
        crc.update(structure.array(), CHECKSUM + Integer.BYTES, structure.capacity() - CHECKSUM - Integer.BYTES);
        return (int) crc.getValue();
    }

    private void check() throws IOException {
        require(current.getShort(VERSION) == 1, "VHDX version " + current.getShort(VERSION) + " is not supported, 1 is");
        if (hasLog()) {
            require(current.getShort(LOG_VERSION) == 0, "VHDX log version " + current.getShort(LOG_VERSION)
                    + " is not supported, 0 is");
            require(logOffset() >= 1 << 20 && logOffset() % (1 << 20) == 0 && logLength() > 0 && logLength() % (1 << 20) == 0
                    && logOffset() <= file.size() - logLength(), "corrupt VHDX header: the log lies outside the file");
            require(logLength() <= MAX_LOG, "a VHDX log of " + logLength() + " bytes is not supported, one of " + MAX_LOG
                    + " is");
        }
    }

    /** Writes the first header of a new image, and the other one. */
    static void create(ImageFile file, long logOffset, int logLength) throws IOException {
        ByteBuffer h = ByteBuffer.allocate(LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        h.putInt(0, SIGNATURE);
        Guids.put(h, FILE_WRITE_GUID, UUID.randomUUID());
        Guids.put(h, DATA_WRITE_GUID, UUID.randomUUID());
        h.putShort(VERSION, (short) 1);
        h.putInt(LOG_LENGTH, logLength);
        h.putLong(LOG_OFFSET, logOffset);
        Headers headers = new Headers(file, h, 1);
        headers.update();
        headers.update();
    }

    boolean hasLog() {
        return !logGuid().equals(Guids.NONE);
    }

    UUID logGuid() {
        return Guids.get(current, LOG_GUID);
    }

    long logOffset() {
        return current.getLong(LOG_OFFSET);
    }

    long logLength() {
        return Integer.toUnsignedLong(current.getInt(LOG_LENGTH));
    }

    /** The log has been replayed. */
    void forgetLog() throws IOException {
        Guids.put(current, LOG_GUID, Guids.NONE);
        update();
        update();
    }

    /** The file is about to be changed, and what a guest sees of it. */
    void newGuids() throws IOException {
        Guids.put(current, FILE_WRITE_GUID, UUID.randomUUID());
        Guids.put(current, DATA_WRITE_GUID, UUID.randomUUID());
        update();
        update();
    }

    /** Writes to the place that does not count yet, between barriers. */
    private void update() throws IOException {
        place = 1 - place;
        current.putLong(SEQUENCE_NUMBER, current.getLong(SEQUENCE_NUMBER) + 1);
        current.putInt(CHECKSUM, crc(current));
        file.flush();
        Bytes.write(file, PLACES[place], current);
        file.flush();
    }
}
