package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;

/** Reads exits from the memory that a vCPU shares with the kernel, and puts answers there. On the vCPU's thread. */
final class Exits {
    // KVM_EXIT_* of include/uapi/linux/kvm.h.
    private static final int IO = 2;
    private static final int DEBUG = 4;
    private static final int HLT = 5;
    private static final int MMIO = 6;
    private static final int SHUTDOWN = 8;
    private static final int FAIL_ENTRY = 9;
    private static final int INTR = 10;
    private static final int INTERNAL_ERROR = 17;
    /** B0 to B3 (SDM vol. 3B, section 17.2.3). */
    private static final int DR6_HITS = 15;
    private static final int IO_IN = 0;
    private static final int ERROR_EMULATION = 1;
    private static final long HAS_INSTRUCTION_BYTES = 1;
    private static final int MOST_BYTES = 15;

    private final MemorySegment run;
    /** The access that the kernel waits to see done: how many bytes of data, where; a size of -1 is a write. */
    private long dataAt;
    private int size;
    private int count;
    private boolean pending;

    Exits(MemorySegment run) {
        this.run = run;
    }

    /** Whether the kernel has an instruction under way, which the next entry completes. */
    boolean pending() {
        return pending;
    }

    /** Whether the last exit asks for data. */
    boolean wantsAnswer() {
        return pending && size > 0;
    }

    /** Nobody wants the data. */
    void discard() {
        pending = false;
    }

    /** The exit that the kernel tells of, or null where it tells of none. */
    VmExit read() {
        pending = false;
        int reason = run.get(JAVA_INT, Abi.Run.EXIT_REASON);
        return switch (reason) {
            case IO -> port();
            case MMIO -> mmio();
            case INTR -> null;
            case HLT -> new VmExit.Halted();
            case SHUTDOWN -> new VmExit.Shutdown();
            case DEBUG -> new VmExit.Debug(run.get(JAVA_LONG, Abi.Run.DEBUG_PC),
                    (int) run.get(JAVA_LONG, Abi.Run.DEBUG_DR6) & DR6_HITS);
            case FAIL_ENTRY -> new VmExit.FailedEntry("hardware reason "
                    + Long.toHexString(run.get(JAVA_LONG, Abi.Run.HARDWARE_ENTRY_FAILURE_REASON)) + "h");
            case INTERNAL_ERROR -> internalError();
            default -> new VmExit.InternalError("KVM left guest mode for reason " + reason + ", which nothing asked for");
        };
    }

    private VmExit port() {
        int port = run.get(JAVA_SHORT, Abi.Run.IO_PORT) & 0xffff;
        int width = run.get(JAVA_BYTE, Abi.Run.IO_SIZE);
        count = run.get(JAVA_INT, Abi.Run.IO_COUNT);
        dataAt = run.get(JAVA_LONG, Abi.Run.IO_DATA_OFFSET);
        pending = true;
        if (run.get(JAVA_BYTE, Abi.Run.IO_DIRECTION) == IO_IN) {
            size = width;
            return new VmExit.PortRead(port, width, count);
        }
        size = -1;
        return new VmExit.PortWrite(port, width, count, run.asSlice(dataAt, (long) width * count).toArray(JAVA_BYTE));
    }

    private VmExit mmio() {
        long address = run.get(JAVA_LONG, Abi.Run.MMIO_PHYS_ADDR);
        int width = run.get(JAVA_INT, Abi.Run.MMIO_LEN);
        pending = true;
        dataAt = Abi.Run.MMIO_DATA;
        count = 1;
        if (run.get(JAVA_BYTE, Abi.Run.MMIO_IS_WRITE) == 0) {
            size = width;
            return new VmExit.MmioRead(address, width);
        }
        size = -1;
        long value = run.get(JAVA_LONG, Abi.Run.MMIO_DATA);
        return new VmExit.MmioWrite(address, width, width == 8 ? value : value & (1L << 8 * width) - 1);
    }

    private VmExit internalError() {
        int suberror = run.get(JAVA_INT, Abi.Run.SUBERROR);
        if (suberror == ERROR_EMULATION) {
            return new VmExit.NotEmulated(instruction());
        }
        int words = Math.min(16, run.get(JAVA_INT, Abi.Run.NDATA));
        StringBuilder data = new StringBuilder();
        for (int n = 0; n < words; n++) {
            data.append(' ').append(Long.toHexString(run.get(JAVA_LONG, Abi.Run.DATA + 8L * n)));
        }
        return new VmExit.InternalError("KVM's internal error, sub-error " + suberror + (data.isEmpty() ? "" : ":" + data));
    }

    /** Kernels before 5.14 don't say which bytes it was. */
    private byte[] instruction() {
        boolean told = run.get(JAVA_INT, Abi.Run.NDATA) >= 3
                && (run.get(JAVA_LONG, Abi.Run.FAILURE_FLAGS) & HAS_INSTRUCTION_BYTES) != 0;
        int length = told ? Math.min(MOST_BYTES, run.get(JAVA_BYTE, Abi.Run.INSN_SIZE)) : 0;
        return run.asSlice(Abi.Run.INSN_BYTES, length).toArray(JAVA_BYTE);
    }

    /**
     * Puts the answer where the kernel takes it from.
     *
     * @throws IllegalArgumentException where it does not fit the exit
     */
    void answer(ExitAnswer answer) {
        switch (answer) {
            case ExitAnswer.Value(long value) when count == 1 -> {
                byte[] bytes = new byte[size];
                for (int n = 0; n < size; n++) {
                    bytes[n] = (byte) (value >>> 8 * n);
                }
                put(bytes);
            }
            case ExitAnswer.Data(byte[] bytes) when bytes.length == size * count -> put(bytes);
            case ExitAnswer.Value v -> throw new IllegalArgumentException(count + " values were asked for");
            case ExitAnswer.Data d -> throw new IllegalArgumentException(size * count + " bytes were asked for");
            case ExitAnswer.None n -> throw new IllegalArgumentException("the last exit asks for a value");
        }
    }

    private void put(byte[] bytes) {
        MemorySegment.copy(bytes, 0, run, JAVA_BYTE, dataAt, bytes.length);
    }
}
