package org.jkvm.linux;

import static org.jkvm.linux.Native.C_INT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** File descriptors that a driver handed out: what open(2) did not return and {@link HostFile} does not own. */
public final class Descriptors {
    private static final MethodHandle CLOSE = Native.link("close", C_INT, C_INT);

    private Descriptors() {
    }

    /** Closes one. Whoever owns it calls this once; an error changes nothing that could be mended. */
    public static void close(int descriptor) {
        try {
            int ignored = (int) CLOSE.invokeExact(Native.errnoSegment(), descriptor);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
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
