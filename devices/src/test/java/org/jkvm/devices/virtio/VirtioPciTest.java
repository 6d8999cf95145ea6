package org.jkvm.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jkvm.base.state.StateTree;
import org.jkvm.devices.pci.TestBoard;
import org.jkvm.devices.virtio.TestRing.Piece;
import org.junit.jupiter.api.Test;

/** The PCI transport under a device that gives every buffer straight back. */
class VirtioPciTest {
    private static final int SLOT = TestDriver.SLOT;
    private static final long VERSION_1 = 1L << Feature.VERSION_1;
    private final Echo echo = new Echo();
    private final TestDriver driver = new TestDriver(echo, VirtioOptions.DEFAULTS.withPacked(true));

    /** Gives every buffer back with its length. */
    private static final class Echo extends VirtioDevice {
        final List<String> events = new ArrayList<>();
        boolean idle = true;

        Echo() {
            super("echo", 42, 0xff0000);
            config().register("scratch", 0, 32);
        }

        @Override
        public long offeredFeatures() {
            return 1 << 3;
        }

        @Override
        public int queueCount() {
            return 2;
        }

        @Override
        public int queueSize(int queue) {
            return 16;
        }

        @Override
        protected void notified(int queue) {
            events.add("notified " + queue);
            Virtqueue ring = queue(queue);
            for (Chain chain = ring.pop(); chain != null; chain = ring.pop()) {
                ring.push(chain, (int) chain.writable().length());
            }
            interruptIfWanted(queue);
        }

        @Override
        protected void activated() {
            events.add("activated");
        }

        @Override
        protected void resetDevice() {
            events.add("reset");
        }

        @Override
        protected boolean isIdle() {
            return idle;
        }
    }

    private TestRing start(long features) {
        driver.negotiate(features);
        TestRing ring = driver.queue(1, 16, (features >>> Feature.RING_PACKED & 1) != 0);
        driver.driverOk();
        echo.events.clear();
        return ring;
    }

    @Test
    void identifiesAsAModernDevice() {
        assertThat(driver.board.config(SLOT, 0, 4)).isEqualTo(0x106a_1af4L);
        assertThat(driver.board.config(SLOT, 8, 4)).isEqualTo(0xff00_0001L);
        assertThat(driver.common(0x12, 2)).isEqualTo(2);
    }

    @Test
    void offersRingsAndDeviceFeatures() {
        assertThat(driver.offered()).isEqualTo(VERSION_1 | 1L << 34 | 1L << 29 | 1L << 28 | 1 << 3);
    }

    @Test
    void featuresThatWereNotOfferedAreRefused() {
        driver.negotiate(VERSION_1 | 1 << 4);
        assertThat(driver.status()).isEqualTo(3);
        driver.negotiate(VERSION_1 | 1 << 3);
        assertThat(driver.status()).isEqualTo(0xb);
    }

    @Test
    void aLegacyDriverIsRefused() {
        driver.negotiate(1 << 3);
        assertThat(driver.status()).isEqualTo(3);
    }

    @Test
    void featuresAreSettledAfterFeaturesOk() {
        driver.negotiate(VERSION_1);
        driver.accept(VERSION_1 | 1 << 3);
        driver.common(8, 4, 0);
        assertThat(driver.common(0xc, 4)).isZero();
    }

    @Test
    void buffersGoRound() {
        TestRing ring = start(VERSION_1);
        int id = ring.add(List.of(new Piece(0x100, 5, true)));
        driver.kick(1);
        assertThat(ring.poll()).isEqualTo(new TestRing.Used(id, 5));
        assertThat(driver.board.pin.level()).isTrue();
        assertThat(driver.isr()).isEqualTo(1);
        assertThat(driver.board.pin.level()).isFalse();
        assertThat(driver.isr()).isZero();
    }

    @Test
    void messagesReplaceThePin() {
        driver.useMessages();
        driver.negotiate(VERSION_1);
        driver.common(0x10, 2, 99);
        assertThat(driver.common(0x10, 2)).isEqualTo(0xffff);
        TestRing ring = driver.queue(1, 16, false);
        driver.common(0x1a, 2, 1);
        driver.driverOk();
        ring.add(List.of(new Piece(0x100, 5, true)));
        driver.kick(1);
        assertThat(driver.board.messages).containsExactly(new TestBoard.Message(0xfee0_0000L, 0x31));
        assertThat(driver.board.pin.edges()).isZero();
        assertThat(driver.isr()).isZero();
    }

    @Test
    void nothingHappensBeforeDriverOk() {
        driver.negotiate(VERSION_1);
        TestRing ring = driver.queue(1, 16, false);
        ring.add(List.of(new Piece(0x100, 5, true)));
        driver.kick(1);
        assertThat(ring.poll()).isNull();
        driver.driverOk();
        assertThat(ring.poll()).isNotNull();
    }

