package org.jkvm.linux;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import org.jkvm.base.HostException;

/**
 * Links libc functions and turns their failures into {@link HostException}. One final class an area (memory, files,
 * terminal, ...) keeps its handles as {@code private static final MethodHandle} and offers one typed method a call.
 * Handles made here take the errno capture segment as their first argument: {@link #errnoSegment()}.
 */
final class Native {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
    private static final MemoryLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

    private Native() {
    }

    /** A libc function whose errno is captured; {@code variadicFrom} is the index of its first variadic argument or -1. */
    static MethodHandle link(String name, int variadicFrom, FunctionDescriptor descriptor) {
        MemorySegment symbol = LINKER.defaultLookup().find(name)
                .orElseThrow(() -> new HostException("libc has no " + name));
        return variadicFrom < 0
                ? LINKER.downcallHandle(symbol, descriptor, CAPTURE)
                : LINKER.downcallHandle(symbol, descriptor, CAPTURE, Linker.Option.firstVariadicArg(variadicFrom));
    }

    /** A libc function with a fixed number of arguments. */
    static MethodHandle link(String name, MemoryLayout result, MemoryLayout... arguments) {
        return link(name, -1, FunctionDescriptor.of(result, arguments));
    }

    /** This thread's errno capture segment. */
    static MemorySegment errnoSegment() {
        return CAPTURED.get();
    }

    /** The errno that this thread's last captured call left. */
    static int errno() {
        return (int) ERRNO.get(CAPTURED.get(), 0L);
    }

    /** The failure of {@code operation}, with errno's name and what to try. */
    static HostException failure(String operation, String remedy) {
        int errno = errno();
        return new HostException(operation + ": " + Errno.describe(errno) + (remedy.isEmpty() ? "" : "; " + remedy), errno);
    }

    /** Rethrows what a method handle threw: only our own bugs come this way. */
    static AssertionError unexpected(Throwable thrown) {
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
        return new AssertionError(thrown);
    }

    static final ValueLayout.OfInt C_INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong C_LONG = ValueLayout.JAVA_LONG;
    static final AddressLayout C_POINTER = ValueLayout.ADDRESS;
}
