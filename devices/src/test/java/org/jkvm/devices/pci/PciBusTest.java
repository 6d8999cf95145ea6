package org.jkvm.devices.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jkvm.base.IoHandler;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateTree;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Configuration cycles, base address registers, interrupt pins: what a system's PCI code does first. */
class PciBusTest {
    private static final int SLOT = 5;
    private final TestBoard board = new TestBoard();
    private final Card card = new Card();

    /** A card with a window of each kind, a capability and a pin. */
    private static final class Card extends PciFunction {
        Card() {
            super("card", new PciIdentity(0x1234, 0x5678, 9, 0x0c0330, 0xabcd, 0xef01), 1);
            bar(0, Bar.Kind.IO, 32, constant(0x11));
            bar(1, Bar.Kind.MEMORY_32, 4096, constant(0x22));
            bar(2, Bar.Kind.MEMORY_64, 1 << 16, constant(0x33));
            capability("FIRST", 9, 6);
            capability("SECOND", 5, 4);
        }

        private static IoHandler constant(int value) {
            return new RegisterFile("window").undeclaredReadsAs(value);
        }
    }

    @BeforeEach
    void plug() {
        board.bus.attach(SLOT, card);
        card.reset();
    }

    @Test
    void headerAnswersInEveryWidth() {
        assertThat(board.config(SLOT, 0, 4)).isEqualTo(0x5678_1234);
        assertThat(board.config(SLOT, 2, 2)).isEqualTo(0x5678);
        assertThat(board.config(SLOT, 1, 1)).isEqualTo(0x12);
        assertThat(board.config(SLOT, 8, 4)).isEqualTo(0x0c033009);
        assertThat(board.config(SLOT, 0x2c, 4)).isEqualTo(0xef01_abcdL);
        assertThat(board.config(SLOT, 0x3d, 1)).isEqualTo(1);
    }

    @Test
    void nothingAnswersInAnEmptySlotOrOnAnotherBus() {
        assertThat(board.config(SLOT + 1, 0, 4)).isEqualTo(0xffff_ffffL);
        board.io.write(0xcf8, 4, 1L << 31 | 1 << 16 | SLOT << 11);
        assertThat(board.io.read(0xcfc, 4) & 0xffff_ffffL).isEqualTo(0xffff_ffffL);
    }

    @Test
    void onlyADoublewordReachesConfigAddress() {
        board.io.write(0xcf8, 4, 0xffff_ffffL);
        board.io.write(0xcf8, 1, 0);
        board.io.write(0xcfa, 2, 0);
        assertThat(board.io.read(0xcf8, 4)).isEqualTo(0x80ff_fffcL);
    }

    @Test
    void withoutTheEnableBitNothingAnswers() {
        board.io.write(0xcf8, 4, SLOT << 11);
        assertThat(board.io.read(0xcfc, 4) & 0xffff_ffffL).isEqualTo(0xffff_ffffL);
    }

    @Test
    void narrowAccessesPassThroughToTheResetControlRegister() {
        RegisterFile beside = new RegisterFile("beside");
        beside.register("RCR", 1, 8);
        ConfigMechanism1 mechanism = new ConfigMechanism1(board.bus, beside);
        mechanism.write(1, 1, 6);
        assertThat(mechanism.read(1, 1)).isEqualTo(6);
    }

    @Test
    void onesReadBackAsTheSize() {
        board.config(SLOT, 0x10, 4, 0xffff_ffffL);
        board.config(SLOT, 0x14, 4, 0xffff_ffffL);
        board.config(SLOT, 0x18, 4, 0xffff_ffffL);
        board.config(SLOT, 0x1c, 4, 0xffff_ffffL);
        assertThat(board.config(SLOT, 0x10, 4)).isEqualTo(0xffff_ffe1L);
        assertThat(board.config(SLOT, 0x14, 4)).isEqualTo(0xffff_f000L);
        assertThat(board.config(SLOT, 0x18, 4)).isEqualTo(0xffff_0004L);
        assertThat(board.config(SLOT, 0x1c, 4)).isEqualTo(0xffff_ffffL);
        assertThat(board.config(SLOT, 0x20, 4)).isZero();
    }

    @Test
    void windowsFollowTheirRegisters() {
        board.config(SLOT, 0x14, 4, 0xf000_0000L);
        assertThat(board.memory.read(0xf000_0000L, 1)).isEqualTo(-1);
        board.config(SLOT, 4, 2, 2);
        assertThat(board.memory.read(0xf000_0000L, 1)).isEqualTo(0x22);
        board.config(SLOT, 0x14, 4, 0xf100_0000L);
        assertThat(board.memory.read(0xf000_0000L, 1)).isEqualTo(-1);
        assertThat(board.memory.read(0xf100_0fffL, 1)).isEqualTo(0x22);
        board.config(SLOT, 4, 2, 0);
        assertThat(board.memory.read(0xf100_0000L, 1)).isEqualTo(-1);
    }

