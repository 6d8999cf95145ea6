package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.util.Optional;

/**
 * A terminal's line settings (termios(3)), as glibc lays them out on every Linux port but Alpha, MIPS, PowerPC and SPARC.
 * Thread-safe.
 */
public final class Terminal {
    private static final long SIZE = 60;
    private static final long C_IFLAG = 0;
    private static final long C_OFLAG = 4;
    private static final long C_CFLAG = 8;
    private static final long C_LFLAG = 12;
    private static final long C_CC = 17;
    // Indices of c_cc and flag bits: bits/termios-*.h of glibc, in octal as there.
    private static final int VTIME = 5;
    private static final int VMIN = 6;
    private static final int IGNBRK = 01;
    private static final int BRKINT = 02;
    private static final int PARMRK = 010;
    private static final int ISTRIP = 040;
    private static final int INLCR = 0100;
    private static final int IGNCR = 0200;
    private static final int ICRNL = 0400;
    private static final int IXON = 02000;
    private static final int OPOST = 01;
    private static final int CSIZE = 060;
    private static final int CS8 = 060;
    private static final int PARENB = 0400;
    private static final int ISIG = 01;
    private static final int ICANON = 02;
    private static final int ECHO = 010;
    private static final int ECHONL = 0100;
    private static final int IEXTEN = 0100000;
    private static final int TCSANOW = 0;

    private static final MethodHandle ISATTY = Native.link("isatty");
    private static final MethodHandle TCGETATTR = Native.link("tcgetattr");
    private static final MethodHandle TCSETATTR = Native.link("tcsetattr");

    private final int descriptor;
    private final MemorySegment saved = Arena.ofAuto().allocate(SIZE);

    private Terminal(int descriptor) {
        this.descriptor = descriptor;
    }

    /** The terminal behind {@code descriptor} with the settings it has now; empty where it is none. */
    public static Optional<Terminal> of(int descriptor) {
        if (!isTerminal(descriptor)) {
            return Optional.empty();
        }
        Terminal terminal = new Terminal(descriptor);
        terminal.get(terminal.saved);
        return Optional.of(terminal);
    }

    /** Whether {@code descriptor} is a terminal. */
    public static boolean isTerminal(int descriptor) {
        return Native.callInt(ISATTY, descriptor) == 1;
    }

    /**
     * Hands over every byte as it is typed, without echo. Output keeps its processing ("\n" still starts a new line).
     *
     * @param signals whether Ctrl-C, Ctrl-Z and Ctrl-\ still raise signals
     */
    public synchronized void raw(boolean signals) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment now = arena.allocate(SIZE).copyFrom(saved);
            clear(now, C_IFLAG, IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
            set(now, C_OFLAG, OPOST);
            clear(now, C_CFLAG, CSIZE | PARENB);
            set(now, C_CFLAG, CS8);
            clear(now, C_LFLAG, ECHO | ECHONL | ICANON | IEXTEN | (signals ? 0 : ISIG));
            now.set(ValueLayout.JAVA_BYTE, C_CC + VMIN, (byte) 1);
            now.set(ValueLayout.JAVA_BYTE, C_CC + VTIME, (byte) 0);
            put(now);
        }
    }

    /** A line that changes nothing in either direction: for pseudo-terminals. */
    synchronized void transparent() {
        raw(false);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment now = arena.allocate(SIZE);
            get(now);
            clear(now, C_OFLAG, OPOST);
            put(now);
        }
    }

    /** Puts back the settings that the terminal had when this was made. */
    public synchronized void restore() {
        put(saved);
    }

    private static void set(MemorySegment termios, long field, int bits) {
        termios.set(ValueLayout.JAVA_INT, field, termios.get(ValueLayout.JAVA_INT, field) | bits);
    }

    private static void clear(MemorySegment termios, long field, int bits) {
        termios.set(ValueLayout.JAVA_INT, field, termios.get(ValueLayout.JAVA_INT, field) & ~bits);
    }

    private void get(MemorySegment termios) {
        if ((int) Native.call(TCGETATTR, descriptor, termios, 0, 0, 0) != 0) {
            throw Native.failure("tcgetattr(" + descriptor + ")", "");
        }
    }

    /** Failure is not reported: the terminal may have gone (SIGHUP), and nothing better can be done. */
    private void put(MemorySegment termios) {
        Native.call(TCSETATTR, descriptor, TCSANOW, termios.address());
        Reference.reachabilityFence(termios);
    }
}
