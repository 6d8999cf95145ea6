package org.jkvm.x64;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.jkvm.linux.SharedMemory.PROT_EXEC;
import static org.jkvm.linux.SharedMemory.PROT_READ;
import static org.jkvm.linux.SharedMemory.PROT_WRITE;

import java.lang.foreign.MemorySegment;
import org.jkvm.base.HostException;
import org.jkvm.linux.LocalDescriptors;
import org.jkvm.linux.SharedMemory;

/**
 * The processor under this JVM as an oracle: executes one user-mode instruction with given registers and hands back the
 * registers after it, or the fault it raised. For tests; one thread at a time.
 *
 * <p>All of it lies in one <em>cell</em> of the host's address space below 2 GiB, so that 32-bit addresses work:
 *
 * <pre>
 * +00000  code: entry, the instruction under test, exits
 * +02000  registers before      +03000  registers after      +04000  control words
 * +08000  stack for signals (32 KiB)
 * +10000  scratch memory (192 KiB) for memory operands and, in its first third, the stack
 * +40000  nothing up to +100000
 * </pre>
 *
 * <p>Faults come back as {@link Exit#FAULTED}: the handler of SIGSEGV and its like is replaced by one that passes on what
 * is not ours. What remains to the caller: run nothing that enters the kernel (SYSCALL, SYSENTER, INT) or changes a
 * segment register or base, write nothing outside the scratch memory, jump nowhere but to
 * {@link #branchTarget} or unmapped memory, and take RSP from the scratch memory where the instruction allows it, for signals
 * that HotSpot sends to its threads when profiled.
 */
public final class HostCpu implements AutoCloseable {
    /** CF, PF, AF, ZF, SF and OF. */
    public static final long STATUS_FLAGS = 0x8d5;
    /** RFLAGS that {@link #run} takes from the caller: the status flags and DF. */
    public static final long INPUT_FLAGS = STATUS_FLAGS | 0x400;
    /** Longest instruction (Intel SDM vol. 2A, section 2.3.11). */
    public static final int MAX_INSTRUCTION = 15;

    /** Cells are looked for from here; HotSpot puts its class space (1 GiB) and small heaps anywhere below 4 GiB. */
    private static final long FIRST_CELL = 0x1000_0000L;
    private static final long LAST_CELL = 0x7ff0_0000L;
    /** Size and alignment of a cell. */
    public static final long CELL_BYTES = 0x10_0000L;
    private static final int SLOT = 0x400;
    private static final int BRANCH_TARGET = SLOT + 0x40;
    private static final int BRANCH_EXIT = 0x500;
    private static final int FALL_THROUGH_EXIT = 0x700;
    /** Where the signal handler sends a fault. */
    static final int FAULT_EXIT = 0x900;
    private static final int CODE_BYTES = 0x1000;
    private static final int BEFORE = 0x2000;
    private static final int AFTER = 0x3000;
    /** Words that the stub and the signal handler share. */
    static final int CONTROL = 0x4000;
    private static final int SIGNAL_STACK = 0x8000;
    private static final int MEMORY = 0x1_0000;
    private static final int MEMORY_BYTES = 0x3_0000;
    private static final int STACK_BYTES = 0x1_0000;
    private static final int RSP = 4;
    private static final int MXCSR_DEFINED = 0xffff;
    /** Selector of 32-bit user code on Linux (asm/segment.h, __USER32_CS). */
    private static final int USER32_CS = 0x23;
    private static final byte INT3 = (byte) 0xcc;

    private final MemorySegment cell;
    private final long base;
    private final MemorySegment memory;
    private final HostRegisters before;
    private final HostRegisters after;
    private final Mode mode;
    private final int codeSelector;
    private final int dataSelector;
    private final HostCpuStub stub;
    private final Exit[] exits = Exit.values();

    /** How the instruction is read. */
    public enum Mode {
        /** 64-bit mode. */
        LONG_64,
        /** 32-bit protected mode (as compatibility mode), flat DS, ES and SS; FS and GS are the host's, not for use. */
        PROTECTED_32,
        /**
         * 16-bit protected mode: CS is based at the cell, DS, ES and SS at {@link #memory}, each 64 KiB, from the process's
         * local descriptor table.
         */
        PROTECTED_16
    }

    /** How control left the instruction. */
    public enum Exit {
        /** To the next instruction. */
        FELL_THROUGH,
        /** To {@link #branchTarget}. */
        BRANCHED,
        /** By {@link #fault}; the registers after are those that the exception handler would find. */
        FAULTED
    }

    /**
     * A fault or trap.
     *
     * @param vector    the exception's number (Intel SDM vol. 3A, table 6-1)
     * @param errorCode as the host kernel saw it; for page faults it says user mode
     * @param address   the linear address of the last page fault
     * @param rip       where the exception handler would return to
     */
    public record Fault(int vector, int errorCode, long address, long rip) {
    }

    /** A processor in 64-bit mode. */
    public HostCpu() {
        this(Mode.LONG_64);
    }

    /**
     * Takes a free cell.
     *
     * @throws HostException where the host is not x86-64 or has no cell left
     */
    public HostCpu(Mode mode) {
        if (!CodeCache.isHostSupported()) {
            throw new HostException("this host is not x86-64: it cannot run x86 instructions");
        }
        HostFaults.install();
        this.mode = mode;
        cell = mapCell();
        cell.fill((byte) 0); // Touched before: a first touch under ENTER restarts it, and it reads what it wrote.
        base = cell.address();
        memory = cell.asSlice(MEMORY, MEMORY_BYTES);
        before = new HostRegisters(cell.asSlice(BEFORE, HostRegisters.BYTES));
        after = new HostRegisters(cell.asSlice(AFTER, HostRegisters.BYTES));
        before.reset();
        before.general(RSP, stackPointer());
        codeSelector = makeCodeSelector();
        dataSelector = makeDataSelector();
        writeControlWords();
        stub = new HostCpuStub(mode, dataSelector, base + BEFORE, base + AFTER, base + CONTROL);
        writeStub();
    }

