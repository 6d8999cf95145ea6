package org.jkvm.devices.virtio;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Guest memory in pieces: one side of a descriptor chain, or a part of it. Reused from request to request; not
 * thread-safe.
 */
public final class Segments {
    private MemorySegment[] host = new MemorySegment[4];
    private long[] guest = new long[4];
    private int count;
    private long length;

    /** How many pieces. */
    public int count() {
        return count;
    }

    /** Bytes in all pieces. */
    public long length() {
        return length;
    }

    /** Piece {@code index} in the host's memory. */
    public MemorySegment segment(int index) {
        return host[index];
    }

    /** Where piece {@code index} begins in guest physical memory. */
    public long address(int index) {
        return guest[index];
    }

    /** Copies at most {@code count} bytes from position {@code from} on; returns how many there were. */
    public int read(long from, byte[] target, int offset, int count) {
        return copy(from, target, offset, count, false);
    }

    /** Stores at most {@code count} bytes from position {@code to} on; returns how many found room. */
    public int write(long to, byte[] source, int offset, int count) {
        return copy(to, source, offset, count, true);
    }

    /** Stores the byte at {@code position}, which must be inside. */
    public void writeByte(long position, int value) {
        long at = position;
        int i = 0;
        while (at >= host[i].byteSize()) {
            at -= host[i++].byteSize();
        }
        host[i].set(ValueLayout.JAVA_BYTE, at, (byte) value);
    }

    /** Makes {@code target} the {@code wanted} bytes from position {@code from} on, which must be inside. */
    public void select(long from, long wanted, Segments target) {
        target.clear();
        long skip = from;
        for (int i = 0; i < count && target.length < wanted; i++) {
            long size = host[i].byteSize();
            long start = Math.min(skip, size);
            long part = Math.min(size - start, wanted - target.length);
            skip -= start;
            if (part > 0) {
                target.add(guest[i] + start, part == size ? host[i] : host[i].asSlice(start, part));
            }
        }
    }

    void clear() {
        Arrays.fill(host, 0, count, null);
        count = 0;
        length = 0;
    }

    /** Appends a piece. */
    void add(long address, MemorySegment segment) {
        if (count == host.length) {
            host = Arrays.copyOf(host, 2 * count);
            guest = Arrays.copyOf(guest, 2 * count);
        }
        host[count] = segment;
        guest[count++] = address;
        length += segment.byteSize();
    }

    private int copy(long from, byte[] bytes, int offset, int wanted, boolean toGuest) {
        long skip = from;
        int done = 0;
        for (int i = 0; i < count && done < wanted; i++) {
            long start = Math.min(skip, host[i].byteSize());
            int part = (int) Math.min(host[i].byteSize() - start, wanted - done);
            skip -= start;
            copyPiece(host[i], start, bytes, offset + done, part, toGuest);
            done += part;
        }
        return done;
    }

    private static void copyPiece(MemorySegment piece, long at, byte[] bytes, int offset, int length, boolean toGuest) {
        if (toGuest) {
            MemorySegment.copy(bytes, offset, piece, ValueLayout.JAVA_BYTE, at, length);
        } else {
            MemorySegment.copy(piece, ValueLayout.JAVA_BYTE, at, bytes, offset, length);
        }
    }
}
