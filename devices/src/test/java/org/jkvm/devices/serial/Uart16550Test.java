package org.jkvm.devices.serial;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.ManualClock;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Datasheet behaviour of the PC16550D, and what Linux' 8250 driver looks for when it probes one. */
class Uart16550Test {
    private static final int DATA = 0;
    private static final int IER = 1;
    private static final int IIR = 2;
    private static final int FCR = 2;
    private static final int LCR = 3;
    private static final int MCR = 4;
    private static final int LSR = 5;
    private static final int MSR = 6;
    private static final int SCR = 7;
    private static final int FIFOS = 0xc1;

    private final ManualClock clock = new ManualClock();
    private final FakeLine irq = new FakeLine();
    private final Host host = new Host();
    private final Uart16550 uart = new Uart16550(irq, clock, host, Runnable::run);

    private static final class Host implements CharacterBackend {
        final ByteArrayOutputStream output = new ByteArrayOutputStream();
        Receiver receiver;

        @Override
        public void write(byte[] bytes, int offset, int length) {
            output.write(bytes, offset, length);
        }

        @Override
        public void connect(Receiver receiver) {
            this.receiver = receiver;
        }

        @Override
        public void close() {
        }

        void type(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
            receiver.receive(bytes, 0, bytes.length);
        }
    }

    private int in(int register) {
        return (int) uart.window().read(register, 1);
    }

    private void out(int register, int value) {
        uart.window().write(register, 1, value);
    }

    @Test
    void resetValuesOfTableI() {
        assertThat(in(IER)).isZero();
        assertThat(in(IIR)).isEqualTo(1);
        assertThat(in(LCR)).isZero();
        assertThat(in(MCR)).isZero();
        assertThat(in(LSR)).isEqualTo(0x60);
        assertThat(in(MSR) & 0x0f).isZero();
    }

    @Test
    void scratchRegisterKeepsEveryByte() {
        out(SCR, 0x5a);
        assertThat(in(SCR)).isEqualTo(0x5a);
    }

    @Test
    void divisorLatchHidesDataAndInterruptEnable() {
        out(IER, 0x05);
        out(LCR, 0x83);
        out(0, 0x34);
        out(1, 0x12);
        assertThat(in(0)).isEqualTo(0x34);
        assertThat(in(1)).isEqualTo(0x12);
        out(LCR, 0x03);
        assertThat(in(IER)).isEqualTo(0x05);
        assertThat(host.output.size()).isZero();
    }

    @Test
    void interruptEnableHasFourBits() {
        out(IER, 0xff);
        assertThat(in(IER)).isEqualTo(0x0f);
    }

    @Test
    void sendsBytesWithWordLength() {
        out(LCR, 3);
        out(DATA, 0xe9);
        out(LCR, 2);
        out(DATA, 0xe9);
        assertThat(host.output.toByteArray()).containsExactly(0xe9, 0x69);
    }

    @Test
    void transmitterInterruptComesWithEnableAndGoesWithIir() {
        out(IER, 2);
        assertThat(irq.level()).isTrue();
        assertThat(in(IIR)).isEqualTo(2);
        assertThat(irq.level()).isFalse();
        assertThat(in(IIR)).isEqualTo(1);
        out(IER, 0);
        out(IER, 2);
        assertThat(in(IIR)).isEqualTo(2);
        out(DATA, 'x');
        assertThat(irq.level()).isTrue();
    }

    @Test
    void readingIirOfAnotherSourceKeepsTransmitterInterrupt() {
        out(LCR, 3);
        out(IER, 3);
        host.type("a");
        assertThat(in(IIR)).isEqualTo(4);
        assertThat(in(DATA)).isEqualTo('a');
        assertThat(in(IIR)).isEqualTo(2);
    }

    @Test
    void receivesWithoutFifosOneByOne() {
        out(LCR, 3);
        out(IER, 1);
        host.type("ab");
        assertThat(in(IIR)).isEqualTo(4);
        assertThat(in(DATA)).isEqualTo('a');
        assertThat(in(LSR)).isEqualTo(0x61);
        assertThat(in(DATA)).isEqualTo('b');
        assertThat(in(LSR)).isEqualTo(0x60);
        assertThat(irq.level()).isFalse();
    }

