package org.jkvm.storage.luks;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jkvm.base.Bits;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.Secret;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/**
 * The header of LUKS version 1 (LUKS On-Disk Format Specification 1.2.3, "The partition header"): what the disk is
 * encrypted with, and its key under up to eight passphrases. Numbers are big-endian.
 */
public final class LuksHeader {
    /** For one key slot: several times what two seconds' worth is on any host. */
    static final long MAX_ITERATIONS = 20_000_000;
    /** HMACs that all slots together may take, each up to its last iteration: about half a minute's worth. */
    private static final long MAX_WORK = 100_000_000;
    static final int SECTOR = 512;

    private static final byte[] MAGIC = {'L', 'U', 'K', 'S', (byte) 0xba, (byte) 0xbe};
    private static final int VERSION = 6;
    private static final int CIPHER_NAME = 8;
    private static final int CIPHER_MODE = 40;
    private static final int HASH_SPEC = 72;
    private static final int TEXT = 32;
    private static final int PAYLOAD_OFFSET = 104;
    private static final int KEY_BYTES = 108;
    private static final int MK_DIGEST = 112;
    private static final int MK_DIGEST_LENGTH = 20;
    private static final int MK_DIGEST_SALT = 132;
    private static final int SALT = 32;
    private static final int MK_DIGEST_ITERATIONS = 164;
    private static final int UUID_AT = 168;
    private static final int UUID_LENGTH = 40;
    private static final int LENGTH = 592;
    private static final int SLOTS = 208;
    private static final int SLOT = 48;
    static final int SLOT_COUNT = 8;
    // In a slot
    private static final int ITERATIONS = 4;
    private static final int SLOT_SALT = 8;
    private static final int KEY_MATERIAL = 40;
    private static final int STRIPES = 44;
    private static final int ACTIVE = 0x00ac71f3;
    private static final int INACTIVE = 0x0000dead;
    private static final int STRIPE_COUNT = 4000;

    private static final String CIPHER = "aes";
    private static final String XTS = "xts";
    private static final String PLAIN64 = "plain64";
    private static final String MODE = XTS + "-" + PLAIN64;
    private static final Set<String> HASHES = Set.of("sha1", "sha256", "sha512");
    private static final int NEW_KEY = 64;
    private static final int ALIGNMENT = 4096 / SECTOR;

    private final ByteBuffer bytes;

