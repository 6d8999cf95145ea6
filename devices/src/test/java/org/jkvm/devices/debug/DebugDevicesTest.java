package org.jkvm.devices.debug;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.api.Test;

class DebugDevicesTest {
    private static final class Output implements CharacterBackend {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public void write(byte[] source, int offset, int length) {
            bytes.write(source, offset, length);
        }

        @Override
        public void connect(Receiver receiver) {
        }

        @Override
        public void close() {
        }
    }

    @Test
    void debugPortPrintsAndCanBeFound() {
        Output out = new Output();
        DebugPort port = new DebugPort(out);
        port.window().write(0, 1, 'o');
        port.window().write(0, 1, 'k');
        assertThat(out.bytes).hasToString("ok");
        assertThat(port.window().read(0, 1)).isEqualTo(0xe9);
    }

    @Test
    void exitStatusIsOddForEverySize() {
        List<Integer> exits = new ArrayList<>();
        IsaDebugExit device = new IsaDebugExit(exits::add);
        device.window().write(0, 4, 0x10);
        device.window().write(0, 1, 0);
        assertThat(exits).containsExactly(0x21, 1);
    }

    @Test
    void testdevKeepsPortWritesOfEverySize() {
        PcTestdev device = new PcTestdev(List.of(), page -> { });
        device.scratchWindow().write(0, 4, 0x12345678);
        device.scratchWindow().write(0, 2, 0xabcd);
        assertThat(device.scratchWindow().read(0, 4)).isEqualTo(0x1234abcd);
        assertThat(device.byteWindow().read(2, 1)).isEqualTo(0x34);
        device.byteWindow().write(3, 1, 0x99);
        assertThat(device.scratchWindow().read(0, 4)).isEqualTo(0x9934abcdL);
    }

    @Test
    void testdevDrivesLinesAndFlushesPages() {
        FakeLine line = new FakeLine();
        List<Long> flushed = new ArrayList<>();
        PcTestdev device = new PcTestdev(List.of(new FakeLine(), line), flushed::add);
        device.irqWindow().write(1, 1, 1);
        assertThat(line.level()).isTrue();
        device.irqWindow().write(1, 1, 0);
        assertThat(line.level()).isFalse();
        device.flushWindow().write(0, 4, 0x7000);
        assertThat(flushed).containsExactly(0x7000L);
    }

    @Test
    void testdevMemoryTakesEverySize() {
        PcTestdev device = new PcTestdev(List.of(), page -> { });
        device.mmioWindow().write(8, 8, 0x8877665544332211L);
        assertThat(device.mmioWindow().read(8, 8)).isEqualTo(0x8877665544332211L);
        assertThat(device.mmioWindow().read(10, 2)).isEqualTo(0x4433);
        device.mmioWindow().write(PcTestdev.MMIO_LENGTH - 1, 1, 0x42);
        assertThat(device.mmioWindow().read(PcTestdev.MMIO_LENGTH - 1, 1)).isEqualTo(0x42);
    }
}
