package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.state.StateTree;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IoApicTest {
    private static final int LEVEL = 1 << 15;
    private static final int MASKED = 1 << 16;
    private static final int REMOTE_IRR = 1 << 14;

    private final List<ApicMessage> sent = new ArrayList<>();
    private final IoApic chip = new IoApic(IoApic.VERSION_EOI_REGISTER, sent::add);

    private static void write(IoApic chip, int index, long value) {
        chip.write(0, 4, index);
        chip.write(0x10, 4, value);
    }

    private static long read(IoApic chip, int index) {
        chip.write(0, 4, index);
        return chip.read(0x10, 4);
    }

    private void redirect(int pin, long low) {
        write(chip, 0x10 + 2 * pin, low);
    }

    private static ApicMessage fixed(int vector, boolean level) {
        return new ApicMessage(0, false, false, DeliveryMode.FIXED, vector, level);
    }

    @Test
    void saysWhatItIs() {
        assertThat(read(chip, 1)).isEqualTo(0x170020);
        assertThat(read(new IoApic(IoApic.VERSION_82093AA, sent::add), 1)).isEqualTo(0x170011);
    }

    @Test
    void theArbitrationIdFollowsTheId() {
        write(chip, 0, 0xffff_ffffL);
        assertThat(read(chip, 0)).isEqualTo(0x0f00_0000);
        assertThat(read(chip, 2)).isEqualTo(0x0f00_0000);
    }

    @Test
    void allPinsAreMaskedAfterReset() {
        for (int pin = 0; pin < IoApic.PINS; pin++) {
            assertThat(read(chip, 0x10 + 2 * pin)).isEqualTo(MASKED);
            chip.setLine(pin, true);
        }
        assertThat(sent).isEmpty();
    }

    @Test
    void statusBitsOfAnEntryAreReadOnly() {
        redirect(3, 0xffff_ffffL);
        assertThat(read(chip, 0x16)).isEqualTo(0x1afff);
        write(chip, 0x17, 0xffff_ffffL);
        assertThat(read(chip, 0x17)).isEqualTo(0xff00_0000L);
    }

    @Test
    void indexesBeyondTheLastEntryReadZero() {
        assertThat(read(chip, 0x40)).isZero();
        write(chip, 0xff, 1);
        assertThat(read(chip, 0xff)).isZero();
        assertThat(read(chip, 3)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0x0031, FIXED, false", "0x0931, LOWEST_PRIORITY, true", "0x0431, NMI, false", "0x0731, EXTINT, false"})
    void anEdgeIsSentOnce(String entry, DeliveryMode mode, boolean logical) {
        write(chip, 0x19, 0x0500_0000);
        redirect(4, Integer.decode(entry));
        chip.setLine(4, true);
        chip.setLine(4, true);
        assertThat(sent).containsExactly(new ApicMessage(5, logical, false, mode, 0x31, false));
    }

    @Test
    void anEdgeOnAMaskedPinIsLost() {
        chip.setLine(4, true);
        redirect(4, 0x31);
        assertThat(sent).isEmpty();
    }

    @Test
    void aLevelOnAMaskedPinWaits() {
        redirect(4, MASKED | LEVEL | 0x31);
        chip.setLine(4, true);
        assertThat(sent).isEmpty();
        redirect(4, LEVEL | 0x31);
        assertThat(sent).containsExactly(fixed(0x31, true));
    }

    @Test
    void aLevelIsSentAgainOnlyAfterItsEoi() {
        redirect(4, LEVEL | 0x31);
        chip.setLine(4, true);
        chip.setLine(4, false);
        chip.setLine(4, true);
        chip.endOfInterrupt(0x32);
        assertThat(sent).hasSize(1);
        assertThat(read(chip, 0x18)).isEqualTo(LEVEL | REMOTE_IRR | 0x31);
        chip.endOfInterrupt(0x31);
        assertThat(sent).hasSize(2);
        chip.setLine(4, false);
        chip.endOfInterrupt(0x31);
        assertThat(sent).hasSize(2);
        assertThat(read(chip, 0x18)).isEqualTo(LEVEL | 0x31);
    }

    @Test
    void theEoiRegisterEndsAVector() {
        redirect(4, LEVEL | 0x31);
        chip.setLine(4, true);
        chip.write(0x40, 4, 0x31);
        assertThat(sent).hasSize(2);
    }

    @Test
    void theOldVersionHasNoEoiRegister() {
        IoApic old = new IoApic(IoApic.VERSION_82093AA, sent::add);
        write(old, 0x18, LEVEL | 0x31);
        old.setLine(4, true);
        old.write(0x40, 4, 0x31);
        assertThat(sent).hasSize(1);
    }

    @Test
    void turnedEdgeTriggeredAndBackAnEntryForgetsItsRemoteIrr() {
        redirect(4, LEVEL | 0x31);
        chip.setLine(4, true);
        redirect(4, MASKED | 0x31);
        redirect(4, MASKED | LEVEL | 0x31);
        assertThat(read(chip, 0x18)).isEqualTo(MASKED | LEVEL | 0x31);
        redirect(4, LEVEL | 0x31);
        assertThat(sent).hasSize(2);
    }

    @Test
    void anNmiIsAnEdgeWhateverTheEntrySays() {
        redirect(4, LEVEL | 0x400);
        chip.setLine(4, true);
        chip.setLine(4, true);
        redirect(4, LEVEL | 0x400);
        assertThat(sent).containsExactly(new ApicMessage(0, false, false, DeliveryMode.NMI, 0, false));
    }

    @Test
    void savedWithALevelInServiceItGoesOnElsewhere() {
        redirect(4, LEVEL | 0x31);
        chip.setLine(4, true);
        chip.write(0, 4, 0x18);
        StateTree saved = StateTree.save(chip);
        List<ApicMessage> otherSent = new ArrayList<>();
        IoApic other = new IoApic(IoApic.VERSION_EOI_REGISTER, otherSent::add);
        saved.restore(other);
        assertThat(otherSent).isEmpty();
        assertThat(StateTree.save(other).values()).usingRecursiveComparison().isEqualTo(saved.values());
        other.endOfInterrupt(0x31);
        assertThat(otherSent).containsExactly(fixed(0x31, true));
    }
}
