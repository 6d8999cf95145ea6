package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** statx(2): the one stat call whose structure is the same on every architecture (include/uapi/linux/stat.h). */
final class Statx {
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_DIOALIGN = 0x2000;
    private static final int SIZE = 256;
    private static final int STX_MASK = 0;
    private static final int STX_MODE = 0x1c;
    private static final int STX_INO = 0x20;
    private static final int STX_SIZE = 0x28;
    private static final int STX_BLOCKS = 0x30;
    private static final int STX_DEV_MAJOR = 0x88;
    private static final int STX_DEV_MINOR = 0x8c;
    private static final int STX_DIO_MEM_ALIGN = 0x98;
    private static final int STX_DIO_OFFSET_ALIGN = 0x9c;
    private static final int S_IFMT = 0xf000;
    private static final int S_IFREG = 0x8000;
    private static final int S_IFBLK = 0x6000;
    private static final int S_IFDIR = 0x4000;
    /** stx_blocks counts units of 512 bytes, whatever the file system's block size. */
    private static final int BLOCK = 512;

    private static final MethodHandle STATX = Native.link("statx");

    private Statx() {
    }

    static FileStatus of(HostFile file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(SIZE, Long.BYTES);
            int result = Native.callInt(STATX, file.descriptor(), Native.string(arena, "").address(), AT_EMPTY_PATH,
                    STATX_BASIC_STATS | STATX_DIOALIGN, buffer.address());
            if (result < 0) {
                throw Native.failure("statx " + file.path(), "");
            }
            return status(buffer.asByteBuffer().order(ByteOrder.nativeOrder()), file);
        }
    }

    private static FileStatus status(ByteBuffer s, HostFile file) {
        FileStatus.Kind kind = kind(s.getShort(STX_MODE) & S_IFMT);
        long size = kind == FileStatus.Kind.BLOCK_DEVICE ? file.end() : s.getLong(STX_SIZE);
        boolean dio = (s.getInt(STX_MASK) & STATX_DIOALIGN) != 0;
        return new FileStatus(kind, size, s.getLong(STX_BLOCKS) * BLOCK,
                (long) s.getInt(STX_DEV_MAJOR) << 32 | Integer.toUnsignedLong(s.getInt(STX_DEV_MINOR)),
                s.getLong(STX_INO),
                dio ? s.getInt(STX_DIO_MEM_ALIGN) : 0, dio ? s.getInt(STX_DIO_OFFSET_ALIGN) : 0);
    }

    private static FileStatus.Kind kind(int format) {
        return switch (format) {
            case S_IFREG -> FileStatus.Kind.REGULAR;
            case S_IFBLK -> FileStatus.Kind.BLOCK_DEVICE;
            case S_IFDIR -> FileStatus.Kind.DIRECTORY;
            default -> FileStatus.Kind.OTHER;
        };
    }
}
