package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jkvm.base.HostException;

/**
 * Links libc functions and turns their failures into {@link HostException}. One final class an area (memory, files,
 * terminal, ...) keeps its handles as {@code private static final MethodHandle} and offers one typed method a call.
 * Handles made here take the errno capture segment as their first argument: {@link #errnoSegment()}.
 */
final class Native {
    /** Arguments that go in registers on every architecture (System V AMD64: six, AAPCS64: eight). */
    private static final int REGISTERS = 6;
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
    private static final MemoryLayout STATE = Linker.Option.captureStateLayout();
    private static final int ERRNO = (int) STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

    private Native() {
    }

    /**
     * A libc function of at most {@value #REGISTERS} arguments, all of them integers or addresses, to be called with as
     * many longs whatever it declares, but for the second, which is a segment: memory that the call keeps alive, or any
     * number as an address. Of a result of type int the caller takes the low half. A shape of call that the JVM has not
     * seen yet costs it 10 to 20 ms, so there is one for all. On 64-bit Linux such arguments go in registers, variadic or
     * not, and a function looks at those that it declares (System V ABI AMD64 supplement, 3.2.3; AAPCS64, 6.8.2).
     */
    static MethodHandle link(String name) {
        MemoryLayout[] arguments = new MemoryLayout[REGISTERS];
        Arrays.fill(arguments, ValueLayout.JAVA_LONG);
        arguments[1] = ValueLayout.ADDRESS;
        return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(() -> new HostException("libc has no " + name)),
                FunctionDescriptor.of(ValueLayout.JAVA_LONG, arguments), CAPTURE);
    }

    /** Calls what {@link #link} found. */
    static long call(MethodHandle function, long... arguments) {
        long[] a = Arrays.copyOf(arguments, REGISTERS);
        try {
            return (long) function.invokeExact(errnoSegment(), a[0], MemorySegment.ofAddress(a[1]), a[2], a[3], a[4], a[5]);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The same with native memory, which stays there until the call is over, as second argument. */
    static long call(MethodHandle function, long first, MemorySegment second, long third, long fourth, long fifth) {
        try {
            return (long) function.invokeExact(errnoSegment(), first, second, third, fourth, fifth, 0L);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The same for a function whose result is an int. */
    static int callInt(MethodHandle function, long... arguments) {
        return (int) call(function, arguments);
    }

    /** {@code text} as C has it. {@link Arena#allocateFrom(String)} does the same by a layout, see {@link #errno}. */
    static MemorySegment string(Arena arena, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment copy = arena.allocate(bytes.length + 1L);
        copy.asSlice(0, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
        return copy;
    }

    /** This thread's errno capture segment. */
    static MemorySegment errnoSegment() {
        return CAPTURED.get();
    }

    /** The errno that this thread's last captured call left. As a buffer: a layout's first use takes the JVM 3 ms. */
    static int errno() {
        return CAPTURED.get().asByteBuffer().order(ByteOrder.nativeOrder()).getInt(ERRNO);
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
}
