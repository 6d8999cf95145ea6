package org.jkvm.devices.i8042;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.state.StateTree;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class I8042Test {
    private static final int OBF = 1;
    private static final int AUX_OBF = 0x20;
    private static final int A = 0x1e;

    private final FakeLine irq1 = new FakeLine();
    private final FakeLine irq12 = new FakeLine();
    private final FakeLine a20 = new FakeLine();
    private int resets;
    private final I8042 kbc = new I8042(irq1, irq12, a20, () -> resets++);

    @BeforeEach
    void powerOn() {
        kbc.reset();
    }

    private int data() {
        return (int) kbc.dataWindow().read(0, 1);
    }

    private void data(int value) {
        kbc.dataWindow().write(0, 1, value);
    }

    private int status() {
        return (int) kbc.controlWindow().read(0, 1);
    }

    private void command(int value) {
        kbc.controlWindow().write(0, 1, value);
    }

    private int ask(int command) {
        command(command);
        return data();
    }

    private void mouse(int value) {
        command(0xd4);
        data(value);
    }

    private void setCommandByte(int value) {
        command(0x60);
        data(value);
    }

    /** All there is to read. */
    private List<Integer> drain() {
        List<Integer> bytes = new ArrayList<>();
        while ((status() & OBF) != 0) {
            bytes.add(data());
        }
        return bytes;
    }

    private List<Integer> keyboardSays(int... bytes) {
        for (int b : bytes) {
            data(b);
        }
        return drain();
    }

    private List<Integer> mouseSays(int... bytes) {
        List<Integer> said = new ArrayList<>();
        for (int b : bytes) {
            mouse(b);
            said.addAll(drain());
        }
        return said;
    }

    @Test
    void selfTestsPass() {
        assertThat(ask(0xaa)).isEqualTo(0x55);
        assertThat(status() & 4).isEqualTo(4);
        assertThat(ask(0xab)).isZero();
        assertThat(ask(0xa9)).isZero();
        assertThat(ask(0xa4)).isEqualTo(0xf1);
    }

    @Test
    void statusTellsCommandFromData() {
        command(0xae);
        assertThat(status()).isEqualTo(0x18);
        data(0xee);
        assertThat(status()).isEqualTo(0x11);
    }

    @Test
    void commandByteAndRamAreReadAndWritten() {
        setCommandByte(0x65);
        assertThat(ask(0x20)).isEqualTo(0x65);
        command(0x7f);
        data(0x42);
        assertThat(ask(0x3f)).isEqualTo(0x42);
    }

    @Test
    void interfacesAreSwitchedByCommand() {
        command(0xa7);
        assertThat(ask(0x20) & 0x30).isEqualTo(0x20);
        command(0xad);
        assertThat(ask(0x20) & 0x30).isEqualTo(0x30);
        command(0xa8);
        command(0xae);
        assertThat(ask(0x20) & 0x30).isZero();
    }

    @Test
    void resetByPulseAndByOutputPort() {
        command(0xfe);
        command(0xff);
        command(0xf0);
        assertThat(resets).isEqualTo(2);
        command(0xd1);
        data(0xce);
        assertThat(resets).isEqualTo(3);
    }

    @Test
    void a20FollowsOutputPort() {
        assertThat(a20.level()).isTrue();
        command(0xd1);
        data(0xcd);
        assertThat(a20.level()).isFalse();
        assertThat(ask(0xd0) & 3).isEqualTo(1);
        command(0xdf);
        assertThat(a20.level()).isTrue();
        command(0xdd);
        assertThat(a20.level()).isFalse();
        assertThat(resets).isZero();
    }

    @Test
    void keyComesTranslatedWithInterrupt() {
        kbc.keyboard().key(A, true);
        assertThat(irq1.level()).isTrue();
        assertThat(status() & (OBF | AUX_OBF)).isEqualTo(OBF);
        assertThat(data()).isEqualTo(A);
        assertThat(irq1.level()).isFalse();
        kbc.keyboard().key(A, false);
        assertThat(drain()).containsExactly(A | 0x80);
    }

    @Test
    void eachByteHasAnEdgeOfItsOwn() {
        kbc.keyboard().key(Ps2Keyboard.EXTENDED | 0x4d, true);
        assertThat(irq1.edges()).isEqualTo(1);
        assertThat(data()).isEqualTo(0xe0);
        assertThat(irq1.edges()).isEqualTo(2);
        assertThat(data()).isEqualTo(0x4d);
    }

    @Test
    void untranslatedKeysAreSet2() {
        setCommandByte(0x03);
        kbc.keyboard().key(A, true);
        kbc.keyboard().key(A, false);
        kbc.keyboard().key(Ps2Keyboard.EXTENDED | 0x4d, false);
        assertThat(drain()).containsExactly(0x1c, 0xf0, 0x1c, 0xe0, 0xf0, 0x74);
    }

    /** Translated set 2 and set 1 must give the same bytes for every key there is. */
    @Test
    void translationAgreesWithSet1ForEveryKey() {
        List<Integer> translated = typeEverything();
        data(0xf0);
        drain();
        data(1);
        drain();
        setCommandByte(0x03);
        assertThat(typeEverything()).isEqualTo(translated);
    }

    private List<Integer> typeEverything() {
        List<Integer> bytes = new ArrayList<>();
        for (int code = 1; code < 0x80; code++) {
            for (int key : new int[] {code, Ps2Keyboard.EXTENDED | code}) {
                kbc.keyboard().key(key, true);
                kbc.keyboard().key(key, false);
                bytes.addAll(drain());
            }
        }
        kbc.keyboard().key(Ps2Keyboard.PAUSE, true);
        kbc.keyboard().key(Ps2Keyboard.PAUSE, false);
        bytes.addAll(drain());
        return bytes;
    }

    @Test
    void specialKeysHaveTheirSequences() {
        kbc.keyboard().key(Ps2Keyboard.PAUSE, true);
        assertThat(drain()).containsExactly(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
        kbc.keyboard().key(Ps2Keyboard.PRINT_SCREEN, true);
        assertThat(drain()).containsExactly(0xe0, 0x2a, 0xe0, 0x37);
        kbc.keyboard().key(Ps2Keyboard.PRINT_SCREEN, false);
        assertThat(drain()).containsExactly(0xe0, 0xb7, 0xe0, 0xaa);
    }

    @Test
    void refusesCodesOfNoKey() {
        assertThatIllegalArgumentException().isThrownBy(() -> kbc.keyboard().key(0, true));
        assertThatIllegalArgumentException().isThrownBy(() -> kbc.keyboard().key(0x80, true));
        assertThatIllegalArgumentException().isThrownBy(() -> kbc.keyboard().key(0x1_0000, true));
    }

    @Test
    void keyboardAnswersCommands() {
        assertThat(keyboardSays(0xf2)).containsExactly(0xfa, 0xab, 0x41);
        assertThat(keyboardSays(0xee)).containsExactly(0xee);
        assertThat(keyboardSays(0xed)).containsExactly(0xfa);
        assertThat(keyboardSays(0x07)).containsExactly(0xfa);
        assertThat(kbc.keyboard().leds()).isEqualTo(7);
        assertThat(keyboardSays(0xf3)).containsExactly(0xfa);
        assertThat(keyboardSays(0x20)).containsExactly(0xfa);
        assertThat(keyboardSays(0xff)).containsExactly(0xfa, 0xaa);
        assertThat(kbc.keyboard().leds()).isZero();
        assertThat(keyboardSays(0x01)).containsExactly(0xfe);
    }

    @Test
    void keyboardSaysLastByteAgain() {
        assertThat(keyboardSays(0xff)).containsExactly(0xfa, 0xaa);
        assertThat(keyboardSays(0xfe)).containsExactly(0xaa);
    }

    @Test
    void commandInPlaceOfArgumentCounts() {
        assertThat(keyboardSays(0xed, 0xf2)).endsWith(0xfa, 0xab, 0x41);
        assertThat(keyboardSays(0x01)).containsExactly(0xfe);
    }

    @Test
    void scanCodeSetIsAskedAndChosen() {
        setCommandByte(0x03);
        assertThat(keyboardSays(0xf0)).containsExactly(0xfa);
        assertThat(keyboardSays(0)).containsExactly(0xfa, 2);
        keyboardSays(0xf0);
        assertThat(keyboardSays(3)).containsExactly(0xfe);
        keyboardSays(0xf0);
        assertThat(keyboardSays(1)).containsExactly(0xfa);
        kbc.keyboard().key(A, false);
        assertThat(drain()).containsExactly(A | 0x80);
    }

    @Test
    void disabledKeyboardDropsKeys() {
        assertThat(keyboardSays(0xf5)).containsExactly(0xfa);
        kbc.keyboard().key(A, true);
        assertThat(drain()).isEmpty();
        assertThat(keyboardSays(0xf4)).containsExactly(0xfa);
        kbc.keyboard().key(A, true);
        assertThat(drain()).containsExactly(A);
    }

    @Test
    void heldClockKeepsKeysForLater() {
        command(0xad);
        kbc.keyboard().key(A, true);
        assertThat(status() & OBF).isZero();
        command(0xae);
        assertThat(drain()).containsExactly(A);
    }

    @Test
    void overflowIsReported() {
        for (int i = 0; i < 300; i++) {
            kbc.keyboard().key(A, true);
        }
        List<Integer> bytes = drain();
        assertThat(bytes.size()).isBetween(256, 257);
        kbc.keyboard().key(A, false);
        assertThat(drain()).containsExactly(A | 0x80);
    }

    @Test
    void interruptsNeedTheirEnables() {
        setCommandByte(0x40);
        kbc.keyboard().key(A, true);
        assertThat(irq1.level()).isFalse();
        setCommandByte(0x41);
        assertThat(irq1.level()).isTrue();
        assertThat(ask(0xd0)).isEqualTo(A);
        assertThat(data() & 0x30).isEqualTo(0x10);
    }

    /** How Linux looks for the auxiliary port: loop a byte back, see the flag and the interrupt. */
    @Test
    void auxiliaryLoopback() {
        command(0xd3);
        data(0xa5);
        assertThat(status() & (OBF | AUX_OBF)).isEqualTo(OBF | AUX_OBF);
        assertThat(irq12.level()).isTrue();
        assertThat(irq1.level()).isFalse();
        assertThat(data()).isEqualTo(0xa5);
        command(0xd2);
        data(0x5a);
        assertThat(status() & AUX_OBF).isZero();
        assertThat(data()).isEqualTo(0x5a);
    }

    @Test
    void mouseIdentifiesItself() {
        assertThat(mouseSays(0xff)).containsExactly(0xfa, 0xaa, 0x00);
        assertThat(mouseSays(0xf2)).containsExactly(0xfa, 0x00);
        mouseSays(0xf3, 200, 0xf3, 100, 0xf3, 80);
        assertThat(mouseSays(0xf2)).containsExactly(0xfa, 0x03);
        mouseSays(0xf3, 200, 0xf3, 200, 0xf3, 80);
        assertThat(mouseSays(0xf2)).containsExactly(0xfa, 0x04);
        assertThat(mouseSays(0xff, 0xf2)).endsWith(0xfa, 0x00);
    }

    @Test
    void mouseStatusShowsSettings() {
        mouseSays(0xff, 0xe8, 3, 0xf3, 40, 0xe7, 0xf4);
        kbc.mouse().buttons(Ps2Mouse.LEFT | Ps2Mouse.RIGHT);
        drain();
        assertThat(mouseSays(0xe9)).containsExactly(0xfa, 0x35, 3, 40);
    }

    @Test
    void mouseReportsOnlyWhenEnabled() {
        kbc.mouse().move(1, 1, 0);
        assertThat(drain()).isEmpty();
        mouseSays(0xf4);
        kbc.mouse().move(5, 3, 0);
        assertThat(irq12.level()).isTrue();
        assertThat(drain()).containsExactly(0x28, 5, 0xfd);
        kbc.mouse().buttons(Ps2Mouse.MIDDLE);
        assertThat(drain()).containsExactly(0x0c, 0, 0);
    }

    @Test
    void mouseAddsUpMotionNobodyReads() {
        mouseSays(0xf4);
        kbc.mouse().move(1, 0, 0);
        kbc.mouse().move(200, 0, 0);
        kbc.mouse().move(200, 0, 0);
        assertThat(drain()).containsExactly(0x08, 1, 0, 0x08, 255, 0, 0x08, 145, 0);
    }

    @Test
    void wheelAndFiveButtons() {
        mouseSays(0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf4);
        kbc.mouse().move(0, 0, -1);
        assertThat(drain()).containsExactly(0x08, 0, 0, 0xff);
        mouseSays(0xf3, 200, 0xf3, 200, 0xf3, 80);
        kbc.mouse().buttons(8);
        assertThat(drain()).containsExactly(0x08, 0, 0, 0x10);
    }

    @Test
    void remoteModeIsAsked() {
        mouseSays(0xf0, 0xf4);
        kbc.mouse().move(-2, 0, 0);
        assertThat(drain()).isEmpty();
        assertThat(mouseSays(0xeb)).containsExactly(0xfa, 0x18, 0xfe, 0);
        assertThat(mouseSays(0xf6, 0xe9)).containsExactly(0xfa, 0xfa, 0, 2, 100);
    }

    @Test
    void wrapModeEchoesUntilReset() {
        assertThat(mouseSays(0xee, 0xf2, 0x12)).containsExactly(0xfa, 0xf2, 0x12);
        assertThat(mouseSays(0xec, 0xf2)).containsExactly(0xfa, 0xfa, 0x00);
    }

    @Test
    void restoredControllerGoesOn() {
        kbc.keyboard().key(Ps2Keyboard.EXTENDED | 0x4d, false);
        data();
        StateTree saved = StateTree.save(kbc);
        FakeLine line = new FakeLine();
        I8042 copy = new I8042(line, new FakeLine(), new FakeLine(), () -> { });
        saved.restore(copy);
        assertThat(line.edges()).isZero();
        assertThat(copy.dataWindow().read(0, 1)).isEqualTo(0xcd);
    }

    @Test
    void port92SwitchesA20AndResetsOnRisingEdge() {
        FakeLine gate = new FakeLine();
        Port92 port = new Port92(gate, () -> resets++);
        port.window().write(0, 1, 2);
        assertThat(gate.level()).isTrue();
        port.window().write(0, 1, 1);
        port.window().write(0, 1, 1);
        assertThat(gate.level()).isFalse();
        assertThat(resets).isEqualTo(1);
        assertThat(port.window().read(0, 1)).isEqualTo(1);
    }
}
