package org.jkvm.machine.pc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.X86State;
import org.junit.jupiter.api.Test;

class MtrrsTest {
    private static final CpuModel CPU = new CpuModel("fake", List.of(new CpuModel.Leaf(1, -1, 0, 0, 0, 1 << 12),
            new CpuModel.Leaf(0x8000_0008, -1, 0x3028, 0, 0, 0)));

    @Test
    void theHoleIsUncacheable() {
        X86State state = new X86State();
        Mtrrs.setUp(state, CPU, 0xc000_0000L);
        assertThat(state.msrs).containsEntry(0x2ff, 0xc06L).containsEntry(0x259, 0L)
                .containsEntry(0x26f, 0x0606_0606_0606_0606L)
                .containsEntry(0x200, 0xc000_0000L).containsEntry(0x201, 0xff_c000_0800L).doesNotContainKey(0x202);
    }

    @Test
    void anOddHoleTakesTwoRegisters() {
        X86State state = new X86State();
        Mtrrs.setUp(state, CPU, 0xd000_0000L);
        assertThat(state.msrs).containsEntry(0x200, 0xd000_0000L).containsEntry(0x201, 0xff_f000_0800L)
                .containsEntry(0x202, 0xe000_0000L).containsEntry(0x203, 0xff_e000_0800L).doesNotContainKey(0x204);
    }

    @Test
    void processorsWithoutThemAreLeftAlone() {
        X86State state = new X86State();
        Mtrrs.setUp(state, new CpuModel("old", List.of()), 0xc000_0000L);
        assertThat(state.msrs).isEmpty();
    }
}
