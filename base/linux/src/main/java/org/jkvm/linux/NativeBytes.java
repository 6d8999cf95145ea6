package org.jkvm.linux;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Compares native memory by libc, which is at full speed from the first call on. */
public final class NativeBytes {
    private static final MethodHandle MEMCMP = Native.link("memcmp");

    private NativeBytes() {
    }

    /** Whether both segments, native and of the same length, have the same bytes. The caller keeps {@code a} alive. */
    public static boolean same(MemorySegment a, MemorySegment b) {
        if (a.byteSize() != b.byteSize()) {
            throw new IllegalArgumentException(a.byteSize() + " bytes beside " + b.byteSize());
        }
        // SAFETY: both are alive and byteSize() long: memcmp(3) looks at no more.
        return (int) Native.call(MEMCMP, a.address(), b, a.byteSize(), 0, 0) == 0;
    }
}
