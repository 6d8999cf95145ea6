package org.jkvm.app.chardev;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.jkvm.base.backend.CharacterBackend;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Keys and output of a shared terminal. */
class MuxBackendTest {
    private final Wire wire = new Wire();
    private final Presses presses = new Presses();
    private final MuxBackend mux = new MuxBackend(wire, presses);
    private final MuxBackend.FrontEnd serial = mux.frontEnd();
    private final MuxBackend.FrontEnd monitor = mux.frontEnd();
    private final Listener guest = new Listener();
    private final Listener commands = new Listener();
    private int focused;

    @BeforeEach
    void start() {
        serial.connect(guest);
        monitor.connect(commands);
        monitor.onFocus(() -> focused++);
        mux.start();
    }

    @Test
    void inputGoesToTheFirstFrontEndUntilSwitched() throws InterruptedException {
        wire.type("ab\u0001ccd\u0001ce");
        assertThat(guest.await(3)).isEqualTo("abe");
        assertThat(commands.await(2)).isEqualTo("cd");
        assertThat(focused).isEqualTo(1);
    }

    @Test
    void exitIsSeenThoughTheGuestTakesNothing() {
        guest.setRoom(0);
        wire.type("hello\u0001x");
        assertThat(presses.exits).isEqualTo(1);
        assertThat(wire.shown()).endsWith("kvm: Terminated\r\n");
    }

    @Test
    void anEscapeMayComeInTwoReads() {
        wire.type("\u0001");
        wire.type("x");
        assertThat(presses.exits).isEqualTo(1);
    }

    @Test
    void theEscapeItselfCanBeSent() throws InterruptedException {
        wire.type("\u0001\u0001x");
        assertThat(guest.await(2)).isEqualTo("\u0001x");
        assertThat(presses.exits).isZero();
    }

    @Test
    void sendsABreak() {
        wire.type("\u0001b");
        assertThat(guest.breaks()).isEqualTo(1);
    }

    @Test
    void helpListsTheKeys() {
        wire.type("\u0001h");
        assertThat(wire.shown()).contains("C-a x    exit emulator", "C-a c    switch");
    }

    @Test
    void flushesDisks() {
        wire.type("\u0001s");
        assertThat(presses.flushes).isEqualTo(1);
    }

    @Test
    void allFrontEndsWrite() {
        write(serial, "login: ");
        write(monitor, "(kvm) ");
        assertThat(wire.shown()).isEqualTo("login: (kvm) ");
    }

    @Test
    void timestampsBeginLines() {
        wire.type("\u0001t");
        write(serial, "x\r\ny");
        assertThat(wire.shown()).matches("x\r\n\\[\\d\\d:\\d\\d:\\d\\d\\.\\d{3}] y");
    }

    @Test
    void closesTheDeviceWithTheLastFrontEnd() {
        serial.close();
        assertThat(wire.closed).isFalse();
        monitor.close();
        assertThat(wire.closed).isTrue();
    }

    private static void write(CharacterBackend to, String text) {
        to.write(text.getBytes(StandardCharsets.ISO_8859_1), 0, text.length());
    }

    /** The keys pressed that concern the machine. */
    private static final class Presses implements MuxBackend.Actions {
        private int exits;
        private int flushes;

        @Override
        public void exit() {
            exits++;
        }

        @Override
        public void flushDisks() {
            flushes++;
        }
    }

    /** A terminal. */
    private static final class Wire implements CharacterBackend {
        private final StringBuilder shown = new StringBuilder();
        private Receiver receiver;
        private boolean closed;

        void type(String keys) {
            receiver.receive(keys.getBytes(StandardCharsets.ISO_8859_1), 0, keys.length());
        }

        String shown() {
            return shown.toString();
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            shown.append(new String(bytes, offset, length, StandardCharsets.ISO_8859_1));
        }

        @Override
        public void connect(Receiver to) {
            receiver = to;
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