    @Test
    void nothingHappensWithoutBusMastering() {
        TestRing ring = start(VERSION_1);
        driver.board.config(SLOT, 4, 2, 2);
        ring.add(List.of(new Piece(0x100, 5, true)));
        driver.kick(1);
        assertThat(ring.poll()).isNull();
    }

    @Test
    void aNotificationOfAQueueThatIsNotThereIsLost() {
        start(VERSION_1);
        driver.kick(0);
        driver.kick(7);
        assertThat(echo.events).isEmpty();
    }

    @Test
    void aBrokenRingNeedsAReset() {
        TestRing ring = start(VERSION_1);
        ring.add(List.of(new Piece(-1, 5, true)));
        driver.kick(1);
        assertThat(driver.needsReset()).isTrue();
        assertThat(driver.isr()).isEqualTo(2);
        assertThat(driver.pci.violations()).isEqualTo(1);
        driver.kick(1);
        assertThat(echo.events).containsExactly("notified 1");
        start(VERSION_1).add(List.of(new Piece(0x100, 5, true)));
        driver.kick(1);
        assertThat(driver.needsReset()).isFalse();
    }

    @Test
    void aQueueThatIsTooLongNeedsAReset() {
        driver.negotiate(VERSION_1);
        driver.queue(0, 32, false);
        assertThat(driver.needsReset()).isTrue();
    }

    @Test
    void resetForgetsWhatTheDriverSetUp() {
        start(VERSION_1);
        driver.status(0);
        assertThat(driver.status()).isZero();
        driver.common(0x16, 2, 1);
        assertThat(driver.common(0x1c, 2)).isZero();
        assertThat(driver.common(0x18, 2)).isEqualTo(16);
        assertThat(driver.common(0x20, 4)).isZero();
        assertThat(echo.events).containsExactly("reset");
    }

    @Test
    void aBusyDeviceHoldsTheResetBack() {
        start(VERSION_1);
        echo.idle = false;
        driver.status(0);
        assertThat(driver.status()).isEqualTo(0xf);
        driver.kick(1);
        assertThat(echo.events).isEmpty();
        echo.idle = true;
        echo.transport().idle();
        assertThat(driver.status()).isZero();
    }

    @Test
    void structuresAnswerThroughConfigurationCycles() {
        int at = (int) driver.board.config(SLOT, 0x34, 1);
        while (driver.board.config(SLOT, at, 1) != 9 || driver.board.config(SLOT, at + 3, 1) != 5) {
            at = (int) driver.board.config(SLOT, at + 1, 1);
        }
        driver.deviceConfig(0, 4, 0x1234_5678);
        driver.board.config(SLOT, at + 4, 1, 4);
        driver.board.config(SLOT, at + 8, 4, 0x2000);
        driver.board.config(SLOT, at + 12, 4, 4);
        assertThat(driver.board.config(SLOT, at + 16, 4)).isEqualTo(0x1234_5678);
        driver.board.config(SLOT, at + 12, 4, 2);
        driver.board.config(SLOT, at + 16, 4, 0x9abc);
        assertThat(driver.deviceConfig(0, 4)).isEqualTo(0x1234_9abc);
        driver.board.config(SLOT, at + 8, 4, 0x10_0000);
        assertThat(driver.board.config(SLOT, at + 16, 4)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void aRunningDeviceMovesInASavedState() {
        TestRing ring = start(VERSION_1 | 1L << Feature.RING_PACKED | 1L << Feature.RING_EVENT_IDX);
        ring.interruptAfter(0);
        ring.add(List.of(new Piece(0x100, 5, true)));
        driver.kick(1);
        StateTree saved = StateTree.save(driver.pci);
        driver.pci.reset();
        assertThat(driver.board.pin.level()).isFalse();
        saved.restore(driver.pci);
        assertThat(StateTree.save(driver.pci).values()).usingRecursiveComparison().isEqualTo(saved.values());
        assertThat(ring.poll()).isNotNull();
        int id = ring.add(List.of(new Piece(0x100, 7, true)));
        driver.kick(1);
        assertThat(ring.poll()).isEqualTo(new TestRing.Used(id, 7));
    }

    /** Noise in every structure: at worst the device wants a reset. */
    @Test
    void noiseInTheRegistersDoesNoHarm() {
        Random random = new Random(5);
        long bar = driver.board.config(SLOT, 0x20, 4) & ~0xfL;
        for (int i = 0; i < 20_000; i++) {
            long offset = random.nextInt(4) << 12 | random.nextInt(0x48);
            int size = 1 << random.nextInt(4);
            driver.board.memory.read(bar + offset, size);
            driver.board.memory.write(bar + offset, size, random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(32));
        }
        assertThat(start(VERSION_1)).isNotNull();
        assertThat(driver.status()).isEqualTo(0xf);
    }
}
