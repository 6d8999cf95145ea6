package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jkvm.base.HostException;

/**
 * An event as the kernel's drivers raise it and wait for it (eventfd(2)): raised any number of times it has happened once until
 * it is taken. Any thread; once closed, it is never raised and calls come to nothing.
 */
public final class EventCounter implements AutoCloseable {
    private static final MethodHandle EVENTFD = Native.link("eventfd");
    private static final MethodHandle EVENTFD_WRITE = Native.link("eventfd_write");
    private static final MethodHandle EVENTFD_READ = Native.link("eventfd_read");
    /** EFD_CLOEXEC | EFD_NONBLOCK, which are open(2)'s O_CLOEXEC and O_NONBLOCK. */
    private static final int CLOSE_ON_EXEC_NON_BLOCKING = 02_000_000 | 04_000;

    private final int descriptor;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
    /** Guarded by this: a number that was closed may be another file's by now. */
    private boolean closed;

    private EventCounter(int descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * A new event, which has not happened.
     *
     * @throws HostException where the process has no file descriptor left
     */
    public static EventCounter open() {
        int descriptor = Native.callInt(EVENTFD, 0, CLOSE_ON_EXEC_NON_BLOCKING);
        if (descriptor < 0) {
            throw Native.failure("eventfd()", "raise the limit of open files (ulimit -n)");
        }
        return new EventCounter(descriptor);
    }

    /** Its file descriptor, for a driver; this object's to close. */
    public int descriptor() {
        return descriptor;
    }

    /** Raises it. */
    public synchronized void raise() {
        if (!closed) {
            Native.call(EVENTFD_WRITE, descriptor, 1);
        }
    }

    /** Whether it was raised since the last time that it was taken. */
    public synchronized boolean take() {
        return !closed && (int) Native.call(EVENTFD_READ, descriptor, count, 0, 0, 0) == 0;
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            Descriptors.close(descriptor);
            arena.close();
        }
    }
}
