package org.jkvm.x64;

import static org.jkvm.linux.SharedMemory.PROT_EXEC;
import static org.jkvm.linux.SharedMemory.PROT_READ;
import static org.jkvm.linux.SharedMemory.PROT_WRITE;

import java.lang.foreign.MemorySegment;
import org.jkvm.base.HostException;
import org.jkvm.linux.SharedMemory;

/**
 * The processor under this JVM as an oracle: executes one user-mode instruction in 64-bit mode with given registers and
 * hands back the registers after it. For tests; one thread at a time.
 *
 * <p>All of it lies in one <em>cell</em> of the host's address space below 2 GiB, so that 32-bit
 * addresses work:
 *
 * <pre>
 * +00000  code: entry, the instruction under test, exits
 * +02000  registers before      +03000  registers after      +04000  control words
 * +10000  stack (64 KiB): RSP belongs into it
 * +20000  scratch memory (128 KiB), then nothing: memory operands belong into it
 * </pre>
 *
 * <p>The caller must only run instructions that cannot fault or leave: divisions that fit, memory operands inside
 * {@link #memory} or the stack, no privileged or undefined opcode, no system call, no POPF that sets TF or AC, aligned
 * operands where SSE wants them. Floating-point exceptions are masked by {@link #run}.
 */
public final class HostCpu implements AutoCloseable {
    /** CF, PF, AF, ZF, SF and OF. */
    public static final long STATUS_FLAGS = 0x8d5;
    /** RFLAGS that {@link #run} takes from the caller: the status flags and DF. */
    public static final long INPUT_FLAGS = STATUS_FLAGS | 0x400;
    /** Longest instruction (Intel SDM vol. 2A, section 2.3.11). */
    public static final int MAX_INSTRUCTION = 15;
    /** Exceptions masked in the x87 control word. */
    private static final int FCW_MASKS = 0x3f;
    /** Exception summary and busy in the x87 status word. */
    private static final int FSW_SUMMARY = 0x8080;
    /** Exceptions masked in MXCSR. */
    private static final int MXCSR_MASKS = 0x1f80;

    /** Cells are looked for from here; HotSpot puts its class space (1 GiB) and small heaps anywhere below 4 GiB. */
    private static final long FIRST_CELL = 0x1000_0000L;
    private static final long LAST_CELL = 0x7ff0_0000L;
    private static final long CELL = 0x10_0000L;
    private static final int SLOT = 0x400;
    private static final int BRANCH_TARGET = SLOT + 0x40;
    private static final int FALL_THROUGH = SLOT + 0x200;
    private static final int CODE_BYTES = 0x1000;
    private static final int BEFORE = 0x2000;
    private static final int AFTER = 0x3000;
    private static final int CONTROL = 0x4000;
    private static final int STACK = 0x1_0000;
    private static final int MEMORY = 0x2_0000;
    private static final int MEMORY_BYTES = 0x2_0000;
    private static final int RSP = 4;
    /** What a signal handler may need below RSP. */
    private static final int STACK_RESERVE = 0x4000;
    private static final byte INT3 = (byte) 0xcc;

    private final MemorySegment cell;
    private final long base;
    private final MemorySegment memory;
    private final HostRegisters before;
    private final HostRegisters after;
    private final long fellThrough;
    private final long entry;

    /** How control left the instruction. */
    public enum Exit {
        /** To the next instruction. */
        FELL_THROUGH,
        /** To {@link #branchTarget}. */
        BRANCHED
    }

    /**
     * Takes a free cell.
     *
     * @throws HostException where the host is not x86-64 or has no cell left
     */
    public HostCpu() {
        if (!CodeCache.isHostSupported()) {
            throw new HostException("this host is not x86-64: it cannot run x86 instructions");
        }
        cell = mapCell();
        base = cell.address();
        memory = cell.asSlice(MEMORY, MEMORY_BYTES);
        before = new HostRegisters(cell.asSlice(BEFORE, HostRegisters.BYTES));
        after = new HostRegisters(cell.asSlice(AFTER, HostRegisters.BYTES));
        before.reset();
        before.general(RSP, stackPointer());
        cell.asSlice(0, CODE_BYTES).fill(INT3);
        HostCpuStub stub = new HostCpuStub(base + BEFORE, base + AFTER, base + CONTROL);
        entry = base;
        copyCode(0, stub.entry(base, base + SLOT));
        fellThrough = base + FALL_THROUGH;
        copyCode(FALL_THROUGH, stub.exit(fellThrough, Exit.FELL_THROUGH.ordinal()));
        copyCode(BRANCH_TARGET, stub.exit(base + BRANCH_TARGET, Exit.BRANCHED.ordinal()));
    }

    /** Registers that the next {@link #run} starts with. */
    public HostRegisters before() {
        return before;
    }

    /** Registers that the last {@link #run} ended with. */
    public HostRegisters after() {
        return after;
    }

    /** Memory for operands, 128 KiB. Its address is below 2 GiB; nothing is mapped behind it. */
    public MemorySegment memory() {
        return memory;
    }

    /** Where the instruction lies: its RIP. */
    public long instructionAddress() {
        return base + SLOT;
    }

    /** Where a branch under test may go; within reach of an 8-bit displacement. */
    public long branchTarget() {
        return base + BRANCH_TARGET;
    }

    /** A fit value for RSP: the middle of the stack. */
    public long stackPointer() {
        return base + (STACK + MEMORY) / 2;
    }

    /** Puts an instruction, 1 to 15 bytes, in place; it stays until the next one. */
    public void load(byte[] instruction) {
        if (instruction.length == 0 || instruction.length > MAX_INSTRUCTION) {
            throw new IllegalArgumentException("an instruction has 1 to 15 bytes, not " + instruction.length);
        }
        Assembler code = new Assembler(instructionAddress());
        code.bytes(instruction);
        code.jmp(fellThrough);
        copyCode(SLOT, code.toByteArray());
    }

    /**
     * Executes the loaded instruction once. Of the registers before, RFLAGS is taken with {@link #INPUT_FLAGS} only, and
     * x87 and SSE exceptions are masked in the block itself. About 150 ns.
     *
     * @throws IllegalArgumentException when RSP is not well inside the stack or the scratch memory
     */
    public Exit run() {
        long rsp = before.general(RSP);
        if (rsp < base + STACK + STACK_RESERVE || rsp > base + MEMORY + MEMORY_BYTES) {
            throw new IllegalArgumentException("RSP 0x%x is outside the scratch stack".formatted(rsp));
        }
        before.rflags(before.rflags() & INPUT_FLAGS | 2);
        before.controlWord(before.controlWord() | FCW_MASKS);
        before.statusWord(before.statusWord() & ~FSW_SUMMARY);
        before.mxcsr(before.mxcsr() & 0xffff | MXCSR_MASKS);
        return CodeCache.enter(entry, 0) == Exit.FELL_THROUGH.ordinal() ? Exit.FELL_THROUGH : Exit.BRANCHED;
    }

    @Override
    public void close() {
        SharedMemory.unmap(cell);
    }

    private void copyCode(int offset, byte[] code) {
        MemorySegment.copy(MemorySegment.ofArray(code), 0, cell, offset, code.length);
    }

    private static MemorySegment mapCell() {
        HostException last = null;
        for (long at = FIRST_CELL; at <= LAST_CELL; at += CELL) {
            try {
                return SharedMemory.mapAnonymousAt(at, MEMORY + MEMORY_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
            } catch (HostException e) {
                last = e;
            }
        }
        throw last;
    }
}
