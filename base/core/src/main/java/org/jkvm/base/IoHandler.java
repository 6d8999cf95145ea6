package org.jkvm.base;

/**
 * What answers accesses to a range of ports or addresses: one register window of a chip. The chip does not know where
 * the window is mapped. Called with the bus lock held, by one thread at a time.
 */
public interface IoHandler {
    /**
     * Reads {@code size} bytes (1, 2, 4 or 8) at {@code offset} from the window's start.
     *
     * @return the value, zero-extended; bits above {@code size} bytes are ignored
     */
    long read(long offset, int size);

    /** Writes the low {@code size} bytes (1, 2, 4 or 8) of {@code value} at {@code offset} from the window's start. */
    void write(long offset, int size, long value);

    /**
     * Offsets at which a write of two bytes, whatever its value, says only that there is work: it may come later than what the
     * guest does next, and once for several. Always the same ones. A copy, which is the caller's.
     */
    default int[] doorbells() {
        return new int[0];
    }
}
