package org.jkvm.soft.chip;

import org.jkvm.base.Bits;

/** IA32_APIC_BASE (SDM vol. 3A, 10.4.4 and 10.12.5): where the local APIC is, and in which of three states. */
final class ApicBase {
    private static final long POWER_ON = 0xfee0_0000L;
    private static final int BSP = 8;
    private static final int EXTD = 10;
    private static final int EN = 11;
    /** Physical address bits 51 to 12, the flags; the rest is reserved. */
    private static final long DEFINED = Bits.mask(52) & ~0xfffL | 1 << BSP | 1 << EXTD | 1 << EN;

    private final boolean bootstrap;
    private volatile long value;

    ApicBase(boolean bootstrap) {
        this.bootstrap = bootstrap;
        reset();
    }

    void reset() {
        value = POWER_ON | 1 << EN | (bootstrap ? 1 << BSP : 0);
    }

    long read() {
        return value;
    }

    boolean enabled() {
        return Bits.isSet(value, EN);
    }

    boolean x2apic() {
        return Bits.isSet(value, EXTD) && enabled();
    }

    /** Where the MMIO page is, or {@link VcpuInterrupts#NO_PAGE}. Any thread. */
    long page() {
        long now = value;
        return (now & (1 << EN | 1 << EXTD)) == 1 << EN ? now & Bits.mask(52) & ~0xfffL : VcpuInterrupts.NO_PAGE;
    }

    /** Writes it as WRMSR does; false means #GP: reserved bits, or a transition that figure 10-27 does not have. */
    boolean write(long written) {
        boolean en = Bits.isSet(written, EN);
        boolean extd = Bits.isSet(written, EXTD);
        boolean invalid = extd && !en || x2apic() && en && !extd || !enabled() && extd;
        if (invalid || (written & ~DEFINED) != 0) {
            return false;
        }
        set(written);
        return true;
    }

    /** Sets it without checking transitions. */
    void set(long written) {
        value = Bits.with(written & DEFINED, BSP, bootstrap);
    }
}
