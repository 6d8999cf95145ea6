package org.jkvm.x64;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jkvm.base.HostException;
import org.jkvm.linux.RawMemory;
import org.jkvm.linux.SharedMemory;

/**
 * Memory that the host executes, and the way in. Code is written through {@link #writable} and runs at its own address:
 * with {@link Protection#WRITE_XOR_EXECUTE} these are two mappings of the same memory, otherwise one.
 *
 * <p>The cache is a permanent region for stubs and a ring of regions for blocks. Blocks fill one region after the other;
 * when the last is full the oldest is emptied as a whole, after its owner was told. Writers need a lock of their own, which
 * they hold from {@link #reserve} to {@link #place}; {@link #patchJump} and execution need none.
 */
public final class CodeCache implements AutoCloseable {
    /** A line of the caches, so that copies of a block are equally fast: by half a line loops differed by 13 %. */
    public static final int BLOCK_ALIGNMENT = 64;
    private static final int PAGE = 0x1000;
    /** One shape of call for all: see {@code org.jkvm.linux.Native}. */
    private static final MethodHandle ENTER = Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(
            ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG));

    private final SharedMemory memory;
    private final MemorySegment executable;
    private final long start;
    private final long end;
    private final long toWritable;
    private final CodeRegion permanent;
    private final List<CodeRegion> ring = new ArrayList<>();
    private final Consumer<CodeRegion> onEviction;
    private int current;
    private long placed;
    private long placedBytes;
    private long evictions;
    private boolean closed;

    /** How the memory is mapped. */
    public enum Protection {
        /** One mapping, writable and executable. */
        WRITE_AND_EXECUTE,
        /** Two mappings, for hosts whose policy forbids memory that is both. */
        WRITE_XOR_EXECUTE;

        /** One mapping where this host allows it (SELinux's execmem, for one, may not), two otherwise. */
        public static Protection ofHost() {
            try (CodeCache probe = new CodeCache(PAGE, WRITE_AND_EXECUTE)) {
                probe.place(new byte[1]);
                return WRITE_AND_EXECUTE;
            } catch (HostException e) {
                return WRITE_XOR_EXECUTE;
            }
        }
    }

    /**
     * Sizes in bytes, multiples of the page size; together at most 2 GiB so that any code reaches any other.
     *
     * @param permanent   for stubs, which are never evicted; may be 0
     * @param region      of one region of blocks
     * @param regions     number of regions, at least 1; what is evicted at a time is one of them
     */
    public record Layout(long permanent, long region, int regions) {
        /** Refuses sizes that cannot be mapped or reached. */
        public Layout {
            if (permanent < 0 || region <= 0 || regions < 1 || permanent % PAGE != 0 || region % PAGE != 0
                    || region > Integer.MAX_VALUE || permanent > Integer.MAX_VALUE
                    || permanent + region * regions > 1L + Integer.MAX_VALUE) {
                throw new IllegalArgumentException(
                        "no code cache of %d + %d x %d bytes".formatted(permanent, regions, region));
            }
        }

        long size() {
            return permanent + region * regions;
        }
    }

    /**
     * What became of the cache so far.
     *
     * @param capacity    bytes, permanent ones included
     * @param used        bytes taken now, permanent ones included
     * @param placed      pieces of code placed
     * @param placedBytes their bytes
     * @param evictions   regions emptied
     */
    public record Statistics(long capacity, long used, long placed, long placedBytes, long evictions) {
    }

    /** One region of {@code size} bytes, whose owner empties it with {@link #clear}. */
    public CodeCache(long size, Protection protection) {
        this(new Layout(0, size, 1), protection, region -> { });
    }

    /**
     * Maps the memory.
     *
     * @param onEviction called on the writer's thread before a region's code is overwritten, the code still being intact.
     *                   On return nothing may execute in the region or jump into it any more
     * @throws HostException when the host refuses executable memory
     */
    public CodeCache(Layout layout, Protection protection, Consumer<CodeRegion> onEviction) {
        this.onEviction = onEviction;
        memory = SharedMemory.allocate("jkvm-code", layout.size());
        executable = mapExecutable(memory, protection);
        start = executable.address();
        end = start + layout.size();
        toWritable = protection == Protection.WRITE_XOR_EXECUTE ? memory.segment().address() - start : 0;
        permanent = new CodeRegion(start, start + layout.permanent());
        for (long at = permanent.end(); at < end; at += layout.region()) {
            ring.add(new CodeRegion(at, at + layout.region()));
        }
    }

    private static MemorySegment mapExecutable(SharedMemory memory, Protection protection) {
        try {
            return memory.mapAgain(prot(protection));
        } catch (HostException e) {
            memory.close();
            throw e;
        }
    }

    /** Whether this JVM runs where generated code can: on x86-64. */
    public static boolean isHostSupported() {
        return "amd64".equals(System.getProperty("os.arch"));
    }

    /** Where the next block will start: the origin for its {@link Assembler}. */
    public long next() {
        return region().next();
    }

    /** Bytes left in the region being filled. */
    public long available() {
        return region().available();
    }

    /** The region being filled. */
    public CodeRegion region() {
        return ring.get(current);
    }

    /** The region of the code at {@code address}, a block's or the permanent one. */
    public CodeRegion regionOf(long address) {
        check(address, 1);
        return permanent.contains(address) ? permanent
                : ring.get((int) ((address - permanent.end()) / (ring.getFirst().end() - ring.getFirst().start())));
    }

    /**
     * Makes room for a block of up to {@code bytes}, evicting the oldest region if need be.
     *
     * @return where the block will start
     * @throws IllegalArgumentException when no region is that large
     */
    public long reserve(int bytes) {
        if (bytes < 0 || bytes > region().end() - region().start()) {
            throw new IllegalArgumentException("no region of the code cache holds " + bytes + " bytes");
        }
        if (available() < bytes) {
            advance();
        }
        return next();
    }

    private void advance() {
        current = (current + 1) % ring.size();
        if (region().used() > 0) {
            empty(region());
        }
    }

    private void empty(CodeRegion region) {
        onEviction.accept(region);
        region.clear();
        evictions++;
    }

    /**
     * Empties every region of blocks that is in use, telling the owner of each; the permanent region stays. For when all
     * translations became wrong at once.
     */
    public void evictAll() {
        ring.stream().filter(region -> region.used() > 0).forEach(this::empty);
        current = 0;
    }

    /**
     * Copies {@code code} to {@link #next} and moves that on.
     *
     * @return the code's address
     * @throws IllegalStateException when the region is full or the cache closed
     */
    public long place(byte[] code) {
        return place(code, region());
    }

    /** Where the next stub will start: the origin for its {@link Assembler}. */
    public long nextPermanent() {
        return permanent.next();
    }

    /** Copies a stub to {@link #nextPermanent} and moves that on; otherwise as {@link #place(byte[])}. */
    public long placePermanent(byte[] code) {
        return place(code, permanent);
    }

    private long place(byte[] code, CodeRegion region) {
        if (code.length > region.available()) {
            throw new IllegalStateException("code cache is full: %d of %d bytes left"
                    .formatted(region.available(), region.end() - region.start()));
        }
        write(region.next(), code);
        placed++;
        placedBytes += code.length;
        return region.take(code.length);
    }

    /** A copy of {@code size} bytes of code. The range must lie in this cache. */
    public byte[] read(long at, int size) {
        check(at, size);
        // SAFETY: checked above.
        return RawMemory.segment(writable(at), size).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Writes bytes over existing code that nothing executes meanwhile. The range must lie in this cache. */
    public void write(long at, byte[] code) {
        check(at, code.length);
        // SAFETY: checked above.
        RawMemory.segment(writable(at), code.length).copyFrom(MemorySegment.ofArray(code));
    }

    /**
     * Sends a jump from {@link Assembler#jmpPatchable} or {@link Assembler#jPatchable} elsewhere, while other threads may
     * execute it: they go to the old target or the new one (AMD APM vol. 2, section 7.6.1: aligned stores inside a
     * quadword). The old target must stay good until they have left generated code once. Any thread.
     *
     * @param displacement what the assembler returned
     * @param target       host address in this cache
     */
    public void patchJump(long displacement, long target) {
        checkAligned(displacement, 4);
        check(target, 1);
        // SAFETY: checked above.
        RawMemory.putIntVolatile(writable(displacement), (int) (target - (displacement + 4)));
    }

    /** Where the jump with its displacement at {@code displacement} goes. */
    public long jumpTarget(long displacement) {
        checkAligned(displacement, 4);
        // SAFETY: checked above.
        return displacement + 4 + RawMemory.getIntVolatile(writable(displacement));
    }

    /** Replaces the immediate of {@link Assembler#movPatchable}; otherwise as {@link #patchJump}. */
    public void patchLong(long immediate, long value) {
        checkAligned(immediate, 8);
        // SAFETY: checked above.
        RawMemory.putLongVolatile(writable(immediate), value);
    }

    /** Where to write what is executed at {@code address}, for patching in place. */
    public long writable(long address) {
        return address + toWritable;
    }

    /** Whether {@code address} lies in this cache. */
    public boolean contains(long address) {
        return address >= start && address < end;
    }

    /** Takes the space of all blocks back without telling. Nothing may execute or jump into the old code any more. */
    public void clear() {
        ring.forEach(CodeRegion::clear);
        current = 0;
    }

    /** Counts since the cache was made. */
    public Statistics statistics() {
        long used = permanent.used() + ring.stream().mapToLong(CodeRegion::used).sum();
        return new Statistics(end - start, used, placed, placedBytes, evictions);
    }

    /**
     * Calls the function at {@code entry} by the System V calling convention, with {@code argument} in RDI. About 10 ns.
     *
     * @return its RAX
     */
    public static long enter(long entry, long argument) {
        return enter(MemorySegment.ofAddress(entry), argument);
    }

    /** The same, for what is called so often that an object each time is too much. */
    public static long enter(MemorySegment entry, long argument) {
        return enter(entry, argument, 0, 0, 0, 0);
    }

    /** The same with five arguments, in RDI, RSI, RDX, RCX and R8. */
    static long enter(long entry, long a, long b, long c, long d, long e) {
        return enter(MemorySegment.ofAddress(entry), a, b, c, d, e);
    }

    private static long enter(MemorySegment entry, long a, long b, long c, long d, long e) {
        try {
            return (long) ENTER.invokeExact(entry, a, b, c, d, e);
        } catch (RuntimeException | Error problem) {
            throw problem;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** Unmaps everything. Nothing may execute in the cache any more; closing twice is harmless. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            SharedMemory.unmap(executable);
            memory.close();
        }
    }

    private void checkAligned(long at, int bytes) {
        check(at, bytes);
        if (at % bytes != 0) {
            throw new IllegalArgumentException("0x%x is not a multiple of %d: not to be patched".formatted(at, bytes));
        }
    }

    private void check(long at, long bytes) {
        if (closed) {
            throw new IllegalStateException("the code cache is closed");
        }
        if (at < start || bytes > end - at) {
            throw new IndexOutOfBoundsException("0x%x is outside the code cache".formatted(at));
        }
    }

    private static int prot(Protection protection) {
        return switch (protection) {
            case WRITE_AND_EXECUTE -> SharedMemory.PROT_READ | SharedMemory.PROT_WRITE | SharedMemory.PROT_EXEC;
            case WRITE_XOR_EXECUTE -> SharedMemory.PROT_READ | SharedMemory.PROT_EXEC;
        };
    }
}
