package org.jkvm.devices.virtio.rng;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.BuiltinEntropySource;
import org.jkvm.base.backend.EntropySource;
import org.jkvm.base.backend.FileEntropySource;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.ManualClock;
import org.jkvm.devices.virtio.QueueDriver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VirtioRngTest {
    private final ManualClock clock = new ManualClock();
    private final Slow slow = new Slow();

    /** Answers when the test says so. */
    private static final class Slow implements EntropySource {
        final List<CompletableFuture<byte[]>> asked = new ArrayList<>();

        @Override
        public CompletableFuture<byte[]> read(int wanted) {
            asked.add(new CompletableFuture<>());
            return asked.getLast();
        }

        @Override
        public void close() {
        }

        void answer(byte[] bytes) {
            asked.removeFirst().complete(bytes);
        }
    }

    @Test
    void buffersAreFilledInTurn() {
        QueueDriver driver = new QueueDriver(new VirtioRng(slow, clock, RngOptions.DEFAULTS), 1);
        long first = driver.offer(0, 8);
        long second = driver.offer(0, 4);
        slow.answer(new byte[]{1, 2, 3});
        assertThat(driver.used(0)).isEqualTo(3);
        assertThat(driver.bytes(first, 4)).containsExactly(1, 2, 3, 0);
        slow.answer(new byte[]{9, 8, 7, 6});
        assertThat(driver.used(0)).isEqualTo(4);
        assertThat(driver.bytes(second, 4)).containsExactly(9, 8, 7, 6);
        assertThat(driver.base().isr()).isEqualTo(1);
    }

    @Test
    void theBuiltinSourceAnswersAtOnce() {
        QueueDriver driver = new QueueDriver(new VirtioRng(new BuiltinEntropySource(), clock, RngOptions.DEFAULTS), 1);
        long address = driver.offer(0, 64);
        assertThat(driver.used(0)).isEqualTo(64);
        assertThat(driver.bytes(address, 64)).isNotEqualTo(new byte[64]);
    }

    @Test
    void theRateIsLimited() {
        VirtioRng rng = new VirtioRng(new BuiltinEntropySource(), clock, new RngOptions(100, 1000));
        QueueDriver driver = new QueueDriver(rng, 1);
        driver.offer(0, 64);
        driver.offer(0, 64);
        driver.offer(0, 64);
        assertThat(driver.used(0)).isEqualTo(64);
        assertThat(driver.used(0)).isEqualTo(36);
        assertThat(driver.used(0)).isEqualTo(-1);
        clock.advance(999_999_999);
        assertThat(driver.used(0)).isEqualTo(-1);
        clock.advance(1);
        assertThat(driver.used(0)).isEqualTo(64);
    }

    @Test
    void anAnswerAfterAResetIsDropped() {
        QueueDriver driver = new QueueDriver(new VirtioRng(slow, clock, RngOptions.DEFAULTS), 1);
        long address = driver.offer(0, 4);
        driver.base().status(0);
        slow.answer(new byte[]{1, 2, 3, 4});
        assertThat(driver.bytes(address, 4)).containsOnly(0);
    }

    @Test
    void aWaitingBufferIsAskedForAgainAfterARestore() {
        QueueDriver driver = new QueueDriver(new VirtioRng(slow, clock, RngOptions.DEFAULTS), 1);
        long address = driver.offer(0, 2);
        StateTree.save(driver.pci()).restore(driver.pci());
        slow.answer(new byte[]{1, 1});
        assertThat(driver.used(0)).isEqualTo(-1);
        clock.advance(1);
        slow.answer(new byte[]{5, 6});
        assertThat(driver.used(0)).isEqualTo(2);
        assertThat(driver.bytes(address, 2)).containsExactly(5, 6);
    }

    @Test
    void aFileIsReadOnItsOwnThread(@TempDir Path folder) throws Exception {
        byte[] content = new byte[10];
        Arrays.fill(content, (byte) 0x5a);
        Path file = Files.write(folder.resolve("random"), content);
        try (EntropySource source = new FileEntropySource(file)) {
            assertThat(source.read(6).get(10, TimeUnit.SECONDS)).hasSize(6).containsOnly(0x5a);
            assertThat(source.read(6).get(10, TimeUnit.SECONDS)).hasSize(4);
            assertThat(source.read(6)).failsWithin(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void badOptionsAreNamed(@TempDir Path folder) {
        assertThatThrownBy(() -> new RngOptions(0, 1)).isInstanceOf(UserException.class).hasMessageContaining("max-bytes");
        assertThatThrownBy(() -> new RngOptions(1, 0)).isInstanceOf(UserException.class).hasMessageContaining("period");
        assertThatThrownBy(() -> new FileEntropySource(folder.resolve("none"))).isInstanceOf(UserException.class)
                .hasMessageContaining("none");
    }
}
