package org.jkvm.storage.qcow2;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.jkvm.base.Bits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PartsTest {
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6})
    void countsOfAnyWidthKeepTheirNeighbours(int order) {
        RefcountWidth width = new RefcountWidth(order);
        long[] block = new long[64];
        long[] expected = new long[width.perBlock(512)];
        Random random = new Random(order);
        for (int i = 0; i < 5000; i++) {
            int index = random.nextInt(expected.length);
            expected[index] = random.nextLong() & Bits.mask(width.bits());
            set(width, block, index, expected[index]);
        }
        for (int i = 0; i < expected.length; i++) {
            assertThat(width.get(block, i)).isEqualTo(expected[i]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6})
    void countsThatAreAlikeAreSeenByWords(int order) {
        RefcountWidth width = new RefcountWidth(order);
        long[] block = new long[64];
        for (int i = 64; i < 192 && i < width.perBlock(512); i++) {
            set(width, block, i, 1);
        }
        assertThat(width.allAre(0, block, 0, 64)).isTrue();
        assertThat(width.allAre(1, block, 0, 64)).isFalse();
        for (int last = 64; last < 192 && last < width.perBlock(512); last++) {
            assertThat(width.allAre(1, block, 64, width.perBlock(512) < 192 ? 64 : 128)).isTrue();
            set(width, block, last, 0);
            assertThat(width.allAre(1, block, 64, width.perBlock(512) < 192 ? 64 : 128)).isFalse();
            set(width, block, last, 1);
        }
    }

    private static void set(RefcountWidth width, long[] block, int index, long count) {
        int word = width.wordOf(index);
        block[word] = width.with(block[word], index, count);
    }

    private static byte[] bytes(long[] block) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[block.length * Long.BYTES]);
        Be.putLongs(block, 0, block.length, bytes);
        return bytes.toArray(ValueLayout.JAVA_BYTE);
    }

    /** The format's own examples: narrow counts fill a byte from its low end, wide ones are big-endian. */
    @Test
    void countsLieWhereTheFormatSays() {
        long[] block = new long[64];
        set(new RefcountWidth(0), block, 9, 1);
        assertThat(bytes(block)[1]).isEqualTo((byte) 2);
        set(new RefcountWidth(2), block, 5, 0xa);
        assertThat(bytes(block)[2]).isEqualTo((byte) 0xa0);
        set(new RefcountWidth(4), block, 2, 0x1234);
        assertThat(bytes(block)).startsWith(0, 2, (byte) 0xa0, 0, 0x12, 0x34);
    }

    @Test
    void runsAreEntriesThatFollowOneAnotherWithTheSameFlags() {
        long cluster = 65536;
        long first = Extent.COPIED | 5 * cluster;
        long[] entries = {0, 0, first, first + cluster, first + 2 * cluster, 8 * cluster, 10 * cluster, 11 * cluster,
            Extent.COMPRESSED | cluster, Extent.COMPRESSED | 2 * cluster, Extent.ZERO, Extent.ZERO | cluster};
        assertThat(runs(entries, new EntryRuns(1, cluster))).containsExactly(2, 3, 1, 2, 1, 1, 1, 1);
        long[] withBitmaps = {first, -1, first + cluster, 7, first + 3 * cluster, 7};
        assertThat(runs(withBitmaps, new EntryRuns(2, cluster))).containsExactly(2, 1);
    }

    private static List<Integer> runs(long[] entries, EntryRuns runs) {
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < entries.length; i += found.getLast() * runs.stride()) {
            found.add(runs.from(entries, i));
        }
        return found;
    }

    @Test
    void setHoldsWhatWasAddedAndNotRemoved() {
        LongSet set = new LongSet();
        Set<Long> expected = new HashSet<>();
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            long value = 1 + random.nextInt(3000);
            if (random.nextBoolean()) {
                set.add(value);
                expected.add(value);
            } else {
                set.remove(value);
                expected.remove(value);
            }
        }
        for (long value = 1; value <= 3000; value++) {
            assertThat(set.contains(value)).isEqualTo(expected.contains(value));
        }
    }

    @Test
    void headerClusterIsAlwaysMetadata() {
        assertThat(new Places().contains(0)).isTrue();
    }

    /** Runs long and short that overlap, and holes in them. */
    @Test
    void placesHoldRuns() {
        Places places = new Places();
        Set<Long> expected = new HashSet<>();
        Random random = new Random(1);
        for (int i = 0; i < 2000; i++) {
            long first = 1 + random.nextInt(3000);
            if (random.nextInt(20) == 0) {
                long end = first + random.nextInt(200);
                places.add(first, end);
                LongStream.range(first, end).forEach(expected::add);
            } else {
                places.remove(first);
                expected.remove(first);
            }
        }
        for (long value = 1; value <= 3300; value++) {
            assertThat(places.contains(value)).isEqualTo(expected.contains(value));
        }
    }

    /** With 64 KiB clusters 54 bits are the offset, 8 bits further sectors. */
    @Test
    void compressedClustersEndWithASector() {
        Compressed place = Compressed.of(Extent.COMPRESSED | 3L << 54 | 0x12345, 16);
        assertThat(place.offset()).isEqualTo(0x12345);
        assertThat(place.end()).isEqualTo(0x12200 + 4 * 512);
    }

    @Test
    void l1TableCoversTheDisk() {
        assertThat(Header.l1EntriesFor(0, 16, false)).isZero();
        assertThat(Header.l1EntriesFor(1, 16, false)).isEqualTo(1);
        assertThat(Header.l1EntriesFor(512L << 20, 16, false)).isEqualTo(1);
        assertThat(Header.l1EntriesFor((512L << 20) + 1, 16, false)).isEqualTo(2);
    }
}
