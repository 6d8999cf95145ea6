package org.jkvm.storage.layer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jkvm.base.Bits;
import org.jkvm.linux.NativeBytes;

/** Memory for disk I/O. */
public final class Buffers {
    /** Aligned for O_DIRECT on any device in use. */
    public static final int ALIGNMENT = 4096;
    /** The most that is written at once where a range is filled. */
    public static final int CHUNK = 1 << 20;

    /** Made at its first use. Zeroes may be shared: nobody writes to them, the segment is read-only. */
    private static final class Zero {
        private static final MemorySegment CHUNK_OF = allocate(CHUNK).asReadOnly();
    }

    private Buffers() {
    }

    /**
     * Zeroed native memory of less than 2 GiB, aligned for O_DIRECT, freed when unreachable: for what lives long. By way of a
     * buffer: the JVM clears an arena's word by word, which code that has not been compiled yet takes milliseconds for.
     */
    public static MemorySegment allocate(long size) {
        int bytes = Math.toIntExact(Bits.alignUp(Math.max(size, 1), ALIGNMENT) + ALIGNMENT);
        return MemorySegment.ofBuffer(ByteBuffer.allocateDirect(bytes).alignedSlice(ALIGNMENT)).asSlice(0, size);
    }

    /** Zeroed native memory, aligned for O_DIRECT, freed with {@code arena}: for what lives as long as a request. */
    public static MemorySegment allocate(Arena arena, long size) {
        return arena.allocate(Bits.alignUp(Math.max(size, 1), ALIGNMENT), ALIGNMENT).asSlice(0, size);
    }

    /** {@link #CHUNK} bytes of zeroes, read-only. */
    public static MemorySegment zeroes() {
        return Zero.CHUNK_OF;
    }

    /** Whether there is nothing but zeroes in {@code data}. */
    public static boolean isZero(MemorySegment data) {
        for (long at = 0; at < data.byteSize(); at += CHUNK) {
            MemorySegment part = data.asSlice(at, Math.min(CHUNK, data.byteSize() - at));
            MemorySegment zeroes = Zero.CHUNK_OF.asSlice(0, part.byteSize());
            if (part.isNative() ? !NativeBytes.same(part, zeroes) : part.mismatch(zeroes) >= 0) {
                return false;
            }
        }
        return true;
    }

    /** Writes zeroes over a range. */
    public static void writeZeroes(ImageFile file, long offset, long length) throws IOException {
        for (long done = 0; done < length; done += CHUNK) {
            file.write(offset + done, Zero.CHUNK_OF.asSlice(0, Math.min(CHUNK, length - done)));
        }
    }
}
