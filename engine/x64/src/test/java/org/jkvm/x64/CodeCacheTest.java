package org.jkvm.x64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jkvm.x64.Size.QWORD;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CodeCacheTest {
    private static final long SIZE = 0x10000;

    @BeforeAll
    static void needsAnX86Host() {
        Assumptions.assumeTrue(CodeCache.isHostSupported(), "the host is not x86-64");
    }

    private static byte[] returnsArgumentPlus(long origin, int addend) {
        Assembler a = new Assembler(origin);
        a.lea(QWORD, Gpr.RAX, Mem.at(Gpr.RDI, addend));
        a.ret();
        return a.toByteArray();
    }

    @ParameterizedTest
    @EnumSource
    void executesWhatWasPlaced(CodeCache.Protection protection) {
        try (CodeCache cache = new CodeCache(SIZE, protection)) {
            long first = cache.place(returnsArgumentPlus(cache.next(), 5));
            long second = cache.place(returnsArgumentPlus(cache.next(), -300));
            assertThat(CodeCache.enter(first, 37)).isEqualTo(42);
            assertThat(CodeCache.enter(second, 0)).isEqualTo(-300);
            assertThat(second % CodeCache.BLOCK_ALIGNMENT).isZero();
            assertThat(cache.contains(second)).isTrue();
            assertThat(cache.contains(second + SIZE)).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource
    void rewrittenCodeTakesEffect(CodeCache.Protection protection) {
        try (CodeCache cache = new CodeCache(SIZE, protection)) {
            long at = cache.place(returnsArgumentPlus(cache.next(), 1));
            assertThat(CodeCache.enter(at, 1)).isEqualTo(2);
            cache.write(at, returnsArgumentPlus(at, 2));
            assertThat(CodeCache.enter(at, 1)).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void refusesWhatDoesNotFit(CodeCache.Protection protection) {
        try (CodeCache cache = new CodeCache(SIZE, protection)) {
            cache.place(new byte[(int) SIZE]);
            assertThat(cache.available()).isZero();
            assertThatThrownBy(() -> cache.place(new byte[1])).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> cache.write(cache.next(), new byte[1])).isInstanceOf(IndexOutOfBoundsException.class);
            cache.clear();
            assertThat(cache.available()).isEqualTo(SIZE);
        }
    }
}
