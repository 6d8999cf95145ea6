package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;

import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.ManualClock;
import org.junit.jupiter.api.Test;

class SoftInterruptChipTest {
    private static final long GHZ = 1_000_000_000L;
    private static final long IOREGSEL = SoftInterruptChip.IO_APIC_ADDRESS;
    private static final long IOWIN = IOREGSEL + 0x10;
    private static final int SVR = 0xf0;
    private static final int EOI = 0xb0;

    private final ManualClock clock = new ManualClock();
    private final SoftInterruptChip chip = new SoftInterruptChip(clock, 4, GHZ);
    private final FakePins[] pins = {new FakePins(), new FakePins()};
    private final VcpuInterrupts[] cpus = {chip.attach(0, pins[0]), chip.attach(1, pins[1])};

    private void initializePics() {
        for (int[] access : new int[][] {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1}, {0xa0, 0x11}, {0xa1, 0x28},
            {0xa1, 2}, {0xa1, 1}, {0x21, 0}, {0xa1, 0}}) {
            chip.writePort(access[0], 1, access[1]);
        }
    }

    private void redirect(int pin, long entry) {
        writeIoApic(0x11 + 2 * pin, entry >>> 32);
        writeIoApic(0x10 + 2 * pin, entry & 0xffff_ffffL);
    }

    private void writeIoApic(int index, long value) {
        chip.writeMmio(IOREGSEL, 4, index);
        chip.writeMmio(IOWIN, 4, value);
    }

    private long readIoApic(int index) {
        chip.writeMmio(IOREGSEL, 4, index);
        return chip.readMmio(IOWIN, 4);
    }

    private void enable(int cpu) {
        cpus[cpu].write(SVR, 4, 0x1ff);
    }

    @Test
    void beforeAnyoneProgramsTheApicsThePicInterruptsTheBootProcessor() {
        initializePics();
        chip.setLine(4, true);
        assertThat(pins[0].interrupt).isTrue();
        assertThat(pins[1].interrupt).isFalse();
        assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(0x24);
        assertThat(pins[0].interrupt).isFalse();
        assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(-1);
    }

    @Test
    void maskingLint0TakesThePicsInterruptBack() {
        initializePics();
        chip.setLine(4, true);
        cpus[0].write(0x350, 4, 0x10700);
        assertThat(pins[0].interrupt).isFalse();
        assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(-1);
    }

    @Test
    void aDisabledApicLeavesThePicOnTheProcessorsPin() {
        initializePics();
        cpus[1].writeMsr(VcpuInterrupts.IA32_APIC_BASE, 0xfee00000L);
        assertThat(cpus[1].page()).isEqualTo(VcpuInterrupts.NO_PAGE);
        chip.setLine(3, true);
        assertThat(pins[1].interrupt).isTrue();
        assertThat(cpus[1].acknowledgeInterrupt()).isEqualTo(0x23);
    }

    @Test
    void gsi0IsIoApicPin2() {
        enable(0);
        redirect(2, 0x30);
        chip.setLine(0, false);
        chip.setLine(0, true);
        assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(0x30);
    }

    @Test
    void theTimerTicksThroughTheIoApicAndThePic() {
        initializePics();
        enable(0);
        redirect(2, 0x30);
        cpus[0].write(0x350, 4, 0x10000);
        chip.writePort(0x43, 1, 0x34);
        chip.writePort(0x40, 1, 0xa9);
        chip.writePort(0x40, 1, 0x04);
        for (int i = 0; i < 3; i++) {
            clock.advance(1_000_700);
            assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(0x30);
            cpus[0].write(EOI, 4, 0);
            assertThat(pins[0].interrupt).isFalse();
        }
        chip.writePort(0x20, 1, 0x0a);
        assertThat(chip.readPort(0x20, 1)).isEqualTo(1);
    }

    @Test
    void aLevelInterruptComesBackAfterItsEoiWhileItsLineIsHigh() {
        enable(0);
        redirect(17, 1L << 15 | 0x61);
        chip.setLine(17, true);
        assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(0x61);
        assertThat(readIoApic(0x10 + 34) >> 14 & 1).isEqualTo(1);
        chip.setLine(17, false);
        chip.setLine(17, true);
        assertThat(pins[0].interrupt).isFalse();
        cpus[0].write(EOI, 4, 0);
        assertThat(pins[0].interrupt).isTrue();
        assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(0x61);
        chip.setLine(17, false);
        cpus[0].write(EOI, 4, 0);
        assertThat(pins[0].interrupt).isFalse();
        assertThat(readIoApic(0x10 + 34) >> 14 & 1).isZero();
    }

    @Test
    void anMsiGoesWhereItsAddressSays() {
        enable(0);
        enable(1);
        chip.signal(0xfee01000L, 0x4051);
        assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(-1);
        assertThat(cpus[1].acknowledgeInterrupt()).isEqualTo(0x51);
        chip.signal(0xfee00000L, 0x51);
        assertThat(cpus[0].acknowledgeInterrupt()).isEqualTo(0x51);
    }

    @Test
    void anMsiToALogicalDestinationWithRedirectionHintTakesTheLowestPriority() {
        enable(0);
        enable(1);
        cpus[0].write(0xd0, 4, 0x01000000);
        cpus[1].write(0xd0, 4, 0x02000000);
        cpus[0].setTpr(0x20);
        chip.signal(0xfee0300cL, 0x51);
        assertThat(cpus[0].interruptPending()).isFalse();
        assertThat(cpus[1].acknowledgeInterrupt()).isEqualTo(0x51);
    }

    @Test
    void writesElsewhereAreNoMsis() {
        enable(0);
        chip.signal(0xfed00000L, 0x51);
        chip.signal(0x1_fee00000L, 0x51);
        chip.signal(0xfee00000L, 0x8051);
        assertThat(cpus[0].interruptPending()).isFalse();
    }

    @Test
    void anExtIntMessageAsksThePicForTheVector() {
        initializePics();
        enable(1);
        redirect(5, 1L << 56 | 0x700);
        cpus[0].write(0x350, 4, 0x10000);
        chip.writePort(0x21, 1, 0xdf);
        chip.setLine(5, true);
        assertThat(pins[1].interrupt).isTrue();
        assertThat(cpus[1].acknowledgeInterrupt()).isEqualTo(0x25);
        assertThat(pins[1].interrupt).isFalse();
    }

    @Test
    void theNmiLineReachesLint1() {
        enable(0);
        cpus[0].write(0x360, 4, 0x400);
        chip.setNmi(true);
        chip.setNmi(true);
        assertThat(pins[0].events).containsExactly("nmi");
        assertThat(pins[1].events).isEmpty();
    }

    @Test
    void wideAccessesAreSplitIntoBytes() {
        chip.writePort(0x4d0, 2, 0x0c20);
        assertThat(chip.readPort(0x4d0, 2)).isEqualTo(0x0c20);
        assertThat(chip.readPort(0x4d1, 2)).isEqualTo(0xff0c);
    }

    @Test
    void ownsItsPortsAndWindow() {
        assertThat(SoftInterruptChip.ownsPort(0x61)).isTrue();
        assertThat(SoftInterruptChip.ownsPort(0x60)).isFalse();
        assertThat(SoftInterruptChip.ownsPort(0x44)).isFalse();
        assertThat(SoftInterruptChip.ownsAddress(0xfec00fffL)).isTrue();
        assertThat(SoftInterruptChip.ownsAddress(0xfec01000L)).isFalse();
    }

    @Test
    void describesEveryInput() {
        initializePics();
        redirect(9, 0x8039);
        chip.setLine(9, true);
        assertThat(chip.describe().lines()).hasSize(24 + 2 + 2)
                .anyMatch(l -> l.startsWith("gsi  9: level=1 count=1 pic=open ioapic=") && l.contains("INTVEC=39"));
    }

    @Test
    void savedWithInterruptsUnderWayItGoesOnElsewhere() {
        initializePics();
        enable(0);
        redirect(17, 1L << 15 | 0x61);
        chip.setLine(17, true);
        chip.setLine(4, true);
        clock.advance(123_456);
        byte[] page = cpus[0].exportPage();
        StateTree saved = StateTree.save(chip);

        SoftInterruptChip other = new SoftInterruptChip(clock, 4, GHZ);
        FakePins otherPins = new FakePins();
        VcpuInterrupts cpu = other.attach(0, otherPins);
        saved.restore(other);
        cpu.restore(cpus[0].readMsr(VcpuInterrupts.IA32_APIC_BASE).getAsLong(), page, 0);
        assertThat(StateTree.save(other).values()).usingRecursiveComparison().isEqualTo(saved.values());
        assertThat(cpu.exportPage()).isEqualTo(page);
        assertThat(otherPins.interrupt).isTrue();
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x24);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x61);
        other.setLine(17, false);
        cpu.write(EOI, 4, 0);
        assertThat(cpu.interruptPending()).isFalse();
    }

    @Test
    void twoChipsShareNothing() {
        SoftInterruptChip other = new SoftInterruptChip(clock, 1, GHZ);
        FakePins otherPins = new FakePins();
        other.attach(0, otherPins);
        initializePics();
        chip.setLine(4, true);
        assertThat(otherPins.interrupt).isFalse();
    }

    @Test
    void resetItIsAsNew() {
        initializePics();
        enable(0);
        redirect(17, 0x61);
        chip.reset();
        assertThat(readIoApic(0x10 + 34)).isEqualTo(0x10000);
        assertThat(cpus[0].read(SVR, 4)).isEqualTo(0xff);
        assertThat(cpus[0].read(0x350, 4)).isEqualTo(0x700);
        assertThat(cpus[1].read(0x350, 4)).isEqualTo(0x10000);
    }
}
