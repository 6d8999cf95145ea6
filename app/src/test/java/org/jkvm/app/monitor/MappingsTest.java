package org.jkvm.app.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.testkit.FakeMemory;
import org.junit.jupiter.api.Test;

class MappingsTest {
    private final FakeMemory memory = new FakeMemory(1 << 20);
    private final X86State state = new X86State();

    private void longMode() {
        state.cr0 = 0x8000_0001L;
        state.cr3 = 0x1000;
        state.cr4 = 0x20;
        state.msrs.put(0xc000_0080, 0x500L);
    }

    @Test
    void saysThatPagingIsOff() {
        assertThat(Mappings.text(state, memory)).isEqualTo("PG disabled\n");
    }

    @Test
    void joinsNeighboursThatAllowTheSame() {
        longMode();
        memory.writeInt(0x1000, 8, 0x2007);
        memory.writeInt(0x2000, 8, 0x3007);
        memory.writeInt(0x3000, 8, 0x4007);
        memory.writeInt(0x4000, 8, 0x7007);
        memory.writeInt(0x4008, 8, 0x8007);
        memory.writeInt(0x4010, 8, 0x9005);
        memory.writeInt(0x3008, 8, 0x83);
        assertThat(Mappings.text(state, memory)).isEqualTo("""
                0000000000000000-0000000000002000 0000000000002000 urw
                0000000000002000-0000000000003000 0000000000001000 ur-
                0000000000200000-0000000000400000 0000000000200000 -rw
                """);
    }

    @Test
    void showsTheUpperHalfWithItsSign() {
        longMode();
        memory.writeInt(0x1000 + 8 * 511, 8, 0x2003);
        memory.writeInt(0x2000 + 8 * 511, 8, 0x83);
        assertThat(Mappings.text(state, memory))
                .isEqualTo("ffffffffc0000000-0000000000000000 0000000040000000 -rw\n");
    }

    @Test
    void walks32BitTablesWithLargePages() {
        state.cr0 = 0x8000_0001L;
        state.cr3 = 0x1000;
        state.cr4 = 0x10;
        memory.writeInt(0x1004, 4, 0x87);
        memory.writeInt(0x1000 + 4 * 768, 4, 0x2003);
        memory.writeInt(0x2000, 4, 0x3001);
        assertThat(Mappings.text(state, memory)).isEqualTo("""
                0000000000400000-0000000000800000 0000000000400000 urw
                00000000c0000000-00000000c0001000 0000000000001000 -r-
                """);
    }

    /** Every entry of every level names the same table: 512 to the fourth pages, were there no bound. */
    @Test
    void endsOnTablesThatNameThemselves() {
        longMode();
        for (int n = 0; n < 512; n++) {
            memory.writeInt(0x1000 + 8 * n, 8, 0x1000 | (n % 2 == 0 ? 7 : 5));
        }
        assertThat(Mappings.text(state, memory)).endsWith("... and more\n");
    }
}
