package org.jkvm.app.img.resident;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/**
 * What a launcher asks for.
 *
 * @param process its folder in /proc
 * @param address the address that it has open, by that folder: nobody else's process has
 * @param locale what it has of LC_ALL, LC_CTYPE, LANG and TZ, which say how names and dates are written
 * @param words of the command line, behind kvm-img
 */
record Call(Path process, Path address, String locale, List<String> words) {
    private static final int MOST_WORDS = 1000;
    private static final int MOST_BYTES = 128 << 10;
    private static final int PATIENCE_MILLIS = 200;

    /**
     * Hears the key, by which we know a launcher, and says the proof, by which it knows us: not to others, who may take our port
     * when we are gone.
     *
     * @throws IOException where it knows no key, or is slow
     */
    static void greet(Socket launcher, Address address) throws IOException {
        launcher.setSoTimeout(PATIENCE_MILLIS);
        byte[] key = (address.key() + "\0").getBytes(StandardCharsets.US_ASCII);
        if (!MessageDigest.isEqual(key, launcher.getInputStream().readNBytes(key.length))) {
            throw new IOException("another user");
        }
        launcher.getOutputStream().write((address.proof() + "\n").getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * Reads what a launcher asks for.
     *
     * @throws IOException where that is nothing that one asks, or it is slow
     */
    static Call from(Socket launcher, Charset charset) throws IOException {
        Reader reader = new Reader(new BufferedInputStream(launcher.getInputStream()), charset);
        Path process = Path.of("/proc", Integer.toString(reader.number(Integer.MAX_VALUE)));
        Path open = process.resolve("fd").resolve(Integer.toString(reader.number(Integer.MAX_VALUE)));
        String locale = reader.word();
        List<String> words = new ArrayList<>();
        for (int left = reader.number(MOST_WORDS); left > 0; left--) {
            words.add(reader.word());
        }
        launcher.setSoTimeout(0);
        return new Call(process, open, locale, List.copyOf(words));
    }

    /** Whether what we see of files is what the caller sees. */
    boolean isFrom(Standing standing, Address ours) {
        try {
            return Files.isSameFile(address, ours.file()) && Standing.of(process).equals(standing);
        } catch (IOException e) {
            return false;
        }
    }

    /** Words that end with a zero byte. */
    private static final class Reader {
        private final InputStream in;
        private final Charset charset;
        private int left = MOST_BYTES;

        Reader(InputStream in, Charset charset) {
            this.in = in;
            this.charset = charset;
        }

        String word() throws IOException {
            ByteArrayOutputStream word = new ByteArrayOutputStream();
            for (int b = in.read(); b != 0; b = in.read()) {
                if (b < 0 || left-- == 0) {
                    throw new IOException("no word");
                }
                word.write(b);
            }
            return word.toString(charset);
        }

        int number(int most) throws IOException {
            try {
                int number = Integer.parseInt(word());
                if (number >= 0 && number <= most) {
                    return number;
                }
            } catch (NumberFormatException _) {
                // Said below.
            }
            throw new IOException("no number up to " + most);
        }
    }
}