    private void writeControlWords() {
        MemorySegment control = cell.asSlice(CONTROL);
        control.set(JAVA_INT, HostCpuStub.SLOT_POINTER, (int) instructionPointer());
        control.set(JAVA_SHORT, HostCpuStub.SLOT_POINTER + 4L, (short) codeSelector);
        // stack_t (sigaltstack(2)): ss_sp, ss_flags, ss_size
        control.set(JAVA_LONG, HostCpuStub.SIGNAL_STACK, base + SIGNAL_STACK);
        control.set(JAVA_LONG, HostCpuStub.SIGNAL_STACK + 16L, (long) MEMORY - SIGNAL_STACK);
    }

    /** Each cell has two entries of its own in the local descriptor table. */
    private int ldtEntry() {
        return (int) (base / CELL_BYTES) * 2;
    }

    private int makeCodeSelector() {
        return switch (mode) {
            case LONG_64 -> HostFaults.USER_CS;
            case PROTECTED_32 -> USER32_CS;
            case PROTECTED_16 -> LocalDescriptors.set16(ldtEntry(), (int) base, true);
        };
    }

    private int makeDataSelector() {
        return switch (mode) {
            case LONG_64, PROTECTED_32 -> HostCpuStub.USER_DS;
            case PROTECTED_16 -> LocalDescriptors.set16(ldtEntry() + 1, (int) memory.address(), false);
        };
    }

    private void writeStub() {
        cell.asSlice(0, CODE_BYTES).fill(INT3);
        copyCode(0, stub.entry(base, base + SLOT));
        copyCode(BRANCH_TARGET, stub.leave(base + BRANCH_TARGET, base + BRANCH_EXIT));
        copyCode(BRANCH_EXIT, stub.exit(base + BRANCH_EXIT, Exit.BRANCHED.ordinal()));
        copyCode(FALL_THROUGH_EXIT, stub.exit(base + FALL_THROUGH_EXIT, Exit.FELL_THROUGH.ordinal()));
        copyCode(FAULT_EXIT, stub.exit(base + FAULT_EXIT, Exit.FAULTED.ordinal()));
    }

    /** Registers that the next {@link #run} starts with. */
    public HostRegisters before() {
        return before;
    }

    /** Registers that the last {@link #run} ended with. */
    public HostRegisters after() {
        return after;
    }

    /** Memory for operands, 192 KiB. Its address is below 2 GiB; nothing is mapped behind it. */
    public MemorySegment memory() {
        return memory;
    }

    /** What CS holds while the instruction runs. */
    public int codeSelector() {
        return codeSelector;
    }

    /** What SS holds while the instruction runs, and outside 64-bit mode DS and ES too. */
    public int dataSelector() {
        return dataSelector;
    }

    /** Base of CS: 0 but in 16-bit mode. */
    public long codeBase() {
        return mode == Mode.PROTECTED_16 ? base : 0;
    }

    /** Base of DS, ES and SS: 0 but in 16-bit mode. */
    public long dataBase() {
        return mode == Mode.PROTECTED_16 ? memory.address() : 0;
    }

    /** The linear address of the instruction. */
    public long instructionAddress() {
        return base + SLOT;
    }

    /** RIP of the instruction: its offset in CS. */
    public long instructionPointer() {
        return instructionAddress() - codeBase();
    }

    /** Where a branch under test may go, as an offset in CS; within reach of an 8-bit displacement. */
    public long branchTarget() {
        return base + BRANCH_TARGET - codeBase();
    }

    /** A fit value for RSP: an offset in SS that is 32 KiB into {@link #memory}. */
    public long stackPointer() {
        return base + MEMORY + STACK_BYTES / 2 - dataBase();
    }

    /** Puts an instruction, 1 to 15 bytes, in place; it stays until the next one. */
    public void load(byte[] instruction) {
        if (instruction.length == 0 || instruction.length > MAX_INSTRUCTION) {
            throw new IllegalArgumentException("an instruction has 1 to 15 bytes, not " + instruction.length);
        }
        copyCode(SLOT, instruction);
        int end = SLOT + instruction.length;
        copyCode(end, stub.leave(base + end, base + FALL_THROUGH_EXIT));
    }

    /**
     * Executes the loaded instruction once. Of RFLAGS before, {@link #INPUT_FLAGS} are taken; of MXCSR, the defined bits.
     * About half a microsecond, a fault ten.
     */
    public Exit run() {
        before.rflags(before.rflags() & INPUT_FLAGS | 2);
        before.mxcsr(before.mxcsr() & MXCSR_DEFINED);
        Exit exit = exits[(int) CodeCache.enter(base, 0)];
        if (exit == Exit.FAULTED) {
            after.rflags(fault(HostFaults.FAULT_RFLAGS));
        }
        return exit;
    }

    /** The last fault; means something after {@link Exit#FAULTED} only. */
    public Fault fault() {
        return new Fault((int) fault(HostFaults.FAULT_VECTOR), (int) fault(HostFaults.FAULT_ERROR),
                fault(HostFaults.FAULT_ADDRESS), fault(HostFaults.FAULT_RIP));
    }

    private long fault(int word) {
        return cell.get(JAVA_LONG, CONTROL + word);
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
        for (long at = FIRST_CELL; at <= LAST_CELL; at += CELL_BYTES) {
            try {
                return SharedMemory.mapAnonymousAt(at, MEMORY + MEMORY_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
            } catch (HostException e) {
                last = e;
            }
        }
        throw last;
    }
}
