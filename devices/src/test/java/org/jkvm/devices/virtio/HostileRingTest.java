package org.jkvm.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.jkvm.base.GuestMemory;
import org.jkvm.devices.virtio.TestRing.Piece;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rings that lie: each lie is found, and nothing outside the guest's RAM is touched. */
class HostileRingTest {
    private static final int SIZE = 8;
    private static final long OUTSIDE = TestMemory.SIZE - 4;
    private final TestMemory memory = new TestMemory();
    private final SplitTestRing split = new SplitTestRing(memory, SIZE);

    private Virtqueue open(TestRing ring, boolean packed, boolean indirect) {
        return Virtqueue.open(memory.ram, new Virtqueue.Layout(ring.size(), ring.descriptor(), ring.driver(), ring.device(),
                packed, true, indirect));
    }

    private Virtqueue openSplit() {
        return open(split, false, true);
    }

    private void refused(Virtqueue queue, String why) {
        assertThatThrownBy(queue::pop).isInstanceOf(VirtioException.class).hasMessageContaining(why);
    }

    @Test
    void aLoopIsFound() {
        split.write(split.descriptor(), 0, new Piece(0x100, 1, false), Virtqueue.F_NEXT, 1);
        split.write(split.descriptor(), 1, new Piece(0x100, 1, false), Virtqueue.F_NEXT, 0);
        split.offer(0);
        refused(openSplit(), "loops");
    }

    @Test
    void aLinkOutOfTheTableIsFound() {
        split.write(split.descriptor(), 0, new Piece(0x100, 1, false), Virtqueue.F_NEXT, SIZE);
        split.offer(0);
        refused(openSplit(), "leaves its table");
    }

    @Test
    void aHeadOutOfTheTableIsFound() {
        split.offer(0xffff);
        refused(openSplit(), "leaves its table");
    }

    @Test
    void aBufferOutsideRamIsFound() {
        split.write(split.descriptor(), 0, new Piece(OUTSIDE, 8, true), 0, 0);
        split.offer(0);
        assertThatThrownBy(openSplit()::pop).isInstanceOf(GuestMemory.BadAddress.class);
    }

    @Test
    void aBufferThatWrapsRoundTheAddressSpaceIsFound() {
        split.write(split.descriptor(), 0, new Piece(-16, 64, true), 0, 0);
        split.offer(0);
        assertThatThrownBy(openSplit()::pop).isInstanceOf(GuestMemory.BadAddress.class);
    }

    @Test
    void readableAfterWritableIsFound() {
        split.write(split.descriptor(), 0, new Piece(0x100, 1, true), Virtqueue.F_NEXT, 1);
        split.write(split.descriptor(), 1, new Piece(0x100, 1, false), 0, 0);
        split.offer(0);
        refused(openSplit(), "follows");
    }

    @Test
    void aTableInsideATableIsFound() {
        long table = memory.allocate(16, 16);
        split.write(table, 0, new Piece(table, 16, false), Virtqueue.F_INDIRECT, 0);
        split.write(split.descriptor(), 0, new Piece(table, 16, false), Virtqueue.F_INDIRECT, 0);
        split.offer(0);
        refused(openSplit(), "inside a table");
    }

    @Test
    void anOddTableIsFound() {
        split.write(split.descriptor(), 0, new Piece(0x100, 17, false), Virtqueue.F_INDIRECT, 0);
        split.offer(0);
        refused(openSplit(), "17 bytes");
    }

    @Test
    void aTableThatWasNotNegotiatedIsFound() {
        split.write(split.descriptor(), 0, new Piece(0x100, 16, false), Virtqueue.F_INDIRECT, 0);
        split.offer(0);
        refused(open(split, false, false), "not negotiated");
    }

    @Test
    void anIndexThatJumpsIsFound() {
        memory.ram.writeInt(split.driver() + 2, 2, SIZE + 1);
        refused(openSplit(), "ahead");
    }

    @Test
    void buffersWithoutEndAreFound() {
        Virtqueue queue = openSplit();
        split.write(split.descriptor(), 0, new Piece(0x100, 1, false), 0, 0);
        for (int i = 0; i < SIZE; i++) {
            split.offer(0);
            assertThat(queue.pop()).isNotNull();
        }
        split.offer(0);
        refused(queue, "more buffers");
    }

