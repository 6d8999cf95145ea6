package org.jkvm.x86.mmu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jkvm.base.Bits;
import org.jkvm.linux.SharedMemory;

/**
 * What interpreted instructions would store, kept beside memory: for lock-step mode, which executes them to know what generated
 * code has to do. Only plain RAM that the soft TLB knows is accessed; anything else {@linkplain Stop stops}. On the vCPU's
 * thread.
 */
public final class Speculation implements AutoCloseable {
    private static final long TLB_BYTES = (long) Mmu.ENTRIES * Mmu.ENTRY_SIZE;

    private final MemorySegment missing = SharedMemory.mapAnonymous(TLB_BYTES,
            SharedMemory.PROT_READ | SharedMemory.PROT_WRITE);
    private final Stop stop = new Stop();
    private long[] address = new long[64];
    private int[] size = new int[64];
    private long[] value = new long[64];
    private long[] old = new long[64];
    private int count;
    private long low = -1;
    private long high;
    private boolean ascending = true;

    /** An access that is more than one of RAM: its instruction must not be executed ahead. Without a stack trace. */
    public static final class Stop extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Stop() {
            super(null, null, false, false);
        }
    }

    /** Keeps nothing yet. */
    public Speculation() {
        missing.fill((byte) -1);
    }

    /** Address of a TLB in which nothing is found. */
    long missing() {
        return missing.address();
    }

    Stop stop() {
        return stop;
    }

    /** How many stores are kept. */
    public int count() {
        return count;
    }

    /** Forgets the stores from number {@code from} on. */
    public void forget(int from) {
        count = from;
        if (from == 0) {
            low = -1;
            high = 0;
            ascending = true;
        }
    }

    /** Reads {@code bytes} at a host address as if all stores had been made. */
    long load(long host, int bytes) {
        long memory = HostAccess.read(host, bytes);
        return host >= high || host + bytes <= low ? memory : overlay(memory, host, bytes);
    }

    private long overlay(long memory, long host, int bytes) {
        long result = memory;
        for (int n = 0; n < count; n++) {
            long distance = address[n] - host;
            if (distance < bytes && distance > -size[n]) {
                result = merge(result, n, (int) distance);
            }
        }
        return bytes == 8 ? result : result & (1L << 8 * bytes) - 1;
    }

    /** Puts store {@code n} over a value that it begins {@code distance} bytes behind; where that is negative, before. */
    private long merge(long under, int n, int distance) {
        long mask = size[n] == 8 ? -1L : (1L << 8 * size[n]) - 1;
        return distance >= 0 ? under & ~(mask << 8 * distance) | (value[n] & mask) << 8 * distance
                : under & ~(mask >>> -8 * distance) | (value[n] & mask) >>> -8 * distance;
    }

    /** Keeps a store of {@code bytes} to a host address. */
    void store(long host, int bytes, long stored) {
        if (count == address.length) {
            grow();
        }
        ascending &= host >= high;
        low = count == 0 ? host : Math.min(low, host);
        high = Math.max(high, host + bytes);
        address[count] = host;
        size[count] = bytes;
        value[count] = stored;
        old[count] = HostAccess.read(host, bytes);
        count++;
    }

    private void grow() {
        address = Arrays.copyOf(address, 2 * count);
        size = Arrays.copyOf(size, 2 * count);
        value = Arrays.copyOf(value, 2 * count);
        old = Arrays.copyOf(old, 2 * count);
    }

    /** Whether memory holds what all stores would leave there. */
    public boolean isInMemory() {
        for (int n = 0; n < count; n++) {
            long last = ascending ? value[n] & Bits.mask(8 * size[n]) : load(address[n], size[n]);
            if (last != HostAccess.read(address[n], size[n])) {
                return false;
            }
        }
        return true;
    }

    /** What stands in memory where there are stores, for {@link #write}. */
    public long[] read() {
        long[] memory = new long[count];
        for (int n = 0; n < count; n++) {
            memory[n] = HostAccess.read(address[n], size[n]);
        }
        return memory;
    }

    /** Puts {@code memory}, which {@link #read} gave, back. */
    public void write(long[] memory) {
        for (int n = 0; n < memory.length; n++) {
            HostAccess.write(address[n], size[n], memory[n]);
        }
    }

    /** Puts back what was there before the stores. */
    public void undo() {
        write(Arrays.copyOf(old, count));
    }

    /** The stores, one a line: what was there, what is to be, what is. */
    public String describe() {
        StringBuilder text = new StringBuilder();
        for (int n = 0; n < count; n++) {
            text.append("  %d bytes at host %x: was %x, interpreter %x, now %x%n".formatted(size[n], address[n], old[n],
                    load(address[n], size[n]), HostAccess.read(address[n], size[n])));
        }
        return text.toString();
    }

    @Override
    public void close() {
        SharedMemory.unmap(missing);
    }
}
