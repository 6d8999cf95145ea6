package org.jkvm.linux;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** File descriptors as such: those that a driver handed out, and what all have in common. */
public final class Descriptors {
    private static final MethodHandle CLOSE = Native.link("close");

    private Descriptors() {
    }

    /** Closes one. Whoever owns it calls this once; an error changes nothing that could be mended. */
    public static void close(int descriptor) {
        Native.call(CLOSE, descriptor);
    }

    /**
     * Maps the first {@code length} bytes shared, for reading and writing; they stay until {@link SharedMemory#unmap}.
     *
     * @throws org.jkvm.base.HostException with errno
     */
    public static MemorySegment map(int descriptor, long length) {
        return SharedMemory.mapShared(descriptor, length);
    }
}
