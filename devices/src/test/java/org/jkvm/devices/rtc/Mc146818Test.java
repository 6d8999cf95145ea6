package org.jkvm.devices.rtc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Instant;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.ManualClock;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.api.Test;

class Mc146818Test {
    private static final long SECOND = 1_000_000_000L;
    private static final long MILLISECOND = 1_000_000L;
    private static final int A = 0x0a;
    private static final int B = 0x0b;
    private static final int C = 0x0c;
    private static final int D = 0x0d;
    private static final int PIE = 0x40;
    private static final int AIE = 0x20;
    private static final int UIE = 0x10;
    private static final int BCD_24 = 0x02;

    /** A Monday. */
    private static final Instant START = Instant.parse("2024-12-30T23:59:57Z");

    private final ManualClock clock = new ManualClock();
    private final FakeLine irq = new FakeLine();
    private final Mc146818 rtc = new Mc146818(irq, clock, this::time);

    private Instant time() {
        return START.plusNanos(clock.nanos());
    }

    private int in(int address) {
        rtc.window().write(0, 1, address);
        return (int) rtc.window().read(1, 1);
    }

    private void out(int address, int value) {
        rtc.window().write(0, 1, address);
        rtc.window().write(1, 1, value);
    }

    private String shown() {
        return "%02x%02x-%02x-%02x %02x:%02x:%02x".formatted(in(0x32), in(9), in(8), in(7), in(4), in(2), in(0));
    }

    @Test
    void powersOnRunningInBcdWithTheSourcesTime() {
        assertThat(in(A)).isEqualTo(0x26);
        assertThat(in(B)).isEqualTo(BCD_24);
        assertThat(in(D)).isEqualTo(0x80);
        assertThat(shown()).isEqualTo("2024-12-30 23:59:57");
        assertThat(in(6)).isEqualTo(2);
        clock.advance(3 * SECOND);
        assertThat(shown()).isEqualTo("2024-12-31 00:00:00");
        assertThat(in(6)).isEqualTo(3);
    }

    @Test
    void binaryModeAndTwelveHours() {
        out(B, 0x04);
        assertThat(in(4)).isEqualTo(0x8b);
        assertThat(in(2)).isEqualTo(59);
        assertThat(in(9)).isEqualTo(24);
        out(B, 0x00);
        assertThat(in(4)).isEqualTo(0x91);
        clock.advance(3 * SECOND);
        assertThat(in(4)).isEqualTo(0x12);
    }

    @Test
    void settingWithSetHoldsTheTimeThenGoesOn() {
        out(B, 0x80 | BCD_24);
        out(0, 0x58);
        out(2, 0x59);
        out(4, 0x23);
        out(7, 0x28);
        out(8, 0x02);
        out(9, 0x00);
        out(0x32, 0x20);
        clock.advance(10 * SECOND);
        assertThat(shown()).isEqualTo("2000-02-28 23:59:58");
        out(B, BCD_24);
        clock.advance(2 * SECOND);
        assertThat(shown()).isEqualTo("2000-02-29 00:00:00");
        assertThat(in(6)).isEqualTo(3);
    }

    /** Linux' mc146818_set_time: SET, divider in reset, write, SET off, divider on; the first update is 500 ms later. */
    @Test
    void dividerResetPutsUpdateHalfASecondAway() {
        clock.advance(123 * MILLISECOND);
        out(B, 0x80 | BCD_24);
        out(A, 0x66);
        out(0, 0x10);
        out(B, BCD_24);
        clock.advance(5 * SECOND);
        assertThat(in(0)).isEqualTo(0x10);
        out(A, 0x26);
        clock.advance(499 * MILLISECOND);
        assertThat(in(0)).isEqualTo(0x10);
        clock.advance(MILLISECOND);
        assertThat(in(0)).isEqualTo(0x11);
    }

    @Test
    void byteWrittenWhileRunningChangesThatByte() {
        clock.advance(SECOND / 4);
        out(4, 0x05);
        assertThat(shown()).isEqualTo("2024-12-30 05:59:57");
        clock.advance(3 * SECOND / 4);
        assertThat(shown()).isEqualTo("2024-12-30 05:59:58");
    }

    @Test
    void updateInProgressComesBeforeTheSecondEnds() {
        clock.advance(SECOND - 2_228_001);
        assertThat(in(A) & 0x80).isZero();
        clock.advance(1);
        assertThat(in(A) & 0x80).isNotZero();
        clock.advance(2_227_999);
        assertThat(in(A) & 0x80).isNotZero();
        clock.advance(1);
        assertThat(in(A) & 0x80).isZero();
        out(B, 0x80 | BCD_24);
        clock.advance(SECOND - 1);
        assertThat(in(A) & 0x80).isZero();
    }

    @Test
    void updateInterruptEverySecondUntilRead() {
        out(B, UIE | BCD_24);
        clock.advance(SECOND);
        assertThat(irq.level()).isTrue();
        assertThat(in(C) & 0xb0).isEqualTo(0x80 | UIE);
        assertThat(irq.level()).isFalse();
        assertThat(in(C)).isZero();
        clock.advance(SECOND);
        assertThat(irq.edges()).isEqualTo(2);
    }