    @Test
    void interruptsAtTriggerLevelAndTimesOutBelowIt() {
        out(LCR, 3);
        out(FCR, 0x41);
        out(IER, 1);
        host.type("abc");
        assertThat(irq.level()).isFalse();
        host.type("d");
        assertThat(in(IIR)).isEqualTo(0xc4);
        in(DATA);
        assertThat(irq.level()).isFalse();
        // Four characters of 10 bits at the reset divisor's 9600 baud.
        clock.advance(4_160_000);
        assertThat(irq.level()).isFalse();
        clock.advance(10_000);
        assertThat(in(IIR)).isEqualTo(0xcc);
        in(DATA);
        assertThat(in(IIR)).isEqualTo(0xc1);
    }

    @Test
    void readRestartsTimeout() {
        out(LCR, 3);
        out(FCR, 0x81);
        out(IER, 1);
        host.type("abc");
        clock.advance(4_000_000);
        in(DATA);
        clock.advance(4_000_000);
        assertThat(irq.level()).isFalse();
        clock.advance(200_000);
        assertThat(irq.level()).isTrue();
    }

    @Test
    void longInputFlowsThroughFifoWithoutLoss() {
        out(LCR, 3);
        out(FCR, FIFOS);
        String text = "The quick brown fox jumps over the lazy dog";
        host.type(text);
        StringBuilder seen = new StringBuilder();
        while ((in(LSR) & 1) != 0) {
            seen.append((char) in(DATA));
        }
        assertThat(seen).hasToString(text);
        assertThat(in(LSR) & 2).isZero();
    }

    @Test
    void roomShrinksWithWhatIsNotRead() {
        int room = host.receiver.room();
        host.type("x".repeat(17));
        assertThat(host.receiver.room()).isEqualTo(room - 16);
    }

    @Test
    void breakIsZeroCharacterWithItsFlags() {
        out(LCR, 3);
        out(FCR, FIFOS);
        out(IER, 5);
        host.type("a");
        host.receiver.receiveBreak();
        assertThat(in(LSR)).isEqualTo(0xe1);
        assertThat(in(DATA)).isEqualTo('a');
        assertThat(in(IIR)).isEqualTo(0xc6);
        assertThat(in(LSR)).isEqualTo(0xf9);
        assertThat(in(LSR)).isEqualTo(0x61);
        assertThat(in(DATA)).isZero();
    }

    @Test
    void overrunInLoopbackReplacesWithoutFifosAndDropsWithThem() {
        out(LCR, 3);
        out(MCR, 0x10);
        out(IER, 4);
        out(DATA, 1);
        out(DATA, 2);
        assertThat(in(IIR)).isEqualTo(6);
        assertThat(in(LSR)).isEqualTo(0x63);
        assertThat(in(DATA)).isEqualTo(2);
        out(FCR, FIFOS);
        for (int i = 0; i < 17; i++) {
            out(DATA, i);
        }
        assertThat(in(LSR)).isEqualTo(0x63);
        assertThat(in(LSR)).isEqualTo(0x61);
        for (int i = 0; i < 16; i++) {
            assertThat(in(DATA)).isEqualTo(i);
        }
        assertThat(in(LSR)).isEqualTo(0x60);
    }

    @Test
    void loopbackBreakReachesReceiver() {
        out(LCR, 3);
        out(MCR, 0x10);
        out(LCR, 0x43);
        assertThat(in(LSR)).isEqualTo(0x79);
        in(DATA);
        out(LCR, 0x47);
        assertThat(in(LSR)).isEqualTo(0x60);
        assertThat(host.output.size()).isZero();
    }

    @Test
    void loopbackKeepsHostInputForLater() {
        out(LCR, 3);
        out(MCR, 0x10);
        host.type("k");
        assertThat(in(LSR) & 1).isZero();
        out(MCR, 0);
        assertThat(in(DATA)).isEqualTo('k');
    }

