package org.jkvm.devices.virtio.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.state.StateTree;
import org.jkvm.devices.virtio.QueueDriver;
import org.junit.jupiter.api.Test;

class VirtioConsoleTest {
    private static final int RX0 = 0;
    private static final int TX0 = 1;
    private static final int CONTROL_RX = 2;
    private static final int CONTROL_TX = 3;
    private static final int RX1 = 4;
    private static final int TX1 = 5;
    private final Terminal terminal = new Terminal();
    private final Terminal agent = new Terminal();
    private final VirtioConsole console = new VirtioConsole(SerialOptions.DEFAULTS);

    /** The host's end of a port. */
    private static final class Terminal implements CharacterBackend {
        final StringBuilder output = new StringBuilder();
        Receiver receiver;

        @Override
        public void write(byte[] bytes, int offset, int length) {
            output.append(new String(bytes, offset, length, StandardCharsets.US_ASCII));
        }

        @Override
        public void connect(Receiver to) {
            receiver = to;
        }

        @Override
        public void close() {
        }

        void type(String text) {
            receiver.receive(text.getBytes(StandardCharsets.US_ASCII), 0, text.length());
        }
    }

    private QueueDriver start() {
        console.addPort(new PortOptions(0, true, ""), terminal);
        console.addPort(new PortOptions(1, false, "org.jkvm.agent"), agent);
        return new QueueDriver(console, 6);
    }

    private static byte[] control(int port, int event, int value) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(port).putShort((short) event)
                .putShort((short) value).array();
    }

    @Test
    void outputReachesTheTerminal() {
        QueueDriver driver = start();
        driver.send(TX0, "hello".getBytes(StandardCharsets.US_ASCII));
        driver.send(TX1, "agent".getBytes(StandardCharsets.US_ASCII));
        assertThat(terminal.output).hasToString("hello");
        assertThat(agent.output).hasToString("agent");
        assertThat(driver.used(TX0)).isZero();
    }

    @Test
    void inputWaitsForBuffers() {
        QueueDriver driver = start();
        terminal.type("abc");
        terminal.type("de");
        long first = driver.offer(RX0, 4);
        long second = driver.offer(RX0, 4);
        assertThat(driver.used(RX0)).isEqualTo(4);
        assertThat(driver.used(RX0)).isEqualTo(1);
        assertThat(driver.bytes(first, 4)).isEqualTo("abcd".getBytes(StandardCharsets.US_ASCII));
        assertThat(driver.bytes(second, 1)).isEqualTo("e".getBytes(StandardCharsets.US_ASCII));
        assertThat(driver.base().isr()).isEqualTo(1);
    }

    @Test
    void inputThatFindsABufferGoesAtOnce() {
        QueueDriver driver = start();
        driver.offer(RX0, 16);
        terminal.type("x");
        assertThat(driver.used(RX0)).isEqualTo(1);
    }

    @Test
    void roomIsBounded() {
        start();
        terminal.type("x".repeat(4000));
        assertThat(terminal.receiver.room()).isEqualTo(96);
        terminal.type("y".repeat(1000));
        assertThat(terminal.receiver.room()).isZero();
    }

    @Test
    void portsIntroduceThemselves() {
        QueueDriver driver = start();
        console.resize(80, 25);
        List<Long> buffers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            buffers.add(driver.offer(CONTROL_RX, 64));
        }
        driver.send(CONTROL_TX, control(-1, 0, 1));
        driver.send(CONTROL_TX, control(0, 3, 1));
        driver.send(CONTROL_TX, control(1, 3, 1));
        List<String> messages = buffers.stream().limit(7).map(at -> HexFormat.of().formatHex(driver.bytes(at,
                Math.max(0, driver.used(CONTROL_RX))))).toList();
        String name = HexFormat.of().formatHex("org.jkvm.agent".getBytes(StandardCharsets.US_ASCII));
        assertThat(messages).containsExactly("0000000001000100", "0100000001000100", "0000000004000100",
                "000000000500000050001900", "0000000006000100", "0100000007000100" + name, "0100000006000100");
    }

    @Test
    void aPortThatTheGuestHasNotOpenedTakesNothing() {
        QueueDriver driver = start();
        assertThat(agent.receiver.room()).isZero();
        driver.offer(RX1, 8);
        driver.send(CONTROL_TX, control(1, 6, 1));
        agent.type("hi");
        assertThat(driver.used(RX1)).isEqualTo(2);
        driver.send(CONTROL_TX, control(1, 6, 0));
        assertThat(agent.receiver.room()).isZero();
    }

    @Test
    void nonsenseOnTheControlQueueIsPassedOver() {
        QueueDriver driver = start();
        driver.send(CONTROL_TX, (byte) 1);
        driver.send(CONTROL_TX, control(999, 3, 1));
        driver.send(CONTROL_TX, control(0, 999, 1));
        for (int i = 0; i < 10; i++) {
            driver.send(CONTROL_TX, control(0, 0, 1));
            driver.used(CONTROL_TX);
        }
        assertThat(driver.base().needsReset()).isFalse();
    }

    @Test
    void charactersCanBeWrittenWithoutQueues() {
        QueueDriver driver = start();
        driver.base().deviceConfig(8, 4, '!');
        assertThat(terminal.output).hasToString("!");
    }

    @Test
    void aNewSizeIsTold() {
        QueueDriver driver = start();
        console.resize(132, 43);
        assertThat(driver.base().deviceConfig(0, 4)).isEqualTo(43 << 16 | 132);
        assertThat(driver.base().isr()).isEqualTo(2);
    }

    @Test
    void waitingInputAndMessagesSurviveInASavedState() {
        QueueDriver driver = start();
        terminal.type("abc");
        driver.send(CONTROL_TX, control(-1, 0, 1));
        StateTree saved = StateTree.save(driver.pci());
        driver.pci().reset();
        assertThat(terminal.receiver.room()).isEqualTo(4096);
        saved.restore(driver.pci());
        driver.offer(RX0, 8);
        assertThat(driver.used(RX0)).isEqualTo(3);
        driver.offer(CONTROL_RX, 8);
        assertThat(driver.used(CONTROL_RX)).isEqualTo(8);
    }

    @Test
    void portsAreChecked() {
        start();
        assertThatThrownBy(() -> console.addPort(new PortOptions(1, false, ""), agent)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> console.addPort(new PortOptions(31, false, ""), agent)).isInstanceOf(UserException.class);
    }
}
