package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jkvm.storage.layer.Buffers;

/** Writes to an image and leaves out, or makes holes of, zeroes of some length. Any thread may call. */
final class SparseWriter {
    private final Image target;
    private final int unit;
    private final boolean targetIsZero;

    /**
     * A writer.
     *
     * @param unit bytes of zeroes, at multiples of as many, that are not stored; 0 stores all
     * @param targetIsZero the target reads as zeroes where nothing is written
     */
    SparseWriter(Image target, int unit, boolean targetIsZero) {
        this.target = target;
        this.unit = unit;
        this.targetIsZero = targetIsZero;
    }

    /**
     * Writes {@code data}, at most 1 GiB, at {@code offset}: runs of units that are zeroes or not, each as such;
     * {@code placed} as in {@link Image#writeNow(long, MemorySegment, Runnable)}.
     */
    void write(long offset, MemorySegment data, Runnable placed) throws IOException {
        if (unit == 0) {
            target.writeNow(offset, data, placed);
            return;
        }
        ByteBuffer view = data.asByteBuffer();
        int at = 0;
        while (at < view.capacity()) {
            boolean zero = Zeroes.only(data, view, at, unitEnd(offset, view, at));
            int end = runEnd(offset, data, view, at, zero);
            if (zero) {
                zero(offset + at, end - at);
            } else {
                target.writeNow(offset + at, data.asSlice(at, end - at), end == view.capacity() ? placed : () -> { });
            }
            at = end;
        }
    }

    /** The end of the units from {@code at} on that are zeroes as that one is, or are not. */
    private int runEnd(long offset, MemorySegment data, ByteBuffer view, int at, boolean zero) {
        int end = unitEnd(offset, view, at);
        while (end < view.capacity()) {
            end = zero ? (int) Zeroes.end(data, end, unit) : end;
            int next = unitEnd(offset, view, end);
            if (end == next || Zeroes.only(data, view, end, next) != zero) {
                return end;
            }
            end = next;
        }
        return end;
    }

    /** The end of the unit of the disk in which {@code at} of {@code view} lies. */
    private int unitEnd(long offset, ByteBuffer view, int at) {
        long place = offset + at;
        return (int) Math.min(view.capacity(), place - place % unit + unit - offset);
    }

    /** Makes a range read as zeroes. */
    void zero(long offset, long length) throws IOException {
        if (unit == 0) {
            writeZeroBytes(offset, length);
        } else if (!targetIsZero) {
            target.writeZeroesNow(offset, length, true);
        }
    }

    private void writeZeroBytes(long offset, long length) throws IOException {
        for (long at = 0; at < length; at += Buffers.CHUNK) {
            target.writeNow(offset + at, Buffers.zeroes().asSlice(0, Math.min(Buffers.CHUNK, length - at)));
        }
    }
}
