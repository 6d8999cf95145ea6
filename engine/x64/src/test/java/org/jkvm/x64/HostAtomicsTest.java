package org.jkvm.x64;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostAtomicsTest {
    private static final long BEFORE = 0x8877_6655_4433_2211L;

    @BeforeEach
    void needsAnX86Host() {
        Assumptions.assumeTrue(HostAtomics.AVAILABLE, "this host is not x86-64");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 8})
    void setsWhatIsAsExpectedAndNothingBeside(int size) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(128, 64);
            for (int at = 0; at < 72; at++) {
                long mask = -1L >>> 64 - 8 * size;
                memory.fill((byte) 0);
                memory.set(JAVA_LONG_UNALIGNED, at, BEFORE);
                assertThat(HostAtomics.compareAndSet(memory.address() + at, size, BEFORE + 1 & mask, 5)).isFalse();
                assertThat(memory.get(JAVA_LONG_UNALIGNED, at)).isEqualTo(BEFORE);
                assertThat(HostAtomics.compareAndSet(memory.address() + at, size, BEFORE & mask, 5)).isTrue();
                assertThat(memory.get(JAVA_LONG_UNALIGNED, at)).isEqualTo(BEFORE & ~mask | 5);
            }
        }
    }

    @Test
    void setsSixteenBytesAtOnce() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(32, 16);
            memory.set(JAVA_LONG_UNALIGNED, 0, 1);
            memory.set(JAVA_LONG_UNALIGNED, 8, 2);
            assertThat(HostAtomics.compareAndSet16(memory.address(), 1, 3, 4, 5)).isFalse();
            assertThat(HostAtomics.compareAndSet16(memory.address(), 1, 2, 4, 5)).isTrue();
            assertThat(memory.get(JAVA_LONG_UNALIGNED, 0)).isEqualTo(4);
            assertThat(memory.get(JAVA_LONG_UNALIGNED, 8)).isEqualTo(5);
            assertThatThrownBy(() -> HostAtomics.compareAndSet16(memory.address() + 8, 0, 0, 0, 0))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
