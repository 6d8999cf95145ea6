package org.jkvm.x64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jkvm.x64.Size.QWORD;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
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

    @Test
    void theOldestRegionMakesRoomAndItsOwnerIsToldBefore() {
        List<Long> evicted = new ArrayList<>();
        CodeCache.Layout layout = new CodeCache.Layout(0x1000, 0x1000, 3);
        try (CodeCache cache = new CodeCache(layout, CodeCache.Protection.WRITE_XOR_EXECUTE, region -> {
            assertThat(region.used()).isEqualTo(0x1000);
            assertThat(CodeCache.enter(region.start(), 1)).isEqualTo(1 + evicted.size());
            evicted.add(region.start());
        })) {
            long stub = cache.placePermanent(returnsArgumentPlus(cache.nextPermanent(), 77));
            List<Long> starts = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                starts.add(cache.reserve(0x1000));
                cache.place(Arrays.copyOf(returnsArgumentPlus(cache.next(), i), 0x1000));
            }
            assertThat(evicted).containsExactly(starts.get(0), starts.get(1));
            assertThat(starts.get(3)).isEqualTo(starts.get(0));
            assertThat(cache.regionOf(starts.get(3) + 9).generation()).isEqualTo(1);
            assertThat(cache.regionOf(starts.get(2)).generation()).isZero();
            assertThat(cache.regionOf(stub).start()).isEqualTo(stub);
            assertThat(CodeCache.enter(stub, 1)).isEqualTo(78);
            assertThat(cache.statistics()).isEqualTo(new CodeCache.Statistics(0x4000, 0x3000 + CodeCache.BLOCK_ALIGNMENT, 6,
                    0x5000 + 5, 2));
        }
    }

    @Test
    void allRegionsInUseAreEvictedTogether() {
        List<CodeRegion> evicted = new ArrayList<>();
        CodeCache.Layout layout = new CodeCache.Layout(0, 0x1000, 4);
        try (CodeCache cache = new CodeCache(layout, CodeCache.Protection.WRITE_AND_EXECUTE, evicted::add)) {
            long first = cache.reserve(0x1000);
            cache.place(new byte[0x1000]);
            cache.reserve(1);
            cache.place(new byte[1]);
            cache.evictAll();
            assertThat(evicted).hasSize(2).doesNotHaveDuplicates();
            assertThat(cache.next()).isEqualTo(first);
            assertThat(cache.statistics().used()).isZero();
            assertThatThrownBy(() -> cache.reserve(0x1001)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void jumpsAndConstantsArePatchedUnderAnotherThreadsFeet(CodeCache.Protection protection) throws Exception {
        try (CodeCache cache = new CodeCache(SIZE, protection)) {
            long one = cache.place(returnsArgumentPlus(cache.next(), 1));
            long two = cache.place(returnsArgumentPlus(cache.next(), 2));
            Assembler a = new Assembler(cache.next());
            long jump = a.jmpPatchable(one);
            long entry = cache.place(a.toByteArray());
            AtomicBoolean stop = new AtomicBoolean();
            try (ExecutorService other = Executors.newSingleThreadExecutor()) {
                Future<Long> seen = other.submit(() -> resultsOf(entry, stop));
                for (int i = 0; i < 20_000; i++) {
                    cache.patchJump(jump, i % 2 == 0 ? two : one);
                }
                stop.set(true);
                assertThat(seen.get() & ~0b110L).isZero();
            }
            cache.patchJump(jump, two);
            assertThat(cache.jumpTarget(jump)).isEqualTo(two);
            assertThat(CodeCache.enter(entry, 0)).isEqualTo(2);
        }
    }

    /** The set of results, as bits. */
    private static long resultsOf(long entry, AtomicBoolean stop) {
        long seen = 0;
        while (!stop.get()) {
            seen |= 1L << CodeCache.enter(entry, 0);
        }
        return seen;
    }

    @ParameterizedTest
    @EnumSource
    void immediatesArePatched(CodeCache.Protection protection) {
        try (CodeCache cache = new CodeCache(SIZE, protection)) {
            Assembler a = new Assembler(cache.next());
            long immediate = a.movPatchable(Gpr.RAX, 1);
            a.ret();
            long entry = cache.place(a.toByteArray());
            cache.patchLong(immediate, 0x123456789abcdef0L);
            assertThat(CodeCache.enter(entry, 0)).isEqualTo(0x123456789abcdef0L);
            assertThatThrownBy(() -> cache.patchLong(immediate + 4, 0)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> cache.patchJump(immediate + 1, entry)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> cache.patchJump(immediate, entry + SIZE)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void noMappingOutlivesTheCache(CodeCache.Protection protection) throws IOException {
        long before = mappings();
        CodeCache cache = new CodeCache(SIZE, protection);
        assertThat(mappings()).isGreaterThan(before);
        cache.close();
        cache.close();
        assertThat(mappings()).isEqualTo(before);
        assertThatThrownBy(() -> cache.place(new byte[1])).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void nothingIsWritableAndExecutableWhereTheHostForbidsIt() throws IOException {
        try (CodeCache cache = new CodeCache(SIZE, CodeCache.Protection.WRITE_XOR_EXECUTE);
                Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            String mine = lines.filter(line -> line.startsWith("%x-".formatted(cache.next()))).findFirst().orElseThrow();
            assertThat(mine).contains(" r-xs ");
        }
        assertThat(CodeCache.Protection.ofHost()).isIn((Object[]) CodeCache.Protection.values());
    }

    private static long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("jkvm-code")).count();
        }
    }

    @Test
    void refusesSizesThatCannotBe() {
        assertThatThrownBy(() -> new CodeCache.Layout(0, 0x1001, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new CodeCache.Layout(0, 0x1000, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new CodeCache.Layout(0x1000, 0x4000_0000, 2)).isInstanceOf(IllegalArgumentException.class);
    }
}
