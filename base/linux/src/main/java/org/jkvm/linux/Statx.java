package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

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

    private static final MethodHandle STATX = Native.linkLongs("statx");

    private Statx() {
    }

    static FileStatus of(HostFile file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(SIZE, Long.BYTES);
            int result = Native.callInt(STATX, file.descriptor(), arena.allocateFrom("").address(), AT_EMPTY_PATH,
                    STATX_BASIC_STATS | STATX_DIOALIGN, buffer.address());
            if (result < 0) {
                throw Native.failure("statx " + file.path(), "");
            }
            return status(buffer, file);
        }
    }

    private static FileStatus status(MemorySegment s, HostFile file) {
        FileStatus.Kind kind = kind(s.get(ValueLayout.JAVA_SHORT, STX_MODE) & S_IFMT);
        long size = kind == FileStatus.Kind.BLOCK_DEVICE ? file.end() : s.get(ValueLayout.JAVA_LONG, STX_SIZE);
        boolean dio = (intAt(s, STX_MASK) & STATX_DIOALIGN) != 0;
        return new FileStatus(kind, size, s.get(ValueLayout.JAVA_LONG, STX_BLOCKS) * BLOCK,
                (long) intAt(s, STX_DEV_MAJOR) << 32 | Integer.toUnsignedLong(intAt(s, STX_DEV_MINOR)),
                s.get(ValueLayout.JAVA_LONG, STX_INO),
                dio ? intAt(s, STX_DIO_MEM_ALIGN) : 0, dio ? intAt(s, STX_DIO_OFFSET_ALIGN) : 0);
    }

    private static int intAt(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset);
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
