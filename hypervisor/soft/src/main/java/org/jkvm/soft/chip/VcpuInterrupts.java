package org.jkvm.soft.chip;

import java.util.OptionalLong;
import java.util.concurrent.locks.Lock;

/**
 * A vCPU's side of the interrupt chip: its local APIC, as instructions and interrupt windows see it. Made by
 * {@link SoftInterruptChip#attach}. Every method may be called from any thread and takes the chip's lock, but where it
 * says that it doesn't. It never waits for a vCPU.
 *
 * <p>How a vCPU takes an interrupt: {@link ProcessorPins#interrupt} keeps a bit of its request word; when the bit is set,
 * RFLAGS.IF is set and no interrupt shadow is on, it calls {@link #acknowledgeInterrupt} and delivers the vector, unless
 * that is -1: the request went away meanwhile. The chip clears the bit through the same callback.
 */
public final class VcpuInterrupts {
    /** IA32_APIC_BASE. */
    public static final int IA32_APIC_BASE = 0x1b;
    /** IA32_TSC_DEADLINE. */
    public static final int IA32_TSC_DEADLINE = 0x6e0;
    /** The first MSR of x2APIC mode. */
    public static final int X2APIC_FIRST = 0x800;
    /** The last MSR that is reserved for x2APIC mode. */
    public static final int X2APIC_LAST = 0x8ff;

    /** What {@link #page} says while the page isn't mapped: further than a page from any physical address. */
    public static final long NO_PAGE = Long.MIN_VALUE;

    private final Lock lock;
    private final LocalApic apic;
    private final GuestTsc tsc;

    VcpuInterrupts(Lock lock, LocalApic apic, GuestTsc tsc) {
        this.lock = lock;
        this.apic = apic;
        this.tsc = tsc;
    }

    /** Whether {@link #acknowledgeInterrupt} would return a vector now. */
    public boolean interruptPending() {
        lock.lock();
        try {
            return apic.pending();
        } finally {
            lock.unlock();
        }
    }

    /** Takes the most urgent interrupt, from the 8259As or the local APIC: returns its vector (0 to 255), or -1. */
    public int acknowledgeInterrupt() {
        lock.lock();
        try {
            return apic.acknowledge();
        } finally {
            lock.unlock();
        }
    }

    /** The task priority register, 0 to 255; CR8 is its bits 7:4. */
    public int tpr() {
        lock.lock();
        try {
            return apic.tpr();
        } finally {
            lock.unlock();
        }
    }

    /** Sets the task priority register; MOV to CR8 sets it to CR8 {@code << 4}. */
    public void setTpr(int value) {
        lock.lock();
        try {
            apic.setTpr(value);
        } finally {
            lock.unlock();
        }
    }

    /** Whether {@link #readMsr} and {@link #writeMsr} are responsible for {@code msr}. Takes no lock. */
    public static boolean ownsMsr(int msr) {
        return msr >= X2APIC_FIRST && msr <= X2APIC_LAST || msr == IA32_APIC_BASE || msr == IA32_TSC_DEADLINE;
    }

    /** Reads an MSR; empty means #GP(0). */
    public OptionalLong readMsr(int msr) {
        lock.lock();
        try {
            return switch (msr) {
                case IA32_APIC_BASE -> OptionalLong.of(apic.base().read());
                case IA32_TSC_DEADLINE -> OptionalLong.of(apic.timer().tscDeadline());
                default -> readX2apic(msr - X2APIC_FIRST << 4);
            };
        } finally {
            lock.unlock();
        }
    }

    private OptionalLong readX2apic(int offset) {
        return apic.msrs().readable(offset) ? OptionalLong.of(apic.msrs().read(offset)) : OptionalLong.empty();
    }

    /** Writes an MSR; false means #GP(0). */
    public boolean writeMsr(int msr, long value) {
        lock.lock();
        try {
            return switch (msr) {
                case IA32_APIC_BASE -> apic.writeBase(value);
                case IA32_TSC_DEADLINE -> {
                    apic.timer().setTscDeadline(value);
                    yield true;
                }
                default -> apic.msrs().write(msr - X2APIC_FIRST << 4, value);
            };
        } finally {
            lock.unlock();
        }
    }

    /** The physical address of the local APIC's 4 KiB page, or {@link #NO_PAGE}. Takes no lock. */
    public long page() {
        return apic.base().page();
    }

    /** Reads {@code size} bytes (1, 2, 4 or 8) at {@code offset} of the page. */
    public long read(int offset, int size) {
        lock.lock();
        try {
            return apic.read(offset, size);
        } finally {
            lock.unlock();
        }
    }

    /** Writes {@code size} bytes (1, 2, 4 or 8) at {@code offset} of the page. */
    public void write(int offset, int size, long value) {
        lock.lock();
        try {
            apic.write(offset, size, value);
        } finally {
            lock.unlock();
        }
    }

    /** The time-stamp counter that TSC deadlines are compared with. */
    public GuestTsc tsc() {
        return tsc;
    }

    /** WRMSR to IA32_TIME_STAMP_COUNTER: an armed TSC deadline moves with it. */
    public void writeTsc(long value) {
        lock.lock();
        try {
            tsc.write(value);
            apic.timer().tscChanged();
        } finally {
            lock.unlock();
        }
    }

    /** Sets what the time-stamp counter shows at guest time zero: an armed TSC deadline moves with it. */
    public void writeTscOffset(long offset) {
        lock.lock();
        try {
            tsc.setOffset(offset);
            apic.timer().tscChanged();
        } finally {
            lock.unlock();
        }
    }

    /** Power-on. */
    public void reset() {
        lock.lock();
        try {
            apic.reset();
        } finally {
            lock.unlock();
        }
    }

    /** The register page, 1 KiB, as KVM_GET_LAPIC lays it out. */
    public byte[] exportPage() {
        lock.lock();
        try {
            return apic.exportPage();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Restores the local APIC from untrusted values: bits that can't be set are dropped.
     *
     * @param apicBase    IA32_APIC_BASE
     * @param page        the register page, 1 KiB, as KVM_SET_LAPIC takes it
     * @param tscDeadline IA32_TSC_DEADLINE; the TSC must have been restored
     */
    public void restore(long apicBase, byte[] page, long tscDeadline) {
        if (page.length != LocalApicRegisters.PAGE) {
            throw new IllegalArgumentException("local APIC page: " + page.length + " bytes, not " + LocalApicRegisters.PAGE);
        }
        lock.lock();
        try {
            apic.restore(apicBase, page, tscDeadline);
        } finally {
            lock.unlock();
        }
    }

    /** Its important registers, on one line. */
    public String describe() {
        lock.lock();
        try {
            return apic.toString();
        } finally {
            lock.unlock();
        }
    }
}
