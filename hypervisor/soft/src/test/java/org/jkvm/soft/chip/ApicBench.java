package org.jkvm.soft.chip;

import java.util.stream.IntStream;
import org.jkvm.base.time.ManualClock;

/** Processors with local APICs and nothing else, and the accesses that tests make. */
final class ApicBench {
    static final int ID = 0x20;
    static final int TPR = 0x80;
    static final int PPR = 0xa0;
    static final int EOI = 0xb0;
    static final int LDR = 0xd0;
    static final int DFR = 0xe0;
    static final int SVR = 0xf0;
    static final int ISR = 0x100;
    static final int IRR = 0x200;
    static final int ESR = 0x280;
    static final int ICR = 0x300;
    static final int ICR2 = 0x310;
    static final int LVT_TIMER = 0x320;
    static final int LINT0 = 0x350;
    static final int LINT1 = 0x360;
    static final int LVT_ERROR = 0x370;
    static final int TMICT = 0x380;
    static final int TMCCT = 0x390;
    static final int TDCR = 0x3e0;
    static final int SELF_IPI = 0x3f0;
    static final long BASE = 0xfee0_0000L;
    static final int EN = 1 << 11;
    static final int EXTD = 1 << 10;

    final ManualClock clock = new ManualClock();
    final SoftInterruptChip chip;
    final FakePins[] pins;
    final VcpuInterrupts[] cpus;

    /** {@code count} processors, software-enabled, on a TSC of 2 GHz. */
    ApicBench(int count) {
        chip = new SoftInterruptChip(clock, count, 2_000_000_000L);
        pins = IntStream.range(0, count).mapToObj(i -> new FakePins()).toArray(FakePins[]::new);
        cpus = IntStream.range(0, count).mapToObj(i -> chip.attach(i, pins[i])).toArray(VcpuInterrupts[]::new);
        for (VcpuInterrupts cpu : cpus) {
            cpu.write(SVR, 4, 0x1ff);
        }
    }

    void write(int cpu, int offset, long value) {
        cpus[cpu].write(offset, 4, value);
    }

    long read(int cpu, int offset) {
        return cpus[cpu].read(offset, 4);
    }

    /** Sends an IPI in xAPIC mode. */
    void ipi(int cpu, int destination, int command) {
        write(cpu, ICR2, (long) destination << 24);
        write(cpu, ICR, command);
    }

    void x2apic(int cpu) {
        cpus[cpu].writeMsr(VcpuInterrupts.IA32_APIC_BASE, BASE | EN | EXTD);
    }

    boolean writeX2(int cpu, int offset, long value) {
        return cpus[cpu].writeMsr(VcpuInterrupts.X2APIC_FIRST + (offset >> 4), value);
    }

    long readX2(int cpu, int offset) {
        return cpus[cpu].readMsr(VcpuInterrupts.X2APIC_FIRST + (offset >> 4)).orElseThrow();
    }

    /** Takes an interrupt and ends it; returns its vector or -1. */
    int take(int cpu) {
        int vector = cpus[cpu].acknowledgeInterrupt();
        write(cpu, EOI, 0);
        return vector;
    }

    /** Which processors have an interrupt waiting; takes and ends them. */
    String interrupted() {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < cpus.length; i++) {
            s.append(cpus[i].acknowledgeInterrupt() >= 0 ? String.valueOf(i) : "");
            write(i, EOI, 0);
        }
        return s.toString();
    }
}