    @Test
    void aWideWindowGoesAbove4GiB() {
        board.config(SLOT, 4, 2, 2);
        board.config(SLOT, 0x18, 4, 0x0001_0000);
        board.config(SLOT, 0x1c, 4, 0x12);
        assertThat(board.memory.read(0x12_0001_0000L, 1)).isEqualTo(0x33);
    }

    @Test
    void anAddressBeyondEveryCpuIsNotDecoded() {
        board.config(SLOT, 4, 2, 2);
        board.config(SLOT, 0x18, 4, 0xffff_0000L);
        board.config(SLOT, 0x1c, 4, 0xffff_ffffL);
        assertThat(board.memory.windows()).isEmpty();
    }

    @Test
    void theFirstOfTwoOverlappingWindowsAnswersUntilItMoves() {
        Card second = new Card();
        board.bus.attach(SLOT + 1, second);
        board.config(SLOT, 4, 2, 2);
        board.config(SLOT, 0x14, 4, 0xf000_0000L);
        board.config(SLOT + 1, 0x18, 4, 0xf000_0000L);
        board.config(SLOT + 1, 4, 2, 2);
        assertThat(board.memory.read(0xf000_0000L, 1)).isEqualTo(0x22);
        board.config(SLOT, 0x14, 4, 0xf800_0000L);
        assertThat(board.memory.read(0xf000_0000L, 1)).isEqualTo(0x33);
        assertThat(board.memory.read(0xf800_0000L, 1)).isEqualTo(0x22);
    }

    @Test
    void theAllocatorGivesEverythingAnAddress() {
        board.assign();
        assertThat(board.io.read(TestBoard.IO, 1)).isEqualTo(0x11);
        assertThat(board.memory.read(TestBoard.MEMORY, 1)).isEqualTo(0x33);
        assertThat(board.memory.read(TestBoard.MEMORY + 0x1_0000, 1)).isEqualTo(0x22);
        assertThat(board.config(SLOT, 0x3c, 1)).isEqualTo(11);
    }

    @Test
    void aRangeThatIsTooSmallIsRefused() {
        PciAllocator.Range io = new PciAllocator.Range(0xc000, 0x1000);
        PciAllocator small = new PciAllocator(io, new PciAllocator.Range(0xe000_0000L, 0x1_0000));
        assertThatThrownBy(() -> small.assign(board.bus, (device, pin) -> 11)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("card");
    }

    @Test
    void capabilitiesAreLinked() {
        assertThat(board.config(SLOT, 6, 2) & 0x10).isEqualTo(0x10);
        assertThat(board.config(SLOT, 0x34, 1)).isEqualTo(0x40);
        assertThat(board.config(SLOT, 0x40, 2)).isEqualTo(0x4809);
        assertThat(board.config(SLOT, 0x48, 2)).isEqualTo(0x0005);
    }

    @Test
    void thePinFollowsStatusAndInterruptDisable() {
        card.setInterrupt(true);
        assertThat(board.pin.level()).isTrue();
        board.config(SLOT, 4, 2, 0x400);
        assertThat(board.pin.level()).isFalse();
        assertThat(board.config(SLOT, 6, 2) & 8).isEqualTo(8);
        board.config(SLOT, 4, 2, 0);
        assertThat(board.pin.level()).isTrue();
        card.reset();
        assertThat(board.pin.level()).isFalse();
    }

    @Test
    void aSecondFunctionShowsInTheHeader() {
        assertThat(board.config(SLOT, 0x0e, 1)).isZero();
        board.bus.attach(SLOT, 3, new Card());
        assertThat(board.config(SLOT, 0x0e, 1)).isEqualTo(0x80);
        card.reset();
        assertThat(board.config(SLOT, 0x0e, 1)).isEqualTo(0x80);
    }

    @Test
    void aTakenPlaceIsRefused() {
        assertThatThrownBy(() -> board.bus.attach(SLOT, new Card())).isInstanceOf(IllegalArgumentException.class);
        assertThat(board.bus.freeDevice(SLOT)).isEqualTo(SLOT + 1);
    }

    @Test
    void windowsComeBackWithARestoredState() {
        board.assign();
        StateTree saved = StateTree.save(card);
        card.reset();
        assertThat(board.memory.windows()).isEmpty();
        saved.restore(card);
        assertThat(board.memory.read(TestBoard.MEMORY, 1)).isEqualTo(0x33);
    }
}
