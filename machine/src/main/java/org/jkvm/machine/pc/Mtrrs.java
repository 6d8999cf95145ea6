package org.jkvm.machine.pc;

import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.machine.memory.MemoryMap;

/**
 * Memory type range registers as firmware leaves them (SDM vol. 3A, section 12.11): everything is write-back but display
 * memory and the PCI hole, which are uncacheable. Systems turn page attributes off where firmware has not set them up.
 */
final class Mtrrs {
    private static final int DEF_TYPE = 0x2ff;
    private static final long ENABLED_FIXED_WRITE_BACK = 0xc06;
    private static final int FIX_64K_00000 = 0x250;
    private static final int FIX_16K_80000 = 0x258;
    private static final int FIX_16K_A0000 = 0x259;
    private static final int FIX_4K_C0000 = 0x268;
    private static final int FIX_4K_REGISTERS = 8;
    private static final long ALL_WRITE_BACK = 0x0606_0606_0606_0606L;
    private static final int PHYS_BASE_0 = 0x200;
    private static final int PHYS_MASK_0 = 0x201;
    private static final long VALID = 0x800;
    private static final int CPUID_MTRR = 12;
    private static final int DEFAULT_PHYSICAL_BITS = 36;

    private Mtrrs() {
    }

    /** Sets the registers in {@code state} if {@code cpu} has any; the hole is from {@code pciHole} to 4 GiB. */
    static void setUp(X86State state, CpuModel cpu, long pciHole) {
        boolean present = cpu.leaves().stream().anyMatch(l -> l.function() == 1 && (l.edx() >> CPUID_MTRR & 1) != 0);
        if (!present) {
            return;
        }
        state.msrs.put(DEF_TYPE, ENABLED_FIXED_WRITE_BACK);
        state.msrs.put(FIX_64K_00000, ALL_WRITE_BACK);
        state.msrs.put(FIX_16K_80000, ALL_WRITE_BACK);
        state.msrs.put(FIX_16K_A0000, 0L);
        for (int i = 0; i < FIX_4K_REGISTERS; i++) {
            state.msrs.put(FIX_4K_C0000 + i, ALL_WRITE_BACK);
        }
        setUncacheable(state, pciHole, (1L << physicalBits(cpu)) - 1);
    }

    /** In naturally aligned powers of two, as the registers take them: two at most, the hole begins at 256 MiB steps. */
    private static void setUncacheable(X86State state, long pciHole, long addressMask) {
        int register = 0;
        for (long start = pciHole; start < MemoryMap.FOUR_GIB; register += 2) {
            long length = Long.lowestOneBit(start);
            state.msrs.put(PHYS_BASE_0 + register, start);
            state.msrs.put(PHYS_MASK_0 + register, -length & addressMask | VALID);
            start += length;
        }
    }

    /** CPUID 80000008h, EAX bits 7:0. */
    private static int physicalBits(CpuModel cpu) {
        return cpu.leaves().stream().filter(l -> l.function() == 0x8000_0008).mapToInt(l -> l.eax() & 0xff).findFirst()
                .orElse(DEFAULT_PHYSICAL_BITS);
    }
}
