package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A signal that does nothing but end a system call that a thread waits in: how a virtual processor's thread is called back
 * from the kernel. It is the first real-time signal that the C library leaves to programs; neither it nor the JVM uses it.
 */
public final class ThreadSignals {
    private static final MethodHandle SIGRTMIN = Native.link("__libc_current_sigrtmin");
    private static final MethodHandle GETTID = Native.link("gettid");
    private static final MethodHandle TGKILL = Native.link("tgkill");
    private static final MethodHandle PTHREAD_SIGMASK = Native.link("pthread_sigmask");
    /** sigset_t of glibc (bits/types/__sigset_t.h); its first word has the signals that there are. */
    private static final long SIGSET_BYTES = 128;
    // include/uapi/asm-generic/signal-defs.h
    private static final int SIG_BLOCK = 0;
    private static final int SIG_UNBLOCK = 1;
    private static final int PROCESS = (int) ProcessHandle.current().pid();
    private static final int SIGNAL = install();

    private ThreadSignals() {
    }

    /** The calling thread's number (gettid(2)). */
    public static int currentThread() {
        return Native.callInt(GETTID);
    }

    /** Interrupts the system call that {@code thread} of this process is in. Nothing happens where it has ended. */
    public static void interrupt(int thread) {
        Native.call(TGKILL, PROCESS, thread, SIGNAL);
    }

    /**
     * Holds the signal back from the calling thread, or lets it come again: what came meanwhile comes then. A system call with
     * a signal mask of its own, such as /dev/kvm's, sees it all the same.
     */
    public static void hold(boolean on) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(SIGSET_BYTES, Long.BYTES);
            set.set(ValueLayout.JAVA_LONG, 0, 1L << SIGNAL - 1);
            Native.call(PTHREAD_SIGMASK, on ? SIG_BLOCK : SIG_UNBLOCK, set, 0, 0, 0);
        }
    }

    /** The handler is abs(3): called with the signal's number, it returns and touches nothing. */
    private static int install() {
        int signal = Native.callInt(SIGRTMIN);
        MemorySegment handler = Linker.nativeLinker().defaultLookup().findOrThrow("abs");
        NativeSignalHandlers.replace(signal, handler.address());
        return signal;
    }
}
