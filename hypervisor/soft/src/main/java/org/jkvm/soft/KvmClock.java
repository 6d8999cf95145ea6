package org.jkvm.soft;

import java.time.Instant;
import java.util.Map;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.time.Clock;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.soft.chip.GuestTsc;
import org.jkvm.x86.X86Bus.MsrResult;

/**
 * kvmclock: tells a guest what time it is and how its time-stamp counter relates to that, so that its clock is right
 * however slow this host is (Linux Documentation/virt/kvm/x86/msr.rst and cpuid.rst). The structures are in the guest's
 * memory; their layout is struct pvclock_vcpu_time_info and pvclock_wall_clock.
 */
final class KvmClock {
    /** CPUID leaf of the signature, and of the features after it. */
    private static final int SIGNATURE_LEAF = 0x4000_0000;
    /** CLOCKSOURCE, NOP_IO_DELAY, CLOCKSOURCE2, CLOCKSOURCE_STABLE_BIT. */
    private static final int FEATURES = 1 | 1 << 1 | 1 << 3 | 1 << 24;

    private static final int MSR_WALL_CLOCK = 0x11;
    private static final int MSR_SYSTEM_TIME = 0x12;
    private static final int MSR_WALL_CLOCK_NEW = 0x4b56_4d00;
    private static final int MSR_SYSTEM_TIME_NEW = 0x4b56_4d01;
    private static final int TSC_STABLE = 1;
    private static final long ENABLED = 1;

    private final Clock clock;
    private final GuestTsc tsc;
    private final GuestMemory memory;
    private long systemTime;
    private long wallClock;

    KvmClock(Clock clock, GuestTsc tsc, GuestMemory memory) {
        this.clock = clock;
        this.tsc = tsc;
        this.memory = memory;
    }

    /** The leaf that says "KVMKVMKVM", and which leaf is the last of its kind. */
    static CpuModel.Leaf signature() {
        return new CpuModel.Leaf(SIGNATURE_LEAF, -1, SIGNATURE_LEAF + 1, 0x4b4d564b, 0x564b4d56, 0x4d);
    }

    /** The leaf that says what a guest may use. */
    static CpuModel.Leaf features() {
        return new CpuModel.Leaf(SIGNATURE_LEAF + 1, -1, FEATURES, 0, 0, 0);
    }

    static boolean owns(int msr) {
        return msr == MSR_WALL_CLOCK || msr == MSR_SYSTEM_TIME || msr == MSR_WALL_CLOCK_NEW || msr == MSR_SYSTEM_TIME_NEW;
    }

    MsrResult read(int msr) {
        return new MsrResult(true, msr == MSR_SYSTEM_TIME || msr == MSR_SYSTEM_TIME_NEW ? systemTime : wallClock);
    }

    /** Writes an MSR: an address that is not RAM is ignored, as it can hurt the guest only. */
    void write(int msr, long value) {
        try {
            if (msr == MSR_SYSTEM_TIME || msr == MSR_SYSTEM_TIME_NEW) {
                systemTime = value;
                update();
            } else {
                wallClock = value;
                writeWallClock(value);
            }
        } catch (GuestMemory.BadAddress notRam) {
            systemTime &= ~ENABLED;
        }
    }

    /** Fills the time structure; the version is odd while it is being written. */
    void update() {
        if ((systemTime & ENABLED) == 0) {
            return;
        }
        long at = systemTime & ~ENABLED;
        long version = memory.readInt(at, 4) + 1 | 1;
        memory.writeInt(at, 4, version);
        memory.writeInt(at + 8, 8, tsc.read());
        memory.writeInt(at + 16, 8, clock.nanos());
        memory.writeInt(at + 24, 4, multiplier());
        memory.writeInt(at + 28, 1, 1);
        memory.writeInt(at + 29, 1, TSC_STABLE);
        memory.writeInt(at, 4, version + 1);
    }

    /** Nanoseconds are {@code (ticks << 1) * multiplier >> 32}. */
    private long multiplier() {
        return 1_000_000_000L * (1L << 31) / tsc.hertz();
    }

    private void writeWallClock(long at) {
        Instant boot = Instant.now().minusNanos(clock.nanos());
        long version = memory.readInt(at, 4) + 1 | 1;
        memory.writeInt(at, 4, version);
        memory.writeInt(at + 4, 4, boot.getEpochSecond());
        memory.writeInt(at + 8, 4, boot.getNano());
        memory.writeInt(at, 4, version + 1);
    }

    void save(Map<Integer, Long> msrs) {
        msrs.put(MSR_SYSTEM_TIME_NEW, systemTime);
        msrs.put(MSR_WALL_CLOCK_NEW, wallClock);
    }

    /** Takes saved MSRs; the wall clock's structure holds what it held. Values that are not there stay. */
    void restore(Map<Integer, Long> msrs) {
        wallClock = msrs.getOrDefault(MSR_WALL_CLOCK_NEW, wallClock);
        Long time = msrs.get(MSR_SYSTEM_TIME_NEW);
        if (time != null) {
            write(MSR_SYSTEM_TIME_NEW, time);
        }
    }

    void reset() {
        systemTime = 0;
        wallClock = 0;
    }
}
