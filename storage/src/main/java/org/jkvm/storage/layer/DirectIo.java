package org.jkvm.storage.layer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.Bits;
import org.jkvm.base.backend.Pieces;
import org.jkvm.linux.FileStatus;
import org.jkvm.linux.HostFile;

/**
 * Reads and writes of any alignment on a file that was opened with O_DIRECT. What is aligned goes straight through;
 * the rest goes through an aligned copy, and a write that covers blocks in part first reads them. Range locks keep such
 * a read-modify-write from undoing another write to the same block.
 */
final class DirectIo {
    private final HostFile file;
    private final int memoryAlign;
    private final int offsetAlign;
    private final RangeLocks locks = new RangeLocks();

    DirectIo(HostFile file, FileStatus status) {
        this.file = file;
        this.memoryAlign = alignment(status.directMemoryAlign());
        this.offsetAlign = alignment(status.directOffsetAlign());
    }

    private static int alignment(int told) {
        return Bits.isPowerOfTwo(told) && told <= Buffers.ALIGNMENT ? told : Buffers.ALIGNMENT;
    }

    /** Reads like {@link HostFile#read(long, Pieces)}. */
    long read(long offset, Pieces target) {
        return aligned(offset, target) ? file.read(offset, target) : target.eachPart(offset, this::read);
    }

    private long read(long offset, MemorySegment target) {
        return aligned(offset, target) ? file.read(offset, target) : readCopied(offset, target);
    }

    /** Writes like {@link HostFile#write(long, Pieces)}. */
    void write(long offset, Pieces source) {
        if (aligned(offset, source)) {
            try (RangeLocks.Held _ = locks.shared(offset, offset + source.byteSize() - 1)) {
                file.write(offset, source);
            }
            return;
        }
        source.eachPart(offset, this::write);
    }

    private long write(long offset, MemorySegment source) {
        long first = Bits.alignDown(offset, offsetAlign);
        long end = Bits.alignUp(offset + source.byteSize(), offsetAlign);
        boolean whole = first == offset && end == offset + source.byteSize();
        try (RangeLocks.Held _ = whole ? locks.shared(first, end - 1) : locks.exclusive(first, end - 1)) {
            if (aligned(offset, source)) {
                file.write(offset, source);
            } else {
                writeCopied(offset, source, first, end);
            }
        }
        return source.byteSize();
    }

    private boolean aligned(long offset, Pieces pieces) {
        long at = offset;
        for (int i = 0; i < pieces.count(); i++) {
            if (!aligned(at, pieces.get(i))) {
                return false;
            }
            at += pieces.get(i).byteSize();
        }
        return true;
    }

    private boolean aligned(long offset, MemorySegment memory) {
        return memory.isNative() && memory.address() % memoryAlign == 0
                && (offset | memory.byteSize()) % offsetAlign == 0;
    }

    private long readCopied(long offset, MemorySegment target) {
        long done = 0;
        while (done < target.byteSize()) {
            long want = Math.min(target.byteSize() - done, Buffers.CHUNK);
            long got = readPiece(offset + done, target.asSlice(done, want));
            done += got;
            if (got < want) {
                break;
            }
        }
        return done;
    }

    private long readPiece(long offset, MemorySegment target) {
        long first = Bits.alignDown(offset, offsetAlign);
        int skip = (int) (offset - first);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = Buffers.allocate(arena, Bits.alignUp(skip + target.byteSize(), offsetAlign));
            long got = Math.clamp(file.read(first, copy) - skip, 0, target.byteSize());
            target.asSlice(0, got).copyFrom(copy.asSlice(skip, got));
            return got;
        }
    }

    private void writeCopied(long offset, MemorySegment source, long first, long end) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = Buffers.allocate(arena, Math.min(Buffers.CHUNK, end - first));
            for (long at = first; at < end; at += Buffers.CHUNK) {
                MemorySegment copy = memory.asSlice(0, Math.min(Buffers.CHUNK, end - at));
                long from = Math.max(at, offset);
                long to = Math.min(at + copy.byteSize(), offset + source.byteSize());
                if (to - from < copy.byteSize()) {
                    readAligned(at, copy);
                }
                copy.asSlice(from - at, to - from).copyFrom(source.asSlice(from - offset, to - from));
                file.write(at, copy);
            }
        }
    }

    private void readAligned(long offset, MemorySegment copy) {
        long got = file.read(offset, copy);
        copy.asSlice(got).fill((byte) 0);
    }
}
