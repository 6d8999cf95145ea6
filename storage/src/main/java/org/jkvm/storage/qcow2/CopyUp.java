package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.backend.Pieces;
import org.jkvm.storage.layer.Buffers;

/** Copies what an image has from its backing file into it. The caller holds an exclusive lock. */
record CopyUp(ClusterReader reader, DiskWriter writer) {
    private static final int PIECE = 1 << 20;

    /** Copies what is unallocated from {@code from} to {@code to}, in a disk of {@code size} bytes. */
    void copy(long from, long to, long size) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = Buffers.allocate(arena, Math.min(PIECE, to - from));
            for (long at = from; at < to; ) {
                Extent extent = reader.extent(at, Math.min(PIECE, to - at));
                if (extent.kind() == Extent.Kind.UNALLOCATED) {
                    copy(at, buffer.asSlice(0, extent.length()), size);
                }
                at += extent.length();
            }
        }
    }

    private void copy(long offset, MemorySegment buffer, long size) throws IOException {
        reader.read(offset, buffer);
        if (Buffers.isZero(buffer)) {
            writer.writeZeroes(offset, offset + buffer.byteSize(), true, size);
        } else {
            writer.write(offset, Pieces.of(buffer));
        }
    }
}
