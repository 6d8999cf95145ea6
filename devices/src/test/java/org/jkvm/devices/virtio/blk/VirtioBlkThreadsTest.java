package org.jkvm.devices.virtio.blk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.jkvm.devices.virtio.BusyBlkDriver;
import org.jkvm.devices.virtio.VirtioOptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A driver that keeps its queue full while the disk completes on other threads. It sleeps until interrupted when nothing
 * is left to do: a notification or interrupt that gets lost between the two sides hangs the test.
 */
class VirtioBlkThreadsTest {
    private static final int REQUESTS = 20_000;

    @ParameterizedTest
    @CsvSource({"false, false", "false, true", "true, false", "true, true"})
    @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void nothingGetsLost(boolean packed, boolean eventIndex) throws InterruptedException {
        try (ThreadedDisk disk = new ThreadedDisk(1 << 20)) {
            VirtioBlk blk = new VirtioBlk(disk, BlkOptions.DEFAULTS.withQueues(1, 64), reason -> { });
            VirtioOptions options = VirtioOptions.DEFAULTS.withPacked(packed).withEventIdx(eventIndex);
            BusyBlkDriver driver = new BusyBlkDriver(blk, options, packed);
            driver.run(REQUESTS);
            assertThat(driver.failures()).isZero();
            assertThat(driver.mismatches()).isZero();
            assertThat(blk.isIdle()).isTrue();
        }
    }
}
