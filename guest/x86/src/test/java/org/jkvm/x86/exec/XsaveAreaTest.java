package org.jkvm.x86.exec;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import org.jkvm.linux.RawMemory;
import org.jkvm.x86.RamBus;
import org.jkvm.x86.X86Cpu;
import org.jkvm.x86.cpuid.CpuidTable;
import org.jkvm.x86.mmu.Mmu;
import org.jkvm.x86.state.CpuState;
import org.junit.jupiter.api.Test;

/** Vector registers survive being saved, in an area with AVX state and in one without. */
class XsaveAreaTest {
    private static final int WITHOUT_AVX = 576;
    private static final int WITH_AVX = 832;

    private final Arena arena = Arena.ofAuto();

    private X86Cpu processor() {
        long struct = arena.allocate(CpuState.SIZE + Mmu.TLB_SIZE, 64).address();
        X86Cpu cpu = new X86Cpu(struct, new RamBus(arena.allocate(0x1000, 4096)), new CpuidTable(new int[0][], 0));
        cpu.reset();
        return cpu;
    }

    private static void fill(X86Cpu cpu, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int at = 0; at < 16 * 4; at++) {
            RawMemory.putLong(word(cpu, at), random.nextLong());
        }
    }

    private static long word(X86Cpu cpu, int n) {
        return cpu.st + CpuState.vector(n / 4) + 8 * (n % 4);
    }

    @Test
    void avxStateIsSavedAndRestored() {
        X86Cpu from = processor();
        X86Cpu to = processor();
        fill(from, 1);
        fill(to, 2);
        XsaveArea.restore(to, XsaveArea.export(from, WITH_AVX));
        for (int n = 0; n < 64; n++) {
            assertThat(RawMemory.getLong(word(to, n))).isEqualTo(RawMemory.getLong(word(from, n)));
        }
    }

    @Test
    void anAreaWithoutAvxStateInitialisesIt() {
        X86Cpu from = processor();
        X86Cpu to = processor();
        fill(from, 1);
        fill(to, 2);
        XsaveArea.restore(to, XsaveArea.export(from, WITHOUT_AVX));
        for (int n = 0; n < 64; n++) {
            boolean upper = n % 4 >= 2;
            assertThat(RawMemory.getLong(word(to, n))).isEqualTo(upper ? 0 : RawMemory.getLong(word(from, n)));
        }
    }
}
