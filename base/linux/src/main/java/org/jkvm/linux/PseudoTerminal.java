package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A pseudo-terminal (pty(7)): the other end is a device file that a terminal program opens. The device end is kept open
 * here too, so that its settings last and bytes sent before anybody opens it are not lost. {@link #read} belongs to one
 * thread, {@link #write} to another.
 */
public final class PseudoTerminal implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_NOCTTY = 0400;
    private static final int O_NONBLOCK = 04000;
    private static final int O_CLOEXEC = 02000000;
    private static final short POLLIN = 1;
    private static final int BUFFER = 4096;

    private static final MethodHandle POSIX_OPENPT = Native.link("posix_openpt");
    private static final MethodHandle GRANTPT = Native.link("grantpt");
    private static final MethodHandle UNLOCKPT = Native.link("unlockpt");
    private static final MethodHandle PTSNAME_R = Native.link("ptsname_r");
    private static final MethodHandle OPEN = Native.link("open");
    private static final MethodHandle READ = Native.link("read");
    private static final MethodHandle WRITE = Native.link("write");
    private static final MethodHandle POLL = Native.link("poll");

    private final Arena arena = Arena.ofShared();
    private final MemorySegment input = arena.allocate(BUFFER);
    private final MemorySegment output = arena.allocate(BUFFER);
    private final MemorySegment pollfd = arena.allocate(8);
    private final int master;
    private final int slave;
    private final String path;

    private PseudoTerminal(int master) {
        this.master = master;
        path = slavePath(master);
        slave = openFile(path);
        Terminal.of(slave).ifPresent(Terminal::transparent);
        pollfd.set(ValueLayout.JAVA_INT, 0, master);
        pollfd.set(ValueLayout.JAVA_SHORT, 4, POLLIN);
    }

    /**
     * Opens a new one whose line changes no byte.
     *
     * @throws org.jkvm.base.HostException when the host has none left
     */
    public static PseudoTerminal open() {
        int master = Native.callInt(POSIX_OPENPT, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (master < 0 || Native.callInt(GRANTPT, master) != 0 || Native.callInt(UNLOCKPT, master) != 0) {
            throw Native.failure("posix_openpt", "check that /dev/pts is mounted and has a free number");
        }
        return new PseudoTerminal(master);
    }

    /** The device file of the other end, such as /dev/pts/3. */
    public String path() {
        return path;
    }

    /** Reads up to {@code bytes.length} bytes, at most 4096; 0 when none came within {@code milliseconds}. */
    public int read(byte[] bytes, int milliseconds) {
        if (Native.callInt(POLL, pollfd.address(), 1, milliseconds) <= 0) {
            return 0;
        }
        long n = Native.call(READ, master, input, Math.min(bytes.length, BUFFER), 0, 0);
        MemorySegment.copy(input, ValueLayout.JAVA_BYTE, 0, bytes, 0, (int) Math.max(n, 0));
        return (int) Math.max(n, 0);
    }

    /** Writes what the line takes now; returns how many bytes that were. */
    public int write(byte[] bytes, int offset, int length) {
        int count = Math.min(length, BUFFER);
        MemorySegment.copy(bytes, offset, output, ValueLayout.JAVA_BYTE, 0, count);
        return (int) Math.max(Native.call(WRITE, master, output, count, 0, 0), 0);
    }

    /** Closes both ends. No other call may be under way. */
    @Override
    public void close() {
        Descriptors.close(slave);
        Descriptors.close(master);
        arena.close();
    }

    private static String slavePath(int master) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(64);
            if ((int) Native.call(PTSNAME_R, master, name, name.byteSize(), 0, 0) != 0) {
                throw Native.failure("ptsname_r", "");
            }
            return name.getString(0);
        }
    }

    private static int openFile(String path) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Native.callInt(OPEN, Native.string(arena, path).address(), O_RDWR | O_NOCTTY | O_CLOEXEC);
            if (fd < 0) {
                throw Native.failure("open(" + path + ")", "");
            }
            return fd;
        }
    }
}
