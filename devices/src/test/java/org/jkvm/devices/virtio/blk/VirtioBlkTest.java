package org.jkvm.devices.virtio.blk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jkvm.base.backend.NoSpaceException;
import org.jkvm.base.state.StateTree;
import org.jkvm.devices.virtio.BlkDriver;
import org.jkvm.devices.virtio.VirtioOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The block device, driven over PCI as a guest does, against a disk in memory. */
class VirtioBlkTest {
    private static final int IN = 0;
    private static final int OUT = 1;
    private static final int FLUSH = 4;
    private static final int GET_ID = 8;
    private static final int DISCARD = 11;
    private static final int WRITE_ZEROES = 13;

    private final FakeDisk disk = new FakeDisk(1 << 20);
    private final List<String> stops = new ArrayList<>();

    private VirtioBlk blk(BlkOptions options) {
        return new VirtioBlk(disk, options, stops::add);
    }

    private BlkDriver driver() {
        return new BlkDriver(blk(BlkOptions.DEFAULTS), VirtioOptions.DEFAULTS, false);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsWrittenIsRead(boolean packed) {
        BlkDriver driver = new BlkDriver(blk(BlkOptions.DEFAULTS), VirtioOptions.DEFAULTS.withPacked(packed), packed);
        byte[] data = new byte[4096];
        new Random(1).nextBytes(data);
        assertThat(driver.write(8, data)).isZero();
        assertThat(driver.read(8, 4096)).isEqualTo(data);
        assertThat(disk.calls).containsExactly("write 4096 4096", "read 4096 4096");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void manyRequestsGoRoundTheRing(boolean packed) {
        BlkDriver driver = new BlkDriver(blk(BlkOptions.DEFAULTS), VirtioOptions.DEFAULTS.withPacked(packed), packed);
        int[] statuses = IntStream.range(0, 100).map(i -> driver.write(i, new byte[512])).toArray();
        assertThat(statuses).hasSize(100).containsOnly(0);
    }

    @Test
    void piecesGoToTheDiskAsTheyAre() {
        BlkDriver driver = driver();
        driver.request(OUT, 0, List.of(new byte[512], new byte[1024]), new int[0]);
        assertThat(disk.calls).containsExactly("write 0 512+1024");
    }

    @Test
    void oddPiecesGoToTheDiskAsTheyAre() {
        BlkDriver driver = driver();
        byte[] first = "one".repeat(100).getBytes(StandardCharsets.US_ASCII);
        byte[] second = new byte[212];
        second[211] = 7;
        assertThat(driver.request(OUT, 0, List.of(first, second), new int[0])).isZero();
        assertThat(disk.calls).containsExactly("write 0 300+212");
        assertThat(driver.request(IN, 0, List.of(), new int[]{300, 212})).isZero();
        assertThat(driver.returned(0)).isEqualTo(first);
        assertThat(driver.returned(1)).isEqualTo(second);
    }

    @Test
    void manyPiecesAreOneRequest() {
        BlkDriver driver = driver();
        List<byte[]> pieces = IntStream.range(0, 12).mapToObj(i -> new byte[512]).toList();
        assertThat(driver.request(OUT, 2, pieces, new int[0])).isZero();
        assertThat(disk.calls).containsExactly("write 1024 " + "512+".repeat(11) + "512");
    }

    @Test
    void neighboursBecomeOneRequest() {
        BlkDriver driver = driver();
        List<Long> statuses = List.of(driver.prepare(OUT, 3, List.of(new byte[512]), new int[0]),
                driver.prepare(OUT, 1, List.of(new byte[1024]), new int[0]),
                driver.prepare(IN, 4, List.of(), new int[]{512}),
                driver.prepare(OUT, 4, List.of(new byte[512]), new int[0]),
                driver.prepare(OUT, 9, List.of(new byte[512]), new int[0]));
        driver.kick();
        assertThat(disk.calls).containsExactly("write 512 1024+512+512", "write 4608 512", "read 2048 512");
        assertThat(statuses.stream().map(driver::status)).containsOnly(0);
    }

    @Test
    void neighboursStayApartOnRequest() {
        BlkDriver driver = new BlkDriver(blk(BlkOptions.DEFAULTS.withRequestMerging(false)), VirtioOptions.DEFAULTS, false);
        driver.prepare(OUT, 0, List.of(new byte[512]), new int[0]);
        driver.prepare(OUT, 1, List.of(new byte[512]), new int[0]);
        driver.kick();
        assertThat(disk.calls).containsExactly("write 0 512", "write 512 512");
    }

    @Test
    void eachOfSeveralThatFailTogetherIsTriedAlone() {
        disk.failWith = new IOException("bad sector");
        BlkDriver driver = driver();
        long first = driver.prepare(OUT, 0, List.of(new byte[512]), new int[0]);
        long second = driver.prepare(OUT, 1, List.of(new byte[512]), new int[0]);
        driver.kick();
        assertThat(disk.calls).containsExactly("write 0 512+512", "write 0 512", "write 512 512");
        assertThat(List.of(driver.status(first), driver.status(second))).containsOnly(1);
    }

    @Test
    void configurationTellsTheDisk() {
        BlkDriver driver = driver();
        assertThat(driver.base().deviceConfig(0, 8)).isEqualTo((1 << 20) / 512);
        assertThat(driver.base().deviceConfig(12, 4)).isEqualTo(254);
        assertThat(driver.base().deviceConfig(20, 4)).isEqualTo(512);
        assertThat(driver.base().deviceConfig(34, 2)).isEqualTo(1);
    }

    @Test
    void theDiskAnswersToItsSerialNumber() {
        BlkDriver driver = new BlkDriver(blk(BlkOptions.DEFAULTS.withSerial("jkvm-0001")), VirtioOptions.DEFAULTS, false);
        assertThat(driver.request(GET_ID, 0, List.of(), new int[]{20})).isZero();
        assertThat(new String(driver.returned(0), StandardCharsets.US_ASCII)).isEqualTo("jkvm-0001" + "\0".repeat(11));
    }

    @Test
    void flushReachesTheDisk() {
        assertThat(driver().request(FLUSH, 0, List.of(), new int[0])).isZero();
        assertThat(disk.calls).containsExactly("flush");
    }

    @Test
    void withoutWriteCacheEveryWriteIsFlushed() {
        BlkDriver driver = driver();
        driver.base().deviceConfig(32, 1, 0);
        driver.write(0, new byte[512]);
        assertThat(disk.calls).containsExactly("write 0 512", "flush");
    }

    @Test
    void rangesAreDiscardedAndZeroed() {
        disk.bytes[1024] = 9;
        BlkDriver driver = driver();
        assertThat(driver.request(DISCARD, 0, List.of(range(8, 8, 0)), new int[0])).isZero();
        assertThat(driver.request(WRITE_ZEROES, 0, List.of(range(2, 1, 1)), new int[0])).isZero();
        assertThat(disk.calls).containsExactly("discard 4096 4096", "zero 1024 512 true");
        assertThat(disk.bytes[1024]).isZero();
    }

    @Test
    void whatIsNotOnTheDiskIsAnError() {
        BlkDriver driver = driver();
        assertThat(driver.write(2047, new byte[1024])).isEqualTo(1);
        assertThat(driver.write(-1, new byte[512])).isEqualTo(1);
        assertThat(driver.write(1L << 54, new byte[512])).isEqualTo(1);
        assertThat(driver.write(0, new byte[100])).isEqualTo(1);
        assertThat(driver.request(DISCARD, 0, List.of(range(2047, 2, 0)), new int[0])).isEqualTo(1);
        assertThat(driver.request(DISCARD, 0, List.of(range(0, 1, 1)), new int[0])).isEqualTo(2);
        assertThat(driver.request(99, 0, List.of(), new int[0])).isEqualTo(2);
        assertThat(disk.calls).isEmpty();
    }

    @Test
    void aReadOnlyDiskRefusesWrites() {
        disk.readOnly = true;
        BlkDriver driver = driver();
        assertThat(driver.write(0, new byte[512])).isEqualTo(1);
        assertThat(driver.base().offered() >> 5 & 1).isEqualTo(1);
        assertThat(disk.calls).isEmpty();
    }

    @Test
    void aRequestWithoutStatusByteNeedsReset() {
        BlkDriver driver = driver();
        driver.requestWithoutStatus();
        assertThat(driver.base().needsReset()).isTrue();
        assertThat(driver.base().isr()).isEqualTo(2);
    }

    @Test
    void failuresAreReported() {
        disk.failWith = new IOException("bad sector");
        assertThat(driver().write(0, new byte[512])).isEqualTo(1);
        assertThat(stops).isEmpty();
    }

    @Test
    void failuresAreIgnoredOnRequest() {
        disk.failWith = new IOException("bad sector");
        VirtioBlk blk = blk(BlkOptions.DEFAULTS.withErrorPolicies(ErrorPolicy.REPORT, ErrorPolicy.IGNORE));
        assertThat(new BlkDriver(blk, VirtioOptions.DEFAULTS, false).write(0, new byte[512])).isZero();
    }

    @Test
    void aFullHostDiskStopsTheMachineAndTheRequestIsMadeAgain() {
        VirtioBlk blk = blk(BlkOptions.DEFAULTS);
        BlkDriver driver = new BlkDriver(blk, VirtioOptions.DEFAULTS, false);
        disk.failWith = new NoSpaceException("no space left on 'disk.img'", null);
        assertThat(driver.write(1, new byte[512])).isEqualTo(BlkDriver.NOT_ANSWERED);
        assertThat(stops).containsExactly("virtio-blk: no space left on 'disk.img'");
        disk.failWith = null;
        blk.retryStopped();
        assertThat(driver.lastStatus()).isZero();
        assertThat(disk.calls).containsExactly("write 512 512", "write 512 512");
    }

    @Test
    void aStoppedRequestSurvivesInASavedState() {
        VirtioBlk blk = blk(BlkOptions.DEFAULTS);
        BlkDriver driver = new BlkDriver(blk, VirtioOptions.DEFAULTS, false);
        disk.failWith = new NoSpaceException("full", null);
        driver.write(1, new byte[512]);
        StateTree saved = StateTree.save(driver.pci());
        disk.failWith = null;
        saved.restore(driver.pci());
        blk.retryStopped();
        assertThat(driver.lastStatus()).isZero();
        assertThat(StateTree.save(driver.pci()).values()).isNotEqualTo(saved.values());
    }

    @Test
    void aResetWaitsForTheDisk() {
        BlkDriver driver = driver();
        disk.hold = true;
        driver.write(0, new byte[512]);
        driver.base().status(0);
        assertThat(driver.base().status()).isEqualTo(0xf);
        disk.releaseAll();
        assertThat(driver.base().status()).isZero();
        assertThat(driver.lastStatus()).isEqualTo(BlkDriver.NOT_ANSWERED);
    }

    @Test
    void growthIsTold() {
        VirtioBlk blk = blk(BlkOptions.DEFAULTS);
        BlkDriver driver = new BlkDriver(blk, VirtioOptions.DEFAULTS, false);
        blk.capacityChanged();
        assertThat(driver.base().isr()).isEqualTo(2);
    }

    private static byte[] range(long sector, int sectors, int flags) {
        return ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(sector).putInt(sectors).putInt(flags).array();
    }
}
