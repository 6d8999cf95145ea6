package org.jkvm.devices.virtio.balloon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jkvm.base.state.StateTree;
import org.jkvm.devices.virtio.QueueDriver;
import org.junit.jupiter.api.Test;

class VirtioBalloonTest {
    private static final int INFLATE = 0;
    private static final int DEFLATE = 1;
    private static final int STATS = 2;
    private static final int REPORTING = 3;
    private final List<String> given = new ArrayList<>();
    private final VirtioBalloon balloon = new VirtioBalloon((address, length) ->
            given.add(Long.toHexString(address) + "+" + Long.toHexString(length)), new BalloonOptions(true, true));
    private final QueueDriver driver = new QueueDriver(balloon, 4);

    private static byte[] frames(int... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int number : numbers) {
            bytes.putInt(number);
        }
        return bytes.array();
    }

    private static byte[] statistic(int tag, long value) {
        return ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).putShort((short) tag).putLong(value).array();
    }

    @Test
    void neighboursAreGivenBackTogether() {
        driver.send(INFLATE, frames(0x100, 0x101, 0x102, 0x200, 0x1ff));
        assertThat(given).containsExactly("100000+3000", "200000+1000", "1ff000+1000");
        assertThat(driver.used(INFLATE)).isZero();
    }

    @Test
    void whatIsNotRamIsLeftAlone() {
        driver.send(INFLATE, frames(0x10_0000, 0xffff_ffff, 0x300));
        assertThat(given).containsExactly("300000+1000");
        assertThat(driver.base().needsReset()).isFalse();
    }

    @Test
    void deflatingNeedsNothing() {
        driver.send(DEFLATE, frames(0x100));
        assertThat(given).isEmpty();
        assertThat(driver.used(DEFLATE)).isZero();
    }

    @Test
    void theTargetIsTold() {
        balloon.requestPages(0x4000);
        assertThat(driver.base().isr()).isEqualTo(2);
        assertThat(driver.base().deviceConfig(0, 4)).isEqualTo(0x4000);
        driver.base().deviceConfig(4, 4, 0x123);
        assertThat(balloon.pagesInBalloon()).isEqualTo(0x123);
    }

    @Test
    void statisticsAreAskedForByGivingTheBufferBack() {
        balloon.requestStatistics();
        driver.send(STATS, statistic(4, 1000));
        assertThat(driver.used(STATS)).isEqualTo(-1);
        assertThat(balloon.statistics()).isEqualTo(Map.of(Statistic.STAT_FREE_MEMORY, 1000L));
        balloon.requestStatistics();
        assertThat(driver.used(STATS)).isZero();
        driver.send(STATS, ByteBuffer.allocate(20).put(statistic(5, 77)).put(statistic(99, 1)).array());
        assertThat(balloon.statistics()).isEqualTo(Map.of(Statistic.STAT_TOTAL_MEMORY, 77L));
    }

    @Test
    void aSecondStatisticsBufferBreaksTheRules() {
        driver.send(STATS, statistic(4, 1));
        driver.send(STATS, statistic(4, 1));
        assertThat(driver.base().needsReset()).isTrue();
    }

    @Test
    void reportedRangesAreGivenBackInWholePages() {
        driver.offerAt(REPORTING, 0x40_0000, 0x20_0000);
        driver.offerAt(REPORTING, 0x10_0800, 0x2000);
        assertThat(given).containsExactly("400000+200000", "101000+1000");
        assertThat(driver.used(REPORTING)).isZero();
    }

    @Test
    void theHeldBufferSurvivesInASavedState() {
        driver.send(STATS, statistic(0, 5));
        StateTree saved = StateTree.save(driver.pci());
        driver.pci().reset();
        saved.restore(driver.pci());
        assertThat(balloon.statistics()).isEqualTo(Map.of(Statistic.STAT_SWAP_IN, 5L));
        balloon.requestStatistics();
        assertThat(driver.used(STATS)).isZero();
    }
}
