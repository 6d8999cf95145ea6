package org.jkvm.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Signal handlers made of generated code (sigaction(2)): for faults in generated code, which would otherwise end the JVM.
 * A handler belongs to the whole process and must pass on every signal that is not its own, above all HotSpot's.
 */
public final class NativeSignalHandlers {
    /** Illegal instruction (asm/signal.h). */
    public static final int SIGILL = 4;
    /** Breakpoint or single-step. */
    public static final int SIGTRAP = 5;
    /** Misaligned or absent memory. */
    public static final int SIGBUS = 7;
    /** Division or floating-point exception. */
    public static final int SIGFPE = 8;
    /** Access to unmapped memory, general protection. */
    public static final int SIGSEGV = 11;

    // struct sigaction of glibc on x86-64 (bits/sigaction.h)
    private static final long SIGACTION_BYTES = 152;
    private static final long SA_FLAGS = 136;
    private static final int SA_SIGINFO = 4;
    private static final int SA_ONSTACK = 0x0800_0000;
    private static final int SA_RESTART = 0x1000_0000;
    private static final MethodHandle SIGACTION = Native.link("sigaction");

    private NativeSignalHandlers() {
    }

    /** Address of the handler of {@code signal}: 0 for the default action, 1 for ignoring. */
    public static long current(int signal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment action = arena.allocate(SIGACTION_BYTES, 8);
            exchange(signal, MemorySegment.NULL, action);
            return action.get(JAVA_LONG, 0);
        }
    }

    /**
     * Makes the code at {@code handler} handle {@code signal}: called with the signal's number, its siginfo_t and the
     * ucontext_t, on the thread's alternate stack where it has one. The code must stay in place for ever.
     */
    public static void replace(int signal, long handler) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment action = arena.allocate(SIGACTION_BYTES, 8);
            action.set(JAVA_LONG, 0, handler);
            action.set(JAVA_INT, SA_FLAGS, SA_SIGINFO | SA_ONSTACK | SA_RESTART);
            exchange(signal, action, MemorySegment.NULL);
        }
    }

    private static void exchange(int signal, MemorySegment action, MemorySegment old) {
        if ((int) Native.call(SIGACTION, signal, action, old.address(), 0, 0) != 0) {
            throw Native.failure("sigaction(" + signal + ")", "");
        }
    }
}