    private LuksHeader(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    /** Reads a header that starts at {@code offset} of {@code file} and has {@code room} bytes there. */
    public static LuksHeader read(ImageFile file, long offset, long room) throws IOException {
        ByteBuffer b = Bytes.read(file, offset, LENGTH, ByteOrder.BIG_ENDIAN);
        require(Arrays.equals(b.array(), 0, MAGIC.length, MAGIC, 0, MAGIC.length),
                "not a LUKS header: its first bytes are not"
                + " LUKS");
        require(b.getShort(VERSION) == 1, "LUKS version " + b.getShort(VERSION) + " is not supported, 1 is");
        LuksHeader header = new LuksHeader(b);
        String cipher = header.text(CIPHER_NAME, TEXT) + "-" + header.text(CIPHER_MODE, TEXT);
        require(cipher.equals(CIPHER + "-" + MODE), "LUKS cipher " + Bytes.printable(cipher) + " is not supported, "
                + CIPHER + "-" + MODE + " is");
        require(HASHES.contains(header.hash()), "LUKS hash " + Bytes.printable(header.hash())
                + " is not supported; sha1, sha256 and sha512 are");
        int keyBytes = b.getInt(KEY_BYTES);
        require(keyBytes == 32 || keyBytes == 64, "corrupt LUKS header: a key of " + keyBytes + " bytes");
        require(header.payload() >= LENGTH && header.payload() <= Math.min(room, 1L << 30),
                "corrupt LUKS header: the payload starts at " + header.payload());
        require(iterations(b.getInt(MK_DIGEST_ITERATIONS)), "corrupt or hostile LUKS header: the check of the key asks for "
                + Integer.toUnsignedString(b.getInt(MK_DIGEST_ITERATIONS)) + " rounds, 1 to " + MAX_ITERATIONS
                + " are allowed");
        return header;
    }

    private static boolean iterations(int value) {
        return value > 0 && value <= MAX_ITERATIONS;
    }

    private String text(int at, int length) {
        return Bytes.text(bytes, at, length, StandardCharsets.US_ASCII);
    }

    private String hash() {
        return text(HASH_SPEC, TEXT);
    }

    /** Bytes from the header's start to the first encrypted one. */
    public long payload() {
        return number(PAYLOAD_OFFSET) * SECTOR;
    }

    private int keyBytes() {
        return bytes.getInt(KEY_BYTES);
    }

    /** What it says; that takes no passphrase. Half of the key is for XTS's tweak. */
    FormatInfo.Luks info() {
        List<FormatInfo.Luks.Slot> slots = new ArrayList<>();
        for (int i = 0; i < SLOT_COUNT; i++) {
            slots.add(new FormatInfo.Luks.Slot(active(i), number(slot(i) + ITERATIONS), material(i),
                    number(slot(i) + STRIPES)));
        }
        return new FormatInfo.Luks(CIPHER + "-" + keyBytes() * Byte.SIZE / 2, XTS, PLAIN64, hash(),
                Bytes.printable(text(UUID_AT, UUID_LENGTH)), slots, payload(), number(MK_DIGEST_ITERATIONS));
    }

    private long number(int at) {
        return Integer.toUnsignedLong(bytes.getInt(at));
    }

    /**
     * What encrypts the disk.
     *
     * @throws IOException where no slot is for this passphrase
     */
    XtsCipher unlock(ImageFile file, long offset, Secret secret) throws IOException {
        return new XtsCipher(masterKey(file, offset, secret));
    }

    /** The disk's key, likewise. */
    byte[] masterKey(ImageFile file, long offset, Secret secret) throws IOException {
        requireBoundedWork();
        try {
            for (int slot = 0; slot < SLOT_COUNT; slot++) {
                byte[] key = open(file, offset, slot, secret.bytes());
                if (key != null) {
                    return key;
                }
            }
        } catch (GeneralSecurityException e) {
            throw lacking(this, e);
        }
        throw new IOException("the passphrase opens none of the image's key slots");
    }

    /** What this Java cannot do. */
    static IOException lacking(LuksHeader header, GeneralSecurityException e) {
        return new IOException("this Java has no " + header.hash() + " or no AES: " + e.getMessage(), e);
    }

    /** A wrong passphrase tries all slots, and checks the key that each gives. */
    void requireBoundedWork() throws IOException {
        long work = 0;
        for (int i = 0; i < SLOT_COUNT; i++) {
            if (active(i)) {
                long iterations = number(slot(i) + ITERATIONS);
                work += iterations * Pbkdf2.blocks(hash(), keyBytes())
                        + (long) bytes.getInt(MK_DIGEST_ITERATIONS) * Pbkdf2.blocks(hash(), MK_DIGEST_LENGTH);
            }
        }
        require(work <= MAX_WORK, "corrupt or hostile LUKS header: its key slots ask for " + work / 1_000_000
                + " million rounds of " + hash() + ", at most " + MAX_WORK / 1_000_000 + " million are allowed");
    }

    /** Where slot {@code number} is in the header. */
    private static int slot(int number) {
        return SLOTS + number * SLOT;
    }

    boolean active(int number) {
        return bytes.getInt(slot(number)) == ACTIVE;
    }

    /** Where the key material of a slot starts, in bytes from the header's start. */
    long material(int number) {
        return number(slot(number) + KEY_MATERIAL) * SECTOR;
    }

    /** Bytes of key material of any slot. */
    int materialLength() {
        return keyBytes() * STRIPE_COUNT;
    }

    /** Refuses a slot whose key material lies elsewhere than between header and disk. */
    private void requireInRange(int number) throws IOException {
        require(bytes.getInt(slot(number) + STRIPES) == STRIPE_COUNT && material(number) >= LENGTH
                && material(number) + materialLength() <= payload(), "corrupt LUKS header: a key slot is out of range");
    }

    /** Refuses a slot whose key material cannot be written without harm to another's. */
    void requireRoom(int number) throws IOException {
        requireInRange(number);
        for (int other = 0; other < SLOT_COUNT; other++) {
            require(other == number || !active(other) || Math.abs(material(other) - material(number)) >= materialLength(),
                    "corrupt LUKS header: key slots " + number + " and " + other + " overlap");
        }
    }

    /** The disk's key, where {@code password} is that of slot {@code number}; else null. */
    byte[] open(ImageFile file, long offset, int number, byte[] password) throws IOException, GeneralSecurityException {
        if (!active(number)) {
            return null;
        }
        requireInRange(number);
        int iterations = bytes.getInt(slot(number) + ITERATIONS);
        require(iterations(iterations), "corrupt LUKS header: a key slot is out of range");
        byte[] derived = Pbkdf2.derive(hash(), password, slice(slot(number) + SLOT_SALT, SALT), iterations, keyBytes());
        byte[] stripes = Bytes.read(file, offset + material(number), materialLength(), ByteOrder.BIG_ENDIAN).array();
        new XtsCipher(derived).decrypt(0, stripes, stripes.length);
        byte[] key = AntiForensic.merge(hash(), stripes, keyBytes());
        byte[] digest = digest(key);
        return MessageDigest.isEqual(digest, slice(MK_DIGEST, MK_DIGEST_LENGTH)) ? key : null;
    }

    private byte[] slice(int at, int length) {
        return Arrays.copyOfRange(bytes.array(), at, at + length);
    }

    private byte[] digest(byte[] key) throws GeneralSecurityException {
        return Pbkdf2.derive(hash(), key, slice(MK_DIGEST_SALT, SALT), bytes.getInt(MK_DIGEST_ITERATIONS), MK_DIGEST_LENGTH);
    }

    /** Bytes that a new header takes with its key slots. */
    public static long newLength() {
        return (ALIGNMENT + SLOT_COUNT * slotSectors()) * SECTOR;
    }

    private static long slotSectors() {
        return Bits.alignUp(NEW_KEY * STRIPE_COUNT / SECTOR, ALIGNMENT);
    }

    /**
     * Writes a header with a new key, under one passphrase whose check takes about {@code millis} on this host.
     *
     * @throws IOException where the host fails
     */
    public static void create(ImageFile file, long offset, Secret secret, int millis) throws IOException {
        try {
            byte[] key = random(NEW_KEY);
            LuksHeader header = new LuksHeader(ByteBuffer.allocate(LENGTH));
            header.describe();
            header.bytes.putInt(MK_DIGEST_ITERATIONS, (int) Pbkdf2.iterations(header.hash(), MK_DIGEST_LENGTH, millis / 8));
            header.bytes.put(MK_DIGEST, header.digest(key));
            byte[] stripes = header.lock(0, key, secret.bytes(), millis);
            Bytes.write(file, offset + header.material(0), ByteBuffer.wrap(stripes));
            header.write(file, offset);
        } catch (GeneralSecurityException e) {
            throw new IOException("this Java has no SHA-256 or no AES: " + e.getMessage(), e);
        }
    }

    private void describe() {
        bytes.put(0, MAGIC).putShort(VERSION, (short) 1);
        bytes.put(CIPHER_NAME, CIPHER.getBytes(StandardCharsets.US_ASCII));
        bytes.put(CIPHER_MODE, MODE.getBytes(StandardCharsets.US_ASCII));
        bytes.put(HASH_SPEC, "sha256".getBytes(StandardCharsets.US_ASCII));
        bytes.putInt(PAYLOAD_OFFSET, (int) (newLength() / SECTOR));
        bytes.putInt(KEY_BYTES, NEW_KEY);
        bytes.put(MK_DIGEST_SALT, random(SALT));
        bytes.put(UUID_AT, UUID.randomUUID().toString().getBytes(StandardCharsets.US_ASCII));
        for (int i = 0; i < SLOT_COUNT; i++) {
            int slot = slot(i);
            bytes.putInt(slot, INACTIVE);
            bytes.putInt(slot + KEY_MATERIAL, (int) (ALIGNMENT + i * slotSectors()));
            bytes.putInt(slot + STRIPES, STRIPE_COUNT);
        }
    }

    /** Makes a slot active, in memory; returns its key material. */
    byte[] lock(int number, byte[] key, byte[] password, int millis) throws GeneralSecurityException {
        int slot = slot(number);
        long iterations = Pbkdf2.iterations(hash(), key.length, millis);
        bytes.putInt(slot, ACTIVE);
        bytes.putInt(slot + ITERATIONS, (int) iterations);
        bytes.put(slot + SLOT_SALT, random(SALT));
        byte[] stripes = AntiForensic.split(hash(), key, STRIPE_COUNT);
        byte[] derived = Pbkdf2.derive(hash(), password, slice(slot + SLOT_SALT, SALT), iterations, key.length);
        new XtsCipher(derived).encrypt(0, stripes, stripes.length);
        return stripes;
    }

    /** Makes a slot one without passphrase, in memory. */
    void deactivate(int number) {
        bytes.putInt(slot(number), INACTIVE);
        bytes.putInt(slot(number) + ITERATIONS, 0);
        bytes.put(slot(number) + SLOT_SALT, new byte[SALT]);
    }

    /** Writes the header, without key material. */
    void write(ImageFile file, long offset) throws IOException {
        Bytes.write(file, offset, bytes);
    }

    static byte[] random(int length) {
        byte[] random = new byte[length];
        new SecureRandom().nextBytes(random);
        return random;
    }
}
