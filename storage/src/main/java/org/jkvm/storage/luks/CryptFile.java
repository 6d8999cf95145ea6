package org.jkvm.storage.luks;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.GeneralSecurityException;
import java.util.Optional;
import org.jkvm.base.Bits;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.KeyChange;
import org.jkvm.storage.Secret;
import org.jkvm.storage.layer.ImageFile;

/**
 * A file whose bytes from some place on are encrypted, sector by sector; that place is offset 0 here. Its holes do not
 * read as zeroes: nothing is punched. Ranges that are not whole sectors are completed first; nobody else may write to
 * the same sector meanwhile.
 */
public final class CryptFile implements ImageFile {
    private static final int SECTOR = XtsCipher.SECTOR;
    private static final int CHUNK = 1 << 16;

    private final ImageFile file;
    private final long start;
    private final LuksHeader luks;
    private final long headerOffset;
    private final Secret secret;
    /** Null while nobody has said the passphrase. */
    private final XtsCipher cipher;

    private CryptFile(ImageFile file, LuksHeader luks, long headerOffset, long start, Secret secret) throws IOException {
        this.file = file;
        this.luks = luks;
        this.headerOffset = headerOffset;
        this.start = start;
        this.secret = secret;
        this.cipher = secret == null ? null : luks.unlock(file, headerOffset, secret);
    }

    /**
     * The encrypted part of a file, whose LUKS header is at {@code header}.
     *
     * @param start where the encrypted bytes start, and their first sector has number 0
     * @param secret the passphrase, or null: then nothing can be read or written
     * @throws IOException where the passphrase is wrong
     */
    public static CryptFile open(ImageFile file, LuksHeader luks, long header, long start, Secret secret)
            throws IOException {
        return new CryptFile(file, luks, header, start, secret);
    }

    /** The disk's key stays. It is closed next. */
    @Override
    public void changeKeys(KeyChange change) throws IOException {
        cipher();
        new KeySlots(file, headerOffset, luks).change(secret, change);
    }

    @Override
    public Optional<FormatInfo.Luks> encryption() {
        return Optional.of(luks.info());
    }

    private XtsCipher cipher() throws IOException {
        if (cipher == null) {
            throw new IOException("the image is encrypted, and no passphrase was given");
        }
        return cipher;
    }

    @Override
    public long size() {
        return Math.max(0, file.size() - start);
    }

    @Override
    public boolean growsWithZeroes() {
        return false;
    }

    @Override
    public void read(long offset, MemorySegment target) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK, target.byteSize() + 2 * SECTOR)];
        for (long done = 0; done < target.byteSize(); ) {
            long first = Bits.alignDown(offset + done, SECTOR);
            int into = (int) (offset + done - first);
            int length = (int) Math.min(chunk.length & -SECTOR, Bits.alignUp(into + target.byteSize() - done, SECTOR));
            sectors(first, chunk, length);
            long n = Math.min(length - into, target.byteSize() - done);
            MemorySegment.copy(chunk, into, target, ValueLayout.JAVA_BYTE, done, (int) n);
            done += n;
        }
    }

    private void sectors(long first, byte[] chunk, int length) throws IOException {
        file.read(start + first, MemorySegment.ofArray(chunk).asSlice(0, length));
        try {
            cipher().decrypt(first / SECTOR, chunk, length);
        } catch (GeneralSecurityException e) {
            throw new IOException("decryption failed: " + e.getMessage(), e);
        }
    }

    @Override
    public void write(long offset, MemorySegment source) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK, source.byteSize() + 2 * SECTOR)];
        for (long done = 0; done < source.byteSize(); ) {
            long first = Bits.alignDown(offset + done, SECTOR);
            int into = (int) (offset + done - first);
            int length = (int) Math.min(chunk.length & -SECTOR, Bits.alignUp(into + source.byteSize() - done, SECTOR));
            long n = Math.min(length - into, source.byteSize() - done);
            if (n < length) {
                sectors(first, chunk, length);
            }
            MemorySegment.copy(source, ValueLayout.JAVA_BYTE, done, chunk, into, (int) n);
            writeSectors(first, chunk, length);
            done += n;
        }
    }

    private void writeSectors(long first, byte[] chunk, int length) throws IOException {
        try {
            cipher().encrypt(first / SECTOR, chunk, length);
        } catch (GeneralSecurityException e) {
            throw new IOException("encryption failed: " + e.getMessage(), e);
        }
        file.write(start + first, MemorySegment.ofArray(chunk).asSlice(0, length));
    }

    @Override
    public void flush() throws IOException {
        file.flush();
    }

    /** New bytes are written: only so do they read as zeroes. */
    @Override
    public void setSize(long size) throws IOException {
        long old = size();
        file.setSize(start + size);
        for (long at = old; at < size; at += CHUNK) {
            write(at, MemorySegment.ofArray(new byte[(int) Math.min(CHUNK, size - at)]));
        }
    }

    @Override
    public boolean punch(long offset, long length) {
        return false;
    }

    @Override
    public boolean zero(long offset, long length) {
        return false;
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
