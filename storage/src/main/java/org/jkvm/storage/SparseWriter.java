package org.jkvm.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
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

    /** Writes {@code data} at {@code offset}: runs of units that are zeroes or not, each as such. */
    void write(long offset, MemorySegment data) throws IOException {
        long at = 0;
        while (at < data.byteSize()) {
            boolean zero = isZeroUnit(offset, data, at);
            long end = unitEnd(offset, data, at);
            while (end < data.byteSize() && isZeroUnit(offset, data, end) == zero) {
                end = unitEnd(offset, data, end);
            }
            if (zero) {
                zero(offset + at, end - at);
            } else {
                target.writeNow(offset + at, data.asSlice(at, end - at));
            }
            at = end;
        }
    }

    private boolean isZeroUnit(long offset, MemorySegment data, long at) {
        return unit > 0 && Zeroes.only(data, at, unitEnd(offset, data, at));
    }

    /** The end of the unit of the disk in which {@code at} of {@code data} lies. */
    private long unitEnd(long offset, MemorySegment data, long at) {
        if (unit == 0) {
            return data.byteSize();
        }
        long place = offset + at;
        return Math.min(data.byteSize(), place - place % unit + unit - offset);
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