    @Test
    void flagsAreSetWithoutInterruptsEnabled() {
        in(C);
        out(1, 0x58);
        out(3, 0xff);
        out(5, 0xc0);
        clock.advance(SECOND);
        assertThat(in(C) & 0xb0).isEqualTo(UIE | AIE);
        assertThat(irq.edges()).isZero();
    }

    @Test
    void setClearsUpdateInterruptEnable() {
        out(B, 0x80 | UIE | BCD_24);
        assertThat(in(B)).isEqualTo(0x80 | BCD_24);
    }

    @Test
    void alarmInterruptsAtItsTime() {
        out(1, 0x30);
        out(3, 0x01);
        out(5, 0x00);
        out(B, AIE | BCD_24);
        clock.advance(93 * SECOND - 1);
        assertThat(irq.level()).isFalse();
        clock.advance(1);
        assertThat(irq.level()).isTrue();
        assertThat(in(C) & 0xa0).isEqualTo(0x80 | AIE);
        clock.advance(86_400 * SECOND - 1);
        assertThat(irq.level()).isFalse();
        clock.advance(1);
        assertThat(irq.level()).isTrue();
    }

    @Test
    void alarmByteThatMatchesNothingNeverInterrupts() {
        out(1, 0x7f);
        out(3, 0xff);
        out(5, 0xff);
        out(B, AIE | BCD_24);
        clock.advance(200_000 * SECOND);
        assertThat(irq.edges()).isZero();
    }

    @Test
    void twelveHourAlarmKnowsAfternoon() {
        out(B, 0x00);
        out(1, 0x00);
        out(3, 0x00);
        out(5, 0x81);
        out(B, AIE);
        clock.advance(13 * 3600 * SECOND + 3 * SECOND - 1);
        assertThat(irq.level()).isFalse();
        clock.advance(1);
        assertThat(irq.level()).isTrue();
    }

    @Test
    void periodicInterruptKeepsItsRateWhenAcknowledged() {
        out(B, PIE | BCD_24);
        for (int i = 0; i < 1024; i++) {
            clock.advance(SECOND / 1024 + 1);
            in(C);
        }
        assertThat(irq.edges()).isEqualTo(1024);
    }

    @Test
    void unacknowledgedPeriodsMerge() {
        out(B, PIE | BCD_24);
        clock.advance(SECOND);
        assertThat(irq.edges()).isEqualTo(1);
        assertThat(in(C) & 0xc0).isEqualTo(0xc0);
    }

    @Test
    void slowestAndFastestRates() {
        out(A, 0x2f);
        out(B, PIE | BCD_24);
        clock.advance(SECOND / 2);
        assertThat(irq.edges()).isEqualTo(1);
        in(C);
        out(A, 0x23);
        clock.advance(122_071);
        assertThat(irq.edges()).isEqualTo(2);
        in(C);
        out(A, 0x20);
        clock.advance(10 * SECOND);
        assertThat(irq.edges()).isEqualTo(2);
    }

    @Test
    void ramKeepsBytesOverReset() {
        rtc.put(0x15, 0x80);
        out(0x7f, 0xa5);
        rtc.reset();
        assertThat(in(0x15)).isEqualTo(0x80);
        assertThat(in(0x7f)).isEqualTo(0xa5);
        assertThat(in(0xff)).isEqualTo(0xa5);
        assertThatIllegalArgumentException().isThrownBy(() -> rtc.put(0x0b, 0));
    }

    @Test
    void resetStopsInterruptsAndKeepsTime() {
        out(4, 0x11);
        out(B, PIE | UIE | BCD_24);
        clock.advance(2 * SECOND);
        rtc.reset();
        assertThat(irq.level()).isFalse();
        assertThat(in(B)).isEqualTo(BCD_24);
        assertThat(shown()).isEqualTo("2024-12-30 11:59:59");
    }

    @Test
    void nonsenseInTimeBytesIsSurvived() {
        out(B, 0x80);
        for (int address = 0; address < 10; address++) {
            out(address, 0xff);
        }
        out(0x32, 0xff);
        out(B, BCD_24);
        clock.advance(SECOND);
        assertThat(in(8)).isBetween(1, 0x12);
        assertThat(in(7)).isBetween(1, 0x31);
    }

    @Test
    void restoredClockKeepsOffsetAndAlarm() {
        out(4, 0x11);
        out(B, UIE | BCD_24);
        StateTree saved = StateTree.save(rtc);
        FakeLine line = new FakeLine();
        Mc146818 copy = new Mc146818(line, clock, this::time);
        saved.restore(copy);
        clock.advance(SECOND);
        assertThat(line.level()).isTrue();
        copy.window().write(0, 1, 4);
        assertThat(copy.window().read(1, 1)).isEqualTo(0x11);
    }
}
