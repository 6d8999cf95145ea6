package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;

/** fstatfs(2). A class of its own: only who asks waits for its being linked. */
final class Statfs {
    /** More than struct statfs has on any 64-bit architecture; f_type is its first word (include/uapi/asm-generic/statfs.h). */
    private static final int SIZE = 256;
    private static final int F_TYPE = 0;

    private static final MethodHandle FSTATFS = Native.link("fstatfs");

    private Statfs() {
    }

    static long type(HostFile file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(SIZE, Long.BYTES);
            if ((int) Native.call(FSTATFS, file.descriptor(), buffer, 0, 0, 0) < 0) {
                throw Native.failure("fstatfs " + file.path(), "");
            }
            return buffer.asByteBuffer().order(ByteOrder.nativeOrder()).getLong(F_TYPE);
        }
    }
}
