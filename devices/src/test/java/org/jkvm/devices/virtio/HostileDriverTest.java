package org.jkvm.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jkvm.base.backend.BuiltinEntropySource;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.ManualClock;
import org.jkvm.devices.virtio.TestRing.Piece;
import org.jkvm.devices.virtio.balloon.BalloonOptions;
import org.jkvm.devices.virtio.balloon.VirtioBalloon;
import org.jkvm.devices.virtio.blk.BlkOptions;
import org.jkvm.devices.virtio.blk.FakeDisk;
import org.jkvm.devices.virtio.blk.VirtioBlk;
import org.jkvm.devices.virtio.console.PortOptions;
import org.jkvm.devices.virtio.console.SerialOptions;
import org.jkvm.devices.virtio.console.VirtioConsole;
import org.jkvm.devices.virtio.rng.RngOptions;
import org.jkvm.devices.virtio.rng.VirtioRng;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Drivers that send nonsense: buffers of any shape, on any queue, some outside RAM, with resets in between. Whatever they
 * send, the device is alive again after a reset, and its state can be saved and restored at any moment.
 */
class HostileDriverTest {
    private static final int SEEDS = 60;
    private static final int STEPS = 60;
    private static final int QUEUES = 6;
    private static final int SIZE = 8;
    private static final int[] LENGTHS = {0, 1, 4, 8, 10, 16, 20, 64, 512, 1024};

    private record Victim(String name, Supplier<VirtioDevice> maker) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Victim> victims() {
        return Stream.of(
                new Victim("blk", () -> new VirtioBlk(new FakeDisk(1 << 16), BlkOptions.DEFAULTS.withQueues(3, 16), r -> { })),
                new Victim("rng", () -> new VirtioRng(new BuiltinEntropySource(), new ManualClock(), RngOptions.DEFAULTS)),
                new Victim("console", HostileDriverTest::console),
                new Victim("balloon", () -> new VirtioBalloon((address, length) -> { }, new BalloonOptions(true, true))));
    }

    private static VirtioDevice console() {
        VirtioConsole console = new VirtioConsole(SerialOptions.DEFAULTS);
        console.addPort(new PortOptions(0, true, ""), CharacterBackend.NULL);
        console.addPort(new PortOptions(1, false, "agent"), CharacterBackend.NULL);
        return console;
    }

    @ParameterizedTest
    @MethodSource("victims")
    void nonsenseDoesNoHarm(Victim victim) {
        long violations = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            Random random = new Random(seed);
            TestDriver driver = new TestDriver(victim.maker.get(), VirtioOptions.DEFAULTS.withPacked(true), 1 << 16);
            for (int round = 0; round < 3; round++) {
                torment(driver, random);
                StateTree.save(driver.pci).restore(driver.pci);
                driver.negotiate(driver.offered());
                driver.driverOk();
                assertThat(driver.status()).as(victim + ", seed " + seed).isEqualTo(0xf);
            }
            violations += driver.pci.violations();
        }
        assertThat(violations).isPositive();
    }

    private static void torment(TestDriver driver, Random random) {
        boolean packed = random.nextBoolean();
        driver.negotiate(packed ? driver.offered() : driver.offered() & ~(1L << Feature.RING_PACKED));
        List<TestRing> rings = new ArrayList<>();
        int queues = (int) Math.min(QUEUES, driver.common(0x12, 2));
        for (int i = 0; i < queues; i++) {
            rings.add(driver.queue(i, SIZE, packed));
        }
        driver.driverOk();
        for (int step = 0; step < STEPS; step++) {
            int queue = random.nextInt(queues);
            TestDriver.drain(rings.get(queue));
            List<Piece> pieces = pieces(driver, random);
            if (rings.get(queue).room() > pieces.size()) {
                rings.get(queue).add(pieces);
            }
            driver.kick(queue);
        }
    }

    /** Some readable pieces with small numbers in them, some writable ones; now and then one that is outside RAM. */
    private static List<Piece> pieces(TestDriver driver, Random random) {
        List<Piece> pieces = new ArrayList<>();
        int readable = random.nextInt(3);
        int count = Math.max(1, readable + random.nextInt(3));
        for (int i = 0; i < count; i++) {
            long address = random.nextInt(40) == 0 ? random.nextLong() : 0x100 + random.nextInt(0x400);
            driver.memory.ram.writeInt(0x100 + random.nextInt(0x400), 1, random.nextInt(20));
            pieces.add(new Piece(address, LENGTHS[random.nextInt(LENGTHS.length)], i >= readable));
        }
        return pieces;
    }
}
