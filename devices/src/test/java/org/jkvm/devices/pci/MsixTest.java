package org.jkvm.devices.pci;

import static org.assertj.core.api.Assertions.assertThat;

import org.jkvm.base.MsiSink;
import org.jkvm.base.state.StateTree;
import org.jkvm.devices.pci.TestBoard.Message;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The MSI-X table, its masks and pending bits. */
class MsixTest {
    private static final int SLOT = 2;
    private static final int CONTROL = 0x42;
    private static final int ENABLE = 0x8000;
    private static final int FUNCTION_MASK = 0x4000;
    private static final long TABLE = TestBoard.MEMORY;
    private static final long PENDING = TestBoard.MEMORY + 0x800;
    private final TestBoard board = new TestBoard();
    private final Card card = new Card(board::message);

    private static final class Card extends PciFunction {
        final Msix msix;

        Card(MsiSink sink) {
            super("card", new PciIdentity(1, 2, 3, 4), 1);
            msix = new Msix(this, 1, 3, sink);
        }
    }

    @BeforeEach
    void plug() {
        board.bus.attach(SLOT, card);
        board.assign();
        board.config(SLOT, 4, 2, 6);
        for (int vector = 0; vector < 3; vector++) {
            board.memory.write(TABLE + 16 * vector, 8, 0xfee0_0000L + 0x1000 * vector);
            board.memory.write(TABLE + 16 * vector + 8, 4, 0x40 + vector);
        }
    }

    private void unmask(int vector) {
        board.memory.write(TABLE + 16 * vector + 12, 4, 0);
    }

    @Test
    void theCapabilityTellsSizeAndPlaces() {
        assertThat(board.config(SLOT, 0x40, 1)).isEqualTo(0x11);
        assertThat(board.config(SLOT, CONTROL, 2)).isEqualTo(2);
        assertThat(board.config(SLOT, 0x44, 4)).isEqualTo(1);
        assertThat(board.config(SLOT, 0x48, 4)).isEqualTo(0x801);
    }

    @Test
    void anUnmaskedVectorSendsItsMessage() {
        board.config(SLOT, CONTROL, 2, ENABLE);
        unmask(1);
        card.msix.signal(1);
        assertThat(board.messages).containsExactly(new Message(0xfee0_1000L, 0x41));
    }

    @Test
    void aMaskedVectorWaits() {
        board.config(SLOT, CONTROL, 2, ENABLE);
        card.msix.signal(2);
        assertThat(board.messages).isEmpty();
        assertThat(board.memory.read(PENDING, 4)).isEqualTo(4);
        unmask(2);
        assertThat(board.messages).containsExactly(new Message(0xfee0_2000L, 0x42));
        assertThat(board.memory.read(PENDING, 8)).isZero();
    }

    @Test
    void theFunctionMaskHoldsEveryVector() {
        board.config(SLOT, CONTROL, 2, ENABLE | FUNCTION_MASK);
        unmask(0);
        unmask(1);
        card.msix.signal(0);
        card.msix.signal(1);
        card.msix.signal(1);
        assertThat(board.messages).isEmpty();
        board.config(SLOT, CONTROL, 2, ENABLE);
        assertThat(board.messages).containsExactly(new Message(0xfee0_0000L, 0x40), new Message(0xfee0_1000L, 0x41));
    }

    @Test
    void nothingIsSentWhileDisabledOrWithoutBusMastering() {
        unmask(0);
        card.msix.signal(0);
        board.config(SLOT, CONTROL, 2, ENABLE);
        board.config(SLOT, 4, 2, 2);
        card.msix.signal(0);
        assertThat(board.messages).isEmpty();
    }

    @Test
    void vectorsThatDoNotExistAreIgnored() {
        board.config(SLOT, CONTROL, 2, ENABLE);
        card.msix.signal(3);
        card.msix.signal(0xffff);
        assertThat(board.memory.read(PENDING, 8)).isZero();
    }

    @Test
    void pendingBitsCannotBeWritten() {
        board.memory.write(PENDING, 8, -1);
        assertThat(board.memory.read(PENDING, 8)).isZero();
        assertThat(board.memory.read(TestBoard.MEMORY + 0xffc, 8)).isZero();
    }

    @Test
    void pendingVectorsSurviveInASavedState() {
        board.config(SLOT, CONTROL, 2, ENABLE);
        card.msix.signal(1);
        StateTree config = StateTree.save(card);
        StateTree msix = StateTree.save(card.msix);
        card.msix.reset();
        card.reset();
        config.restore(card);
        msix.restore(card.msix);
        unmask(1);
        assertThat(board.messages).containsExactly(new Message(0xfee0_1000L, 0x41));
    }
}
