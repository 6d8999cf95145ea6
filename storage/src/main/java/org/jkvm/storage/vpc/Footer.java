package org.jkvm.storage.vpc;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Set;
import java.util.UUID;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/** "Hard Disk Footer Format" of Microsoft's Virtual Hard Disk Image Format Specification. Numbers are big-endian. */
final class Footer {
    static final int LENGTH = 512;
    static final int FIXED = 2;
    static final int DYNAMIC = 3;

    private static final String COOKIE = "conectix";
    private static final int FEATURES = 8;
    private static final int VERSION = 12;
    private static final int DATA_OFFSET = 16;
    private static final int TIME_STAMP = 24;
    private static final int CREATOR_APPLICATION = 28;
    private static final int CREATOR_VERSION = 32;
    private static final int CREATOR_HOST = 36;
    private static final int ORIGINAL_SIZE = 40;
    private static final int CURRENT_SIZE = 48;
    private static final int GEOMETRY = 56;
    private static final int TYPE = 60;
    private static final int CHECKSUM = 64;
    private static final int UUID_AT = 68;
    private static final int SECTOR = 512;
    private static final Instant EPOCH = Instant.parse("2000-01-01T00:00:00Z");
    /** Programs whose disks have the size that they say, and not that of their geometry. Ours says that it is one. */
    private static final Set<String> SIZE_COUNTS = Set.of("win ", "d2v ", "tap\0", "qem2");
    private static final String LIKE_US = "qem2";
    private static final long MOST_BY_GEOMETRY = 65535L * 16 * 255;

    private final ByteBuffer bytes;

    private Footer(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    /**
     * The footer at the file's end, or of a dynamic disk, where that is damaged, its copy at the start. What stands at the start
     * of a fixed disk is the guest's.
     */
    static Footer read(ImageFile file) throws IOException {
        Footer copy = new Footer(Bytes.read(file, 0, LENGTH, ByteOrder.BIG_ENDIAN));
        Footer end = new Footer(Bytes.read(file, Math.max(0, file.size() - LENGTH), LENGTH, ByteOrder.BIG_ENDIAN));
        require(end.sound() || copy.sound() && copy.type() != FIXED,
                "not a VHD image: it has no footer whose checksum is right");
        return end.sound() ? end : copy;
    }

    static Footer of(long size, boolean dynamic) {
        ByteBuffer b = ByteBuffer.allocate(LENGTH);
        b.put(0, COOKIE.getBytes(StandardCharsets.US_ASCII));
        b.putInt(FEATURES, 2);
        b.putInt(VERSION, 0x00010000);
        b.putLong(DATA_OFFSET, dynamic ? LENGTH : -1);
        b.putInt(TIME_STAMP, (int) (Instant.now().getEpochSecond() - EPOCH.getEpochSecond()));
        b.put(CREATOR_APPLICATION, LIKE_US.getBytes(StandardCharsets.US_ASCII));
        b.putInt(CREATOR_VERSION, 0x00050003);
        b.put(CREATOR_HOST, "Wi2k".getBytes(StandardCharsets.US_ASCII));
        b.putLong(ORIGINAL_SIZE, size);
        b.putLong(CURRENT_SIZE, size);
        b.putInt(GEOMETRY, geometry(size / SECTOR));
        b.putInt(TYPE, dynamic ? DYNAMIC : FIXED);
        UUID uuid = UUID.randomUUID();
        b.putLong(UUID_AT, uuid.getMostSignificantBits());
        b.putLong(UUID_AT + Long.BYTES, uuid.getLeastSignificantBits());
        b.putInt(CHECKSUM, checksum(b, CHECKSUM));
        return new Footer(b);
    }

    /** Cylinders, heads and sectors a track: the specification's appendix, "CHS Calculation". */
    private static int geometry(long sectors) {
        long total = Math.min(sectors, MOST_BY_GEOMETRY);
        if (total >= 65535L * 16 * 63) {
            return pack(total / 255, 16, 255);
        }
        long tracks = total / 17;
        long heads = Math.max(4, (tracks + 1023) / 1024);
        if (tracks < heads * 1024 && heads <= 16) {
            return pack(tracks, heads, 17);
        }
        tracks = total / 31;
        return tracks < 16 * 1024 ? pack(tracks, 16, 31) : pack(total / 63, 16, 63);
    }

    private static int pack(long tracks, long heads, int sectorsATrack) {
        return (int) (tracks / heads << 16 | heads << 8 | sectorsATrack);
    }

    /** Ones' complement of the sum of all bytes but the checksum's own. */
    static int checksum(ByteBuffer bytes, int at) {
        int sum = 0;
        for (int i = 0; i < bytes.capacity(); i++) {
            sum += i >= at && i < at + Integer.BYTES ? 0 : bytes.get(i) & 0xff;
        }
        return ~sum;
    }

    private boolean sound() {
        return new String(bytes.array(), 0, COOKIE.length(), StandardCharsets.ISO_8859_1).equals(COOKIE)
                && bytes.getInt(CHECKSUM) == checksum(bytes, CHECKSUM);
    }

    int type() {
        return bytes.getInt(TYPE);
    }

    long dataOffset() {
        return bytes.getLong(DATA_OFFSET);
    }

    /** Bytes of the disk. */
    long size() {
        String creator = new String(bytes.array(), CREATOR_APPLICATION, 4, StandardCharsets.ISO_8859_1);
        long cylinders = Short.toUnsignedLong(bytes.getShort(GEOMETRY));
        long byGeometry = cylinders * (bytes.get(GEOMETRY + 2) & 0xff) * (bytes.get(GEOMETRY + 3) & 0xff);
        return SIZE_COUNTS.contains(creator) || byGeometry == MOST_BY_GEOMETRY ? bytes.getLong(CURRENT_SIZE)
                : byGeometry * SECTOR;
    }

    void write(ImageFile file, long offset) throws IOException {
        Bytes.write(file, offset, bytes);
    }
}