    @Test
    void aTableOfGreatLengthIsCutOff() {
        long entries = 2000;
        long table = memory.allocate(16 * entries, 16);
        for (int i = 0; i < entries; i++) {
            split.write(table, i, new Piece(0x100, 1, false), Virtqueue.F_NEXT, i + 1);
        }
        split.write(split.descriptor(), 0, new Piece(table, (int) (16 * entries), false), Virtqueue.F_INDIRECT, 0);
        split.offer(0);
        refused(openSplit(), "too long");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 2048})
    void aSizeThatCannotBeIsRefused(int size) {
        assertThatThrownBy(() -> Virtqueue.open(memory.ram, new Virtqueue.Layout(size, 0x1000, 0x2000, 0x3000, false, true,
                true))).isInstanceOf(VirtioException.class);
    }

    @Test
    void misalignedOrAbsentRingsAreRefused() {
        assertThatThrownBy(() -> openAt(0x1008, 0x2000, 0x3000)).isInstanceOf(VirtioException.class);
        assertThatThrownBy(() -> openAt(0x1000, OUTSIDE, 0x3000)).isInstanceOf(GuestMemory.BadAddress.class);
        assertThatThrownBy(() -> openAt(0x1000, 0x2000, -4)).isInstanceOf(GuestMemory.BadAddress.class);
    }

    private Virtqueue openAt(long descriptor, long driver, long device) {
        return Virtqueue.open(memory.ram, new Virtqueue.Layout(SIZE, descriptor, driver, device, false, true, true));
    }

    /** Rings full of noise, in both formats: what comes is a buffer inside RAM, or one of the two exceptions. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void noiseDoesNoHarm(boolean packed) {
        int buffers = 0;
        int refusals = 0;
        for (int seed = 0; seed < 3000; seed++) {
            Random random = new Random(seed);
            TestMemory noisy = new TestMemory(0x4000);
            TestRing ring = packed ? new PackedTestRing(noisy, SIZE) : new SplitTestRing(noisy, SIZE);
            fill(noisy, ring, random);
            Virtqueue queue = Virtqueue.open(noisy.ram, new Virtqueue.Layout(SIZE, ring.descriptor(), ring.driver(),
                    ring.device(), packed, random.nextBoolean(), random.nextBoolean()));
            int got = popAll(queue, random);
            buffers += Math.max(got, 0);
            refusals += got < 0 ? 1 : 0;
        }
        assertThat(buffers).isPositive();
        assertThat(refusals).isPositive();
    }

    private static void fill(TestMemory noisy, TestRing ring, Random random) {
        for (int i = 0; i < SIZE; i++) {
            long at = ring.descriptor() + 16L * i;
            noisy.ram.writeInt(at, 8, random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(0x1000) & ~0xf);
            noisy.ram.writeInt(at + 8, 4, random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(64) * 16);
            noisy.ram.writeInt(at + 12, 2, random.nextInt(8));
            noisy.ram.writeInt(at + 14, 2, random.nextInt(SIZE) | (random.nextBoolean() ? 0x80 : 0));
            noisy.ram.writeInt(ring.driver() + 4 + 2L * i, 2, random.nextInt(SIZE));
        }
        noisy.ram.writeInt(ring.driver() + 2, 2, random.nextInt(SIZE + 2));
        for (long at = 0; at < 0x1000; at += 8) {
            noisy.ram.writeInt(at, 8, random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(0x1000));
        }
    }

    /** Returns how many buffers came before the ring was empty, or -1 where it was found out. */
    private static int popAll(Virtqueue queue, Random random) {
        int count = 0;
        try {
            for (Chain chain = queue.pop(); chain != null && count < 100; chain = queue.pop()) {
                count++;
                chain.writable().write(0, new byte[64], 0, 64);
                queue.push(chain, random.nextInt(64));
                queue.interruptWanted();
                queue.enableNotifications();
            }
            return count;
        } catch (VirtioException | GuestMemory.BadAddress e) {
            return -1;
        }
    }
}
