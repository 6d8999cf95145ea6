package org.jkvm.x86.mmu;

import org.jkvm.x86.X86Cpu;

/** Memory for locked instructions, which are the host's atomic operations on it. */
public final class LockedAccess {
    private static final int PAGE = 4096;
    private static final int OFFSET = PAGE - 1;

    private final X86Cpu cpu;
    private final Mmu mmu;

    LockedAccess(X86Cpu cpu, Mmu mmu) {
        this.cpu = cpu;
        this.mmu = mmu;
    }

    /**
     * The host address of {@code size} writable bytes of guest RAM, which {@link #written} is told about afterwards; 0 for what
     * crosses pages and for what is no RAM. Raises what a write would raise.
     */
    public long host(long linear, int size) {
        long direct = mmu.hostForWrite(linear, size);
        if (direct != 0 || mmu.speculates() || (linear & OFFSET) + size > PAGE) {
            return direct;
        }
        long address = mmu.writable(linear, size);
        long page = address & ~OFFSET;
        return cpu.bus.writablePage(page) ? cpu.bus.hostPage(page) + (address & OFFSET) : 0;
    }

    /** Tells of an access where the page is watched or holds decoded code. */
    public void written(long linear, int size) {
        if (mmu.hostForWrite(linear, size) != 0) {
            return;
        }
        cpu.debug.watchRead(linear, size);
        cpu.debug.watchWrite(linear, size);
        long address = mmu.writable(linear, size);
        if (cpu.bus.holdsCode(address & ~OFFSET)) {
            mmu.tellOfCode(address, size);
        }
    }
}
