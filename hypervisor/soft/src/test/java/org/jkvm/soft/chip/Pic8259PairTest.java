package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;

import org.jkvm.base.IoHandler;
import org.jkvm.base.state.StateTree;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class Pic8259PairTest {
    private static final int NONSPECIFIC_EOI = 0x20;
    private final FakeLine intr = new FakeLine();
    private final Pic8259Pair pair = new Pic8259Pair(intr);
    private final IoHandler master = pair.master();
    private final IoHandler slave = pair.slave();
    private final IoHandler elcr = pair.edgeLevel();

    /** As a PC's BIOS does: cascade, vectors 20h and 28h, 8086 mode. */
    @BeforeEach
    void initialize() {
        initialize(0x01);
    }

    private void initialize(int icw4) {
        write(master, 0x11, 0x20, 0x04, icw4);
        write(slave, 0x11, 0x28, 0x02, icw4);
    }

    private static void write(IoHandler chip, int icw1, int icw2, int icw3, int icw4) {
        chip.write(0, 1, icw1);
        chip.write(1, 1, icw2);
        chip.write(1, 1, icw3);
        chip.write(1, 1, icw4);
    }

    private long irr() {
        master.write(0, 1, 0x0a);
        return master.read(0, 1);
    }

    private long isr() {
        master.write(0, 1, 0x0b);
        return master.read(0, 1);
    }

    @Test
    void anEdgeInterruptsIsAcknowledgedAndEnded() {
        pair.setLine(4, true);
        assertThat(intr.level()).isTrue();
        assertThat(irr()).isEqualTo(0x10);
        assertThat(pair.acknowledge()).isEqualTo(0x24);
        assertThat(intr.level()).isFalse();
        assertThat(irr()).isZero();
        assertThat(isr()).isEqualTo(0x10);
        master.write(0, 1, NONSPECIFIC_EOI);
        assertThat(isr()).isZero();
        assertThat(intr.level()).isFalse();
    }

    @Test
    void aPulseIsRemembered() {
        pair.setLine(0, true);
        pair.setLine(0, false);
        assertThat(pair.acknowledge()).isEqualTo(0x20);
    }

    @Test
    void aMaskedInputWaits() {
        master.write(1, 1, 0x10);
        pair.setLine(4, true);
        assertThat(intr.level()).isFalse();
        master.write(1, 1, 0x00);
        assertThat(intr.level()).isTrue();
        assertThat(master.read(1, 1)).isZero();
    }

    @Test
    void onlyAHigherPriorityInterruptsWhatIsInService() {
        pair.setLine(4, true);
        pair.acknowledge();
        pair.setLine(5, true);
        assertThat(intr.level()).isFalse();
        pair.setLine(1, true);
        assertThat(intr.level()).isTrue();
        assertThat(pair.acknowledge()).isEqualTo(0x21);
        assertThat(isr()).isEqualTo(0x12);
        master.write(0, 1, NONSPECIFIC_EOI);
        assertThat(isr()).isEqualTo(0x10);
        master.write(0, 1, NONSPECIFIC_EOI);
        assertThat(pair.acknowledge()).isEqualTo(0x25);
    }

    @Test
    void theSlaveInterruptsThroughInput2() {
        pair.setLine(12, true);
        assertThat(irr()).isEqualTo(0x04);
        assertThat(pair.acknowledge()).isEqualTo(0x2c);
        assertThat(isr()).isEqualTo(0x04);
        pair.setLine(3, true);
        assertThat(intr.level()).isFalse();
        slave.write(0, 1, NONSPECIFIC_EOI);
        master.write(0, 1, NONSPECIFIC_EOI);
        assertThat(pair.acknowledge()).isEqualTo(0x23);
    }

    @Test
    void theSlavesNextRequestInterruptsAgainInAutoEoiMode() {
        initialize(0x03);
        pair.setLine(9, true);
        pair.setLine(10, true);
        assertThat(pair.acknowledge()).isEqualTo(0x29);
        assertThat(intr.level()).isTrue();
        assertThat(pair.acknowledge()).isEqualTo(0x2a);
        assertThat(intr.level()).isFalse();
    }

    @Test
    void specialFullyNestedModeLetsTheSlaveNest() {
        initialize(0x11);
        pair.setLine(12, true);
        pair.acknowledge();
        pair.setLine(8, true);
        assertThat(pair.acknowledge()).isEqualTo(0x28);
    }

    @Test
    void acknowledgingNothingGivesTheSpuriousVectorAndNothingInService() {
        assertThat(pair.acknowledge()).isEqualTo(0x27);
        assertThat(isr()).isZero();
    }

    @Test
    void aLevelThatWentAwayIsSpurious() {
        elcr.write(1, 1, 0x08);
        pair.setLine(11, true);
        pair.setLine(11, false);
        assertThat(intr.level()).isFalse();
        assertThat(pair.acknowledge()).isEqualTo(0x27);
    }

    @Test
    void aLevelInterruptsUntilItFalls() {
        elcr.write(0, 1, 0x20);
        pair.setLine(5, true);
        assertThat(pair.acknowledge()).isEqualTo(0x25);
        master.write(0, 1, 0x65);
        assertThat(intr.level()).isTrue();
        assertThat(pair.acknowledge()).isEqualTo(0x25);
        pair.setLine(5, false);
        master.write(0, 1, 0x65);
        assertThat(intr.level()).isFalse();
    }

    @Test
    void theTimerKeyboardCascadeRtcAndFpuStayEdgeTriggered() {
        elcr.write(0, 1, 0xff);
        elcr.write(1, 1, 0xff);
        assertThat(elcr.read(0, 1)).isEqualTo(0xf8);
        assertThat(elcr.read(1, 1)).isEqualTo(0xde);
    }

    @Test
    void autoEoiLeavesNothingInService() {
        initialize(0x03);
        pair.setLine(4, true);
        pair.acknowledge();
        assertThat(isr()).isZero();
    }

    @Test
    void rotatingInAutoEoiServesEqualsInTurn() {
        initialize(0x03);
        master.write(0, 1, 0x80);
        pair.setLine(1, true);
        assertThat(pair.acknowledge()).isEqualTo(0x21);
        pair.setLine(0, true);
        pair.setLine(3, true);
        assertThat(pair.acknowledge()).isEqualTo(0x23);
        assertThat(pair.acknowledge()).isEqualTo(0x20);
    }

    @Test
    void rotateOnNonspecificEoiMakesTheServedInputLowest() {
        pair.setLine(4, true);
        pair.acknowledge();
        master.write(0, 1, 0xa0);
        pair.setLine(4, false);
        pair.setLine(4, true);
        pair.setLine(6, true);
        assertThat(pair.acknowledge()).isEqualTo(0x26);
    }

    @Test
    void setPriorityNamesTheLowest() {
        master.write(0, 1, 0xc5);
        pair.setLine(5, true);
        pair.setLine(6, true);
        assertThat(pair.acknowledge()).isEqualTo(0x26);
    }

    @Test
    void rotateOnSpecificEoiEndsTheNamedAndMakesItLowest() {
        pair.setLine(4, true);
        pair.acknowledge();
        pair.setLine(1, true);
        pair.acknowledge();
        master.write(0, 1, 0xe4);
        assertThat(isr()).isEqualTo(0x02);
        pair.setLine(5, true);
        assertThat(pair.acknowledge()).isEqualTo(0x25);
    }

    @Test
    void specialMaskModeLetsLowerPrioritiesThrough() {
        pair.setLine(1, true);
        pair.acknowledge();
        pair.setLine(4, true);
        assertThat(intr.level()).isFalse();
        master.write(1, 1, 0x02);
        master.write(0, 1, 0x68);
        assertThat(pair.acknowledge()).isEqualTo(0x24);
        master.write(0, 1, 0x48);
        master.write(0, 1, NONSPECIFIC_EOI);
        assertThat(isr()).isEqualTo(0x10);
    }

    @Test
    void aPollIsAnAcknowledge() {
        pair.setLine(3, true);
        master.write(0, 1, 0x0c);
        assertThat(master.read(0, 1)).isEqualTo(0x83);
        assertThat(isr()).isEqualTo(0x08);
        master.write(0, 1, 0x0c);
        assertThat(master.read(0, 1)).isZero();
    }

    @Test
    void initializingForgetsEdgesButNotLevels() {
        pair.setLine(4, true);
        initialize();
        assertThat(intr.level()).isFalse();
        elcr.write(0, 1, 0x20);
        pair.setLine(5, true);
        initialize();
        assertThat(pair.acknowledge()).isEqualTo(0x25);
    }

    @Test
    void withoutIcw4TheNextWriteIsAMask() {
        master.write(0, 1, 0x10);
        master.write(1, 1, 0x40);
        master.write(1, 1, 0x04);
        master.write(1, 1, 0xfe);
        assertThat(master.read(1, 1)).isEqualTo(0xfe);
        pair.setLine(0, true);
        assertThat(pair.acknowledge()).isEqualTo(0x40);
    }

    @Test
    void savedInTheMiddleItGoesOnElsewhere() {
        elcr.write(1, 1, 0x02);
        master.write(0, 1, 0xc2);
        pair.setLine(9, true);
        pair.setLine(4, true);
        pair.acknowledge();
        slave.write(1, 1, 0x40);
        Pic8259Pair other = new Pic8259Pair(new FakeLine());
        StateTree saved = StateTree.save(pair);
        saved.restore(other);
        assertThat(StateTree.save(other).values()).isEqualTo(saved.values());
        assertThat(other.requested()).isEqualTo(pair.requested());
        other.master().write(0, 1, NONSPECIFIC_EOI);
        assertThat(other.acknowledge()).isEqualTo(0x29);
    }
}
