package org.jkvm.storage.luks;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES-XTS with 64-bit plain sector numbers (IEEE 1619; cryptsetup's {@code aes-xts-plain64}), in sectors of 512 bytes.
 * The JDK has AES only block by block or chained: the tweaks are added here. Any thread may call.
 */
final class XtsCipher {
    static final int SECTOR = 512;
    private static final int BLOCK = 16;
    /** The field polynomial x^128 + x^7 + x^2 + x + 1. */
    private static final long POLYNOMIAL = 0x87;
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] dataKey;
    private final byte[] tweakKey;
    private final ConcurrentLinkedQueue<Ciphers> idle = new ConcurrentLinkedQueue<>();

    private record Ciphers(Cipher encrypt, Cipher decrypt, Cipher tweak) {
    }

    /** {@code key} is both keys, one after the other: 32 or 64 bytes. */
    XtsCipher(byte[] key) {
        this.dataKey = Arrays.copyOf(key, key.length / 2);
        this.tweakKey = Arrays.copyOfRange(key, key.length / 2, key.length);
    }

    private static Cipher aes(int mode, byte[] key) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/ECB/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"));
        return cipher;
    }

    private Ciphers take() throws GeneralSecurityException {
        Ciphers ciphers = idle.poll();
        return ciphers != null ? ciphers : new Ciphers(aes(Cipher.ENCRYPT_MODE, dataKey), aes(Cipher.DECRYPT_MODE, dataKey),
                aes(Cipher.ENCRYPT_MODE, tweakKey));
    }

    /** Encrypts {@code data}, whole sectors, the first of which has number {@code sector}, in place. */
    void encrypt(long sector, byte[] data, int length) throws GeneralSecurityException {
        Ciphers ciphers = take();
        crypt(ciphers.encrypt(), ciphers.tweak(), sector, data, length);
        idle.add(ciphers);
    }

    /** Decrypts likewise. */
    void decrypt(long sector, byte[] data, int length) throws GeneralSecurityException {
        Ciphers ciphers = take();
        crypt(ciphers.decrypt(), ciphers.tweak(), sector, data, length);
        idle.add(ciphers);
    }

    private static void crypt(Cipher cipher, Cipher tweak, long sector, byte[] data, int length)
            throws GeneralSecurityException {
        byte[] tweaks = tweaks(tweak, sector, length);
        xor(data, tweaks, length);
        cipher.doFinal(data, 0, length, data, 0);
        xor(data, tweaks, length);
    }

    private static void xor(byte[] data, byte[] tweaks, int length) {
        for (int at = 0; at < length; at += Long.BYTES) {
            LONG.set(data, at, (long) LONG.get(data, at) ^ (long) LONG.get(tweaks, at));
        }
    }

    /** For each block of each sector its tweak: the sector's number encrypted, then multiplied by x block by block. */
    private static byte[] tweaks(Cipher tweak, long sector, int length) throws GeneralSecurityException {
        int sectors = length / SECTOR;
        byte[] first = new byte[sectors * BLOCK];
        for (int i = 0; i < sectors; i++) {
            LONG.set(first, i * BLOCK, sector + i);
        }
        tweak.doFinal(first, 0, first.length, first, 0);
        byte[] all = new byte[length];
        for (int i = 0; i < sectors; i++) {
            long low = (long) LONG.get(first, i * BLOCK);
            long high = (long) LONG.get(first, i * BLOCK + Long.BYTES);
            for (int at = i * SECTOR; at < (i + 1) * SECTOR; at += BLOCK) {
                LONG.set(all, at, low);
                LONG.set(all, at + Long.BYTES, high);
                long carry = high >> 63 & POLYNOMIAL;
                high = high << 1 | low >>> 63;
                low = low << 1 ^ carry;
            }
        }
        return all;
    }
}
