package org.jkvm.x64;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jkvm.base.Bits;
import org.jkvm.base.HostException;
import org.jkvm.linux.RawMemory;
import org.jkvm.linux.SharedMemory;

/**
 * Memory that the host executes, and the way in. Code is written through {@link #writable} and runs at its own address:
 * with {@link Protection#WRITE_XOR_EXECUTE} these are two mappings of the same memory, otherwise one. Space is given out
 * from the bottom up and taken back all at once. Writers need a lock of their own; execution needs none.
 */
public final class CodeCache implements AutoCloseable {
    /** Alignment that keeps a block's entry at the start of a cache line's half (AMD and Intel fetch 32 bytes). */
    public static final int BLOCK_ALIGNMENT = 32;
    private static final MethodHandle ENTER = Linker.nativeLinker()
            .downcallHandle(FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

    private final SharedMemory memory;
    private final MemorySegment executable;
    private final long start;
    private final long end;
    private final long toWritable;
    private long next;

    /** How the memory is mapped. */
    public enum Protection {
        /** One mapping, writable and executable. */
        WRITE_AND_EXECUTE,
        /** Two mappings, for hosts whose policy forbids memory that is both. */
        WRITE_XOR_EXECUTE
    }

    /**
     * Maps {@code size} bytes, a multiple of the page size, at most 2 GiB so that any code reaches any other.
     *
     * @throws HostException when the host refuses executable memory
     */
    public CodeCache(long size, Protection protection) {
        memory = SharedMemory.allocate("jkvm-code", size);
        executable = memory.mapAgain(prot(protection));
        start = executable.address();
        end = start + size;
        toWritable = protection == Protection.WRITE_XOR_EXECUTE ? memory.segment().address() - start : 0;
        next = start;
    }

    /** Whether this JVM runs where generated code can: on x86-64. */
    public static boolean isHostSupported() {
        return "amd64".equals(System.getProperty("os.arch"));
    }

    /** Where the next block will start: the origin for its {@link Assembler}. */
    public long next() {
        return next;
    }

    /** Bytes left. */
    public long available() {
        return end - next;
    }

    /**
     * Copies {@code code} to {@link #next} and moves that on.
     *
     * @return the code's address
     * @throws IllegalStateException when the cache is full
     */
    public long place(byte[] code) {
        if (code.length > available()) {
            throw new IllegalStateException("code cache is full: " + available() + " of " + (end - start) + " bytes left");
        }
        long at = next;
        write(at, code);
        next = Math.min(Bits.alignUp(at + code.length, BLOCK_ALIGNMENT), end);
        return at;
    }

    /** Writes bytes over existing code. The range must lie in this cache. */
    public void write(long at, byte[] code) {
        if (at < start || code.length > end - at) {
            throw new IndexOutOfBoundsException("0x%x is outside the code cache".formatted(at));
        }
        // SAFETY: checked above.
        RawMemory.segment(writable(at), code.length).copyFrom(MemorySegment.ofArray(code));
    }

    /** Where to write what is executed at {@code address}, for patching in place. */
    public long writable(long address) {
        return address + toWritable;
    }

    /** Whether {@code address} lies in this cache. */
    public boolean contains(long address) {
        return address >= start && address < end;
    }

    /** Takes all space back. Nothing may execute or jump into the old code any more. */
    public void clear() {
        next = start;
    }

    /**
     * Calls the function at {@code entry} by the System V calling convention, with {@code argument} in RDI. About 10 ns.
     *
     * @return its RAX
     */
    public static long enter(long entry, long argument) {
        try {
            return (long) ENTER.invokeExact(MemorySegment.ofAddress(entry), argument);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    @Override
    public void close() {
        SharedMemory.unmap(executable);
        memory.close();
    }

    private static int prot(Protection protection) {
        return switch (protection) {
            case WRITE_AND_EXECUTE -> SharedMemory.PROT_READ | SharedMemory.PROT_WRITE | SharedMemory.PROT_EXEC;
            case WRITE_XOR_EXECUTE -> SharedMemory.PROT_READ | SharedMemory.PROT_EXEC;
        };
    }
}
