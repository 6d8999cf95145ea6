package org.jkvm.storage.qcow2;

import java.util.Arrays;
import java.util.zip.Deflater;

/**
 * Raw deflate whose references go back no further than 4 KiB: QEMU unpacks clusters with a window of that size. The
 * JDK's deflater always uses 32 KiB, so it gets short pieces, each with the one before as its dictionary.
 */
final class SmallWindow {
    private static final int WINDOW = 4096;
    private static final int PIECE = WINDOW / 2;
    private static final int SAMPLES = 4;

    private SmallWindow() {
    }

    /** The stream for {@code data}, or {@code data} itself where the stream would not be shorter. */
    static byte[] deflate(byte[] data) {
        Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
        try {
            return worthIt(data, deflater) ? deflate(data, deflater) : data;
        } finally {
            deflater.end();
        }
    }

    /**
     * Whether one of a few pieces gets shorter. What is packed or encrypted already, and will hardly get shorter as a whole,
     * takes the longest to find that out.
     */
    private static boolean worthIt(byte[] data, Deflater deflater) {
        int step = Math.max(PIECE, data.length / SAMPLES);
        byte[] packed = new byte[PIECE];
        for (int at = 0; at < data.length; at += step) {
            deflater.reset();
            deflater.setInput(data, at, Math.min(PIECE, data.length - at));
            deflater.finish();
            if (deflater.deflate(packed) < Math.min(PIECE, data.length - at)) {
                return true;
            }
        }
        return false;
    }

    private static byte[] deflate(byte[] data, Deflater deflater) {
        byte[] packed = new byte[data.length];
        int done = 0;
        for (int at = 0; at < data.length && done < packed.length; at += PIECE) {
            deflater.reset();
            deflater.setDictionary(data, Math.max(0, at - PIECE), Math.min(at, PIECE));
            deflater.setInput(data, at, Math.min(PIECE, data.length - at));
            boolean last = at + PIECE >= data.length;
            if (last) {
                deflater.finish();
            }
            done += deflater.deflate(packed, done, packed.length - done, last ? Deflater.NO_FLUSH : Deflater.SYNC_FLUSH);
        }
        // A full buffer may mean that more was to come.
        return done < packed.length ? Arrays.copyOf(packed, done) : data;
    }
}
