package org.jkvm.storage.luks;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Locale;

/**
 * The anti-forensic splitter (LUKS On-Disk Format Specification 1.2.3, "AF-Splitter"): a key becomes so many stripes that
 * losing a few bytes of them loses it.
 */
final class AntiForensic {
    private AntiForensic() {
    }

    static byte[] split(String hash, byte[] key, int stripes) throws GeneralSecurityException {
        byte[] all = new byte[key.length * stripes];
        byte[] random = new byte[key.length * (stripes - 1)];
        new SecureRandom().nextBytes(random);
        System.arraycopy(random, 0, all, 0, random.length);
        byte[] last = fold(hash, all, key.length, stripes);
        xor(last, key, 0);
        System.arraycopy(last, 0, all, random.length, key.length);
        return all;
    }

    static byte[] merge(String hash, byte[] stripes, int keyLength) throws GeneralSecurityException {
        int count = stripes.length / keyLength;
        byte[] key = fold(hash, stripes, keyLength, count);
        xor(key, stripes, (count - 1) * keyLength);
        return key;
    }

    /** All stripes but the last, each added and the sum mixed. */
    private static byte[] fold(String hash, byte[] stripes, int length, int count) throws GeneralSecurityException {
        MessageDigest digest = digest(hash);
        byte[] sum = new byte[length];
        for (int i = 0; i < count - 1; i++) {
            xor(sum, stripes, i * length);
            sum = diffuse(digest, sum);
        }
        return sum;
    }

    private static void xor(byte[] target, byte[] source, int from) {
        for (int i = 0; i < target.length; i++) {
            target[i] ^= source[from + i];
        }
    }

    private static byte[] diffuse(MessageDigest digest, byte[] data) {
        byte[] mixed = new byte[data.length];
        int size = digest.getDigestLength();
        for (int at = 0, number = 0; at < data.length; at += size, number++) {
            int length = Math.min(size, data.length - at);
            digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, number));
            digest.update(data, at, length);
            System.arraycopy(digest.digest(), 0, mixed, at, length);
        }
        return mixed;
    }

    private static MessageDigest digest(String hash) throws GeneralSecurityException {
        return MessageDigest.getInstance(hash.toUpperCase(Locale.ROOT).replace("SHA", "SHA-"));
    }
}
