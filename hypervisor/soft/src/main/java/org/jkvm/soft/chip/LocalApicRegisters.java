package org.jkvm.soft.chip;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;

/**
 * The local APIC's registers (SDM vol. 3A, table 10-1 and, for the MSRs of x2APIC mode, table 10-6): 32 bits every 16
 * bytes. An x2APIC's MSR is 800h plus the offset divided by 16.
 */
final class LocalApicRegisters {
    /** Bytes of the page that hold registers; the layout of KVM_GET_LAPIC's page. */
    static final int PAGE = 0x400;

    /** Integrated APIC (14h), six LVT entries, no suppression of EOI broadcasts. */
    private static final int VERSION = 0x0005_0014;
    private static final int MASKED = 1 << 16;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    final RegisterFile file = new RegisterFile("local-apic").summary("A processor's local APIC")
            .source("Intel SDM vol. 3A, table 10-1");
    private final Register[] byIndex = new Register[PAGE / 16];
    private final long[] writable = new long[PAGE / 16];

    final Register id = declare("ID", 0x20, 0).summary("Local APIC id");
    final Register version = declare("VERSION", 0x30, 0).reset(VERSION).summary("Version and number of LVT entries");
    final Register tpr = declare("TPR", 0x80, 0xff).summary("Task priority");
    final Register apr = declare("APR", 0x90, 0).summary("Arbitration priority; not in x2APIC mode");
    final Register ppr = declare("PPR", 0xa0, 0).summary("Processor priority");
    final Register eoi = declare("EOI", 0xb0, 0).writeOnly().summary("End of interrupt");
    final Register rrd = declare("RRD", 0xc0, 0).summary("Remote read; not in x2APIC mode");
    final Register ldr = declare("LDR", 0xd0, 0xff00_0000L).summary("Logical destination");
    final Register dfr = declare("DFR", 0xe0, 0xf000_0000L).reset(0xffff_ffffL)
            .field("MODEL", 31, 28, "1111 flat, 0000 cluster").summary("Destination format; not in x2APIC mode");
    final Register svr = declare("SVR", 0xf0, 0x3ff).reset(0xff).bit("ENABLE", 8, "APIC software enable")
            .unmodelled("FOCUS", 9, 9, "Focus processor checking").summary("Spurious interrupt vector");
    final VectorSet isr = new VectorSet(declareSet("ISR", 0x100, "In service"));
    final VectorSet tmr = new VectorSet(declareSet("TMR", 0x180, "Trigger mode: set where level-triggered"));
    final VectorSet irr = new VectorSet(declareSet("IRR", 0x200, "Interrupt request"));
    final Register esr = declare("ESR", 0x280, 0).summary("Error status");
    final Register icr = declare("ICR", 0x300, 0xc_cfff)
            .field("VECTOR", 7, 0, "Vector").field("MODE", 10, 8, "Delivery mode")
            .bit("LOGICAL", 11, "Destination mode").bit("LEVEL", 14, "Assert").bit("TRIGGER", 15, "Level-triggered")
            .field("SHORTHAND", 19, 18, "None, self, all, others").summary("Interrupt command");
    final Register icrHigh = declare("ICR2", 0x310, 0xff00_0000L)
            .summary("Destination; in x2APIC mode the ICR's upper half");
    final Register lvtTimer = declareLvt("LVT_TIMER", 0x320, 0x7_00ff, "Timer").field("MODE", 18, 17, "Timer mode");
    final Register lvtThermal = declareLvt("LVT_THERMAL", 0x330, 0x1_07ff, "Thermal sensor; there is none");
    final Register lvtCounters = declareLvt("LVT_PC", 0x340, 0x1_07ff, "Performance counters; there are none");
    final Register lint0 = declareLvt("LVT_LINT0", 0x350, 0x1_a7ff, "Pin LINT0: the 8259As' INTR");
    final Register lint1 = declareLvt("LVT_LINT1", 0x360, 0x1_a7ff, "Pin LINT1: NMI");
    final Register lvtError = declareLvt("LVT_ERROR", 0x370, 0x1_00ff, "Errors");
    final Register initialCount = declare("TMICT", 0x380, 0xffff_ffffL).summary("Timer's initial count");
    final Register currentCount = declare("TMCCT", 0x390, 0).summary("Timer's current count");
    final Register divide = declare("TDCR", 0x3e0, 0xb).summary("Timer's divide configuration");
    final Register selfIpi = declare("SELF_IPI", 0x3f0, 0xff).writeOnly().summary("Self IPI; only in x2APIC mode");

    /** The LVT entries: what a software-disabled APIC masks. */
    final Register[] lvt() {
        return new Register[] {lvtTimer, lvtThermal, lvtCounters, lint0, lint1, lvtError};
    }

    /** The register at {@code offset}, a multiple of 16 below {@link #PAGE}, or null. */
    Register at(int offset) {
        return byIndex[offset >> 4];
    }

    /** Which bits of it may be set in a write through an MSR; others are reserved and fault. */
    long writable(int offset) {
        return writable[offset >> 4];
    }

    /** Writes the stored values to a page. */
    byte[] toPage() {
        MemorySegment page = MemorySegment.ofArray(new byte[PAGE]);
        for (Register r : file.registers()) {
            page.set(INT, r.offset(), (int) r.get());
        }
        return (byte[]) page.heapBase().orElseThrow();
    }

    /** Takes the stored values from a page, which may hold anything: only bits that can be set are taken. */
    void fromPage(byte[] bytes) {
        MemorySegment page = MemorySegment.ofArray(bytes);
        for (Register r : file.registers()) {
            r.set(page.get(INT, r.offset()) & stored(r));
        }
        version.set(VERSION);
        isr.clearIllegal();
        irr.clearIllegal();
    }

    /** What a page may set of a register: software's bits, remote IRR of the pins, and all of what only the chip writes. */
    private long stored(Register r) {
        boolean whole = writable(r.offset()) == 0 || r == icrHigh || r == ldr || r == dfr;
        boolean pin = r == lint0 || r == lint1;
        return whole ? -1L : writable(r.offset()) | (pin ? 1 << 14 : 0);
    }

    private Register declare(String name, int offset, long writableBits) {
        Register r = file.register(name, offset, 32).writable(writableBits);
        byIndex[offset >> 4] = r;
        writable[offset >> 4] = writableBits;
        return r;
    }

    private Register declareLvt(String name, int offset, long writableBits, String summary) {
        return declare(name, offset, writableBits).reset(MASKED).field("VECTOR", 7, 0, "Vector")
                .bit("MASK", 16, "Masked").summary("Local vector table: " + summary);
    }

    private Register[] declareSet(String name, int offset, String summary) {
        Register[] words = new Register[8];
        for (int i = 0; i < words.length; i++) {
            String range = ", vectors " + 32 * i + " to " + (32 * i + 31);
            words[i] = declare(name + i, offset + 16 * i, 0).summary(summary + range);
        }
        return words;
    }
}
