package org.jkvm.storage.luks;

import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** PBKDF2 (RFC 8018, 5.2) of a password that is bytes, which the JDK's own does not take. */
final class Pbkdf2 {
    private static final int SAMPLE = 2000;
    private static final int MIN_ITERATIONS = 1000;

    private Pbkdf2() {
    }

    /** The HMAC for a hash as LUKS names it: {@code "sha256"}. */
    private static String mac(String hash) {
        return "Hmac" + hash.toUpperCase(Locale.ROOT);
    }

    /** How many times all iterations are made for {@code length} bytes. */
    static int blocks(String hash, int length) {
        int bytes = switch (hash) {
            case "sha1" -> 20;
            case "sha256" -> 32;
            default -> 64;
        };
        return Math.ceilDiv(length, bytes);
    }

    static byte[] derive(String hash, byte[] password, byte[] salt, long iterations, int length)
            throws GeneralSecurityException {
        Mac mac = Mac.getInstance(mac(hash));
        // HMAC fills a short key up with zeroes: an empty one is the same as a zero byte, and the JDK takes no empty one.
        mac.init(new SecretKeySpec(password.length == 0 ? new byte[1] : password, mac.getAlgorithm()));
        byte[] key = new byte[length];
        int block = mac.getMacLength();
        for (int i = 0; i * block < length; i++) {
            byte[] t = block(mac, salt, i + 1, iterations);
            System.arraycopy(t, 0, key, i * block, Math.min(block, length - i * block));
        }
        return key;
    }

    private static byte[] block(Mac mac, byte[] salt, int number, long iterations) {
        mac.update(salt);
        byte[] u = mac.doFinal(new byte[] {(byte) (number >>> 24), (byte) (number >>> 16), (byte) (number >>> 8),
            (byte) number});
        byte[] t = Arrays.copyOf(u, u.length);
        for (long i = 1; i < iterations; i++) {
            u = mac.doFinal(u);
            for (int b = 0; b < t.length; b++) {
                t[b] ^= u[b];
            }
        }
        return t;
    }

    /** How many iterations take about {@code millis} on this host for a key of {@code length} bytes. */
    static long iterations(String hash, int length, long millis) throws GeneralSecurityException {
        // The first rounds are slow: they are being compiled.
        derive(hash, new byte[16], new byte[32], SAMPLE * 5L, length);
        long start = System.nanoTime();
        derive(hash, new byte[16], new byte[32], SAMPLE, length);
        long nanos = Math.max(1, System.nanoTime() - start);
        return Math.clamp(millis * 1_000_000L * SAMPLE / nanos, MIN_ITERATIONS, LuksHeader.MAX_ITERATIONS);
    }
}
