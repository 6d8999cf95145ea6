package org.jkvm.machine.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jkvm.base.UserException;
import org.jkvm.machine.memory.RamLayout.Block;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RamLayoutTest {
    private static final long MIB = 1 << 20;

    @ParameterizedTest
    @CsvSource({"1, 1, 0", "3583, 3583, 0", "3584, 3072, 512", "8192, 3072, 5120"})
    void memoryIsSplitAroundTheHole(long mib, long below, long above) {
        RamLayout layout = new RamLayout(mib * MIB);
        assertThat(layout.below4g()).isEqualTo(below * MIB);
        assertThat(layout.above4g()).isEqualTo(above * MIB);
        assertThat(layout.memoryMap().ramFrom(MemoryMap.FOUR_GIB)).isEqualTo(above * MIB);
    }

    @Test
    void blocksLeaveTheDisplayOut() {
        assertThat(new RamLayout(4096 * MIB).blocks()).containsExactly(new Block(0, 0, 0xa_0000),
                new Block(0xc_0000, 0xc_0000, 0xc000_0000L - 0xc_0000), new Block(1L << 32, 0xc000_0000L, 0x4000_0000));
    }

    @ParameterizedTest
    @CsvSource({"0", "-1048576", "1048575", "70368745226240"})
    void impossibleSizesAreRefused(long bytes) {
        assertThatThrownBy(() -> new RamLayout(bytes)).isInstanceOf(UserException.class).hasMessageContaining("-m: ");
    }
}