    @Test
    void loopbackRoutesModemControlToStatus() {
        in(MSR);
        out(MCR, 0x10 | 0x0a);
        assertThat(in(MSR) & 0xf0).isEqualTo(0x90);
        out(MCR, 0x10 | 0x05);
        assertThat(in(MSR)).isEqualTo(0x6b);
        assertThat(in(MSR)).isEqualTo(0x60);
        out(MCR, 0x10);
        assertThat(in(MSR)).isEqualTo(0x06);
    }

    @Test
    void modemChangesInterruptUntilRead() {
        out(IER, 8);
        uart.modemLines(false, true, false, true);
        assertThat(irq.level()).isTrue();
        assertThat(in(IIR)).isZero();
        assertThat(in(MSR)).isEqualTo(0xa1);
        assertThat(irq.level()).isFalse();
    }

    @Test
    void fifoBitsShowInIirAndChangingModeEmptiesFifo() {
        out(LCR, 3);
        host.type("a");
        out(FCR, FIFOS);
        assertThat(in(IIR)).isEqualTo(0xc1);
        assertThat(in(LSR) & 1).isZero();
        host.type("b");
        out(FCR, FIFOS | 2);
        assertThat(in(LSR) & 1).isZero();
        out(FCR, 0xc0);
        assertThat(in(IIR)).isEqualTo(1);
    }

    /** drivers/tty/serial/8250: FCR's 64-byte bit and the extended registers of other chips must not seem to be there. */
    @Test
    void isNoLargerChip() {
        out(LCR, 0xbf);
        assertThat(in(IIR)).isNotZero();
        out(LCR, 0x83);
        out(FCR, 0x21);
        assertThat(in(IIR) >> 5).isEqualTo(6);
        out(LCR, 0);
        out(IER, 0x40);
        assertThat(in(IER)).isZero();
    }

    /** The back end writes from its own thread, as much as there is room for; the guest reads; nothing is lost. */
    @Test
    @Timeout(30)
    void inputFromAnotherThreadArrivesInOrder() throws InterruptedException {
        int count = 20_000;
        Lock bus = new ReentrantLock();
        Host typist = new Host();
        Uart16550 shared = new Uart16550(irq, clock, typist, task -> locked(bus, task));
        shared.window().write(LCR, 1, 3);
        shared.window().write(FCR, 1, FIFOS);
        Thread thread = Thread.ofPlatform().start(() -> typeNumbers(typist.receiver, count));
        for (int i = 0; i < count; ) {
            int next = i & 0xff;
            boolean[] got = {false};
            locked(bus, () -> {
                got[0] = (shared.window().read(LSR, 1) & 1) != 0;
                assertThat(got[0] ? shared.window().read(DATA, 1) : next).isEqualTo(next);
            });
            i += got[0] ? 1 : 0;
        }
        thread.join();
        assertThat(shared.window().read(LSR, 1)).isEqualTo(0x60);
    }

    private static void locked(Lock bus, Runnable task) {
        bus.lock();
        try {
            task.run();
        } finally {
            bus.unlock();
        }
    }

    private static void typeNumbers(CharacterBackend.Receiver receiver, int count) {
        for (int sent = 0; sent < count; ) {
            byte[] bytes = new byte[Math.min(receiver.room(), count - sent)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) sent++;
            }
            receiver.receive(bytes, 0, bytes.length);
            Thread.yield();
        }
    }

    @Test
    void restoredChipGoesOnWhereItWas() {
        out(LCR, 3);
        out(FCR, 0x81);
        out(IER, 1);
        host.type("abc");
        StateTree saved = StateTree.save(uart);
        FakeLine line = new FakeLine();
        Uart16550 copy = new Uart16550(line, clock, CharacterBackend.NULL, Runnable::run);
        saved.restore(copy);
        assertThat(line.edges()).isZero();
        clock.advance(5_000_000);
        assertThat(line.level()).isTrue();
        assertThat(copy.window().read(0, 1)).isEqualTo('a');
    }
}
