package org.jkvm.devices.acpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.time.ManualClock;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.jupiter.api.Test;

class Piix4PmTest {
    private static final int STS = Piix4Pm.PM1A_EVT_BLK;
    private static final int EN = Piix4Pm.PM1A_EVT_BLK + 2;
    private static final int CNT = Piix4Pm.PM1A_CNT_BLK;
    private static final int TMR = Piix4Pm.PM_TMR_BLK;
    private static final int GPE_STS = Piix4Pm.GPE0_BLK;
    private static final int GPE_EN = Piix4Pm.GPE0_BLK + 2;
    private static final int SCI_EN = 1;
    private static final int POWER_BUTTON = 0x100;
    /** When the 24-bit timer's top bit first changes: 2^23 ticks. */
    private static final long HALF_24 = 2_343_484_437L;

    private final ManualClock clock = new ManualClock();
    private final FakeLine sci = new FakeLine();
    private final List<Integer> sleeps = new ArrayList<>();
    private final Piix4Pm pm = new Piix4Pm(clock, sci, false, sleeps::add);

    private long in(int offset, int size) {
        return pm.window().read(offset, size);
    }

    private void out(int offset, long value) {
        pm.window().write(offset, 2, value);
    }

    @Test
    void acpiIsTurnedOnAndOffBySmiCommand() {
        pm.apmWindow().write(0, 1, Piix4Pm.ACPI_ENABLE);
        assertThat(in(CNT, 2)).isEqualTo(SCI_EN);
        pm.apmWindow().write(0, 1, Piix4Pm.ACPI_DISABLE);
        assertThat(in(CNT, 2)).isZero();
        pm.apmWindow().write(0, 2, 0x5a42);
        assertThat(pm.apmWindow().read(0, 2)).isEqualTo(0x5a42);
    }

    @Test
    void powerButtonInterruptsUntilItsStatusIsCleared() {
        out(CNT, SCI_EN);
        out(EN, POWER_BUTTON);
        pm.powerButton();
        assertThat(sci.level()).isTrue();
        assertThat(in(STS, 2)).isEqualTo(POWER_BUTTON);
        out(STS, 0);
        assertThat(sci.level()).isTrue();
        out(STS, POWER_BUTTON);
        assertThat(sci.level()).isFalse();
        assertThat(in(STS, 2)).isZero();
    }

    @Test
    void eventsWithoutAcpiModeOrEnableDoNotInterrupt() {
        pm.powerButton();
        out(EN, POWER_BUTTON);
        assertThat(sci.level()).isFalse();
        out(CNT, SCI_EN);
        assertThat(sci.level()).isTrue();
        out(EN, 0);
        assertThat(sci.level()).isFalse();
    }

    @Test
    void enableTakesOnlyEventsThatExist() {
        out(EN, 0xffff);
        assertThat(in(EN, 2)).isEqualTo(0x0521);
    }

    @Test
    void statusAndEnableReadAsOneDoubleword() {
        out(EN, POWER_BUTTON);
        pm.powerButton();
        assertThat(in(STS, 4)).isEqualTo(0x0100_0100);
    }

    @Test
    void sleepEnableCallsWithSleepTypeAndReadsAsZero() {
        out(CNT, 1 << 13 | Piix4Pm.SLP_TYP_SOFT_OFF << 10 | SCI_EN);
        out(CNT, 1 << 13 | 5 << 10 | SCI_EN);
        out(CNT, 3 << 10 | SCI_EN);
        assertThat(sleeps).containsExactly(0, 5);
        assertThat(in(CNT, 2)).isEqualTo(3 << 10 | SCI_EN);
    }

    @Test
    void timerCountsAtItsRateIn24Bits() {
        clock.advance(1_000_000_000L);
        assertThat(in(TMR, 4)).isEqualTo(3_579_545);
        clock.advance(4_000_000_000L);
        assertThat(in(TMR, 4)).isEqualTo(5 * 3_579_545 & 0xff_ffff);
    }

    @Test
    void timerHas32BitsWhereAsked() {
        Piix4Pm wide = new Piix4Pm(clock, sci, true, sleeps::add);
        clock.advance(10_000_000_000L);
        assertThat(wide.window().read(TMR, 4)).isEqualTo(35_795_450);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void timerStatusAndInterruptComeWithEachChangeOfTheTopBit(int change) {
        out(CNT, SCI_EN);
        clock.advance(HALF_24 * (change - 1) + change);
        out(STS, 1);
        out(EN, 1);
        assertThat(sci.level()).isFalse();
        clock.advance(HALF_24 - 10);
        assertThat(sci.level()).isFalse();
        clock.advance(10);
        assertThat(sci.level()).isTrue();
        assertThat(in(STS, 2)).isEqualTo(1);
    }

    @Test
    void timerStatusNobodyWaitedForIsSeenAndCleared() {
        clock.advance(HALF_24 + 1);
        assertThat(in(STS, 2)).isEqualTo(1);
        clock.advance(HALF_24);
        out(STS, 1);
        assertThat(in(STS, 2)).isZero();
    }

    @Test
    void generalPurposeEventsInterrupt() {
        out(CNT, SCI_EN);
        out(GPE_EN, 0x0006);
        pm.event(3);
        assertThat(sci.level()).isFalse();
        pm.event(2);
        assertThat(sci.level()).isTrue();
        assertThat(in(GPE_STS, 2)).isEqualTo(0x000c);
        pm.window().write(GPE_STS, 1, 0x04);
        assertThat(sci.level()).isFalse();
        assertThat(in(GPE_STS, 2)).isEqualTo(0x0008);
    }

    @Test
    void resetForgetsEverything() {
        out(CNT, SCI_EN);
        out(EN, POWER_BUTTON);
        pm.powerButton();
        pm.reset();
        assertThat(sci.level()).isFalse();
        assertThat(in(STS, 4)).isZero();
        assertThat(in(CNT, 2)).isZero();
    }
}
