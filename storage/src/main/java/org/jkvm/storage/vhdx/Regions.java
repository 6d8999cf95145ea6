package org.jkvm.storage.vhdx;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/** The region table (MS-VHDX 2.2.3): where the block allocation table and the metadata are. */
record Regions(Region bat, Region metadata) {
    private static final int SIGNATURE = 0x69676572;
    private static final int LENGTH = 64 << 10;
    private static final long[] PLACES = {192 << 10, 256 << 10};
    private static final int ENTRY_COUNT = 8;
    private static final int FIRST_ENTRY = 16;
    private static final int ENTRY = 32;
    private static final int MAX_ENTRIES = 2047;
    private static final int MEBIBYTE = 1 << 20;

    /** A stretch of the file. */
    record Region(long offset, long length) {
        long end() {
            return offset + length;
        }
    }

    static Regions read(ImageFile file) throws IOException {
        ByteBuffer table = Bytes.read(file, PLACES[0], LENGTH, ByteOrder.LITTLE_ENDIAN);
        if (!sound(table)) {
            table = Bytes.read(file, PLACES[1], LENGTH, ByteOrder.LITTLE_ENDIAN);
        }
        require(sound(table), "corrupt VHDX image: neither of its region tables is right");
        return new Regions(find(table, Guids.BAT, file), find(table, Guids.METADATA, file));
    }

    private static boolean sound(ByteBuffer table) {
        return table.getInt(0) == SIGNATURE && table.getInt(Headers.CHECKSUM) == Headers.crc(table);
    }

    private static Region find(ByteBuffer table, UUID guid, ImageFile file) throws IOException {
        long count = Integer.toUnsignedLong(table.getInt(ENTRY_COUNT));
        require(count <= MAX_ENTRIES, "corrupt VHDX region table: " + count + " entries");
        Region found = null;
        for (int i = 0; i < count; i++) {
            int at = FIRST_ENTRY + i * ENTRY;
            UUID is = Guids.get(table, at);
            if (is.equals(guid)) {
                found = new Region(table.getLong(at + 16), Integer.toUnsignedLong(table.getInt(at + 24)));
            } else {
                boolean required = (table.getInt(at + 28) & 1) != 0;
                require(!required || is.equals(Guids.BAT) || is.equals(Guids.METADATA), "VHDX image needs region " + is
                        + ", which is not supported");
            }
        }
        require(found != null && found.offset() >= MEBIBYTE && found.offset() % MEBIBYTE == 0 && found.length() > 0
                && found.length() % MEBIBYTE == 0 && found.offset() <= file.size() - found.length(),
                "corrupt or truncated VHDX image: a region is missing, or lies outside the file");
        return found;
    }

    /** Writes the two region tables of a new image. */
    void write(ImageFile file) throws IOException {
        ByteBuffer table = ByteBuffer.allocate(LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        table.putInt(0, SIGNATURE);
        table.putInt(ENTRY_COUNT, 2);
        put(table, FIRST_ENTRY, Guids.BAT, bat);
        put(table, FIRST_ENTRY + ENTRY, Guids.METADATA, metadata);
        table.putInt(Headers.CHECKSUM, Headers.crc(table));
        for (long place : PLACES) {
            Bytes.write(file, place, table);
        }
    }

    private static void put(ByteBuffer table, int at, UUID guid, Region region) {
        Guids.put(table, at, guid);
        table.putLong(at + 16, region.offset());
        table.putInt(at + 24, (int) region.length());
        table.putInt(at + 28, 1);
    }
}
