package org.jkvm.devices.rtc;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;

class TimeRegistersTest {
    private static final TimeRegisters.Clockwork STANDING = new TimeRegisters.Clockwork() {
        @Override
        public void show() {
        }

        @Override
        public void timeWritten(Register register) {
        }

        @Override
        public void alarmWritten() {
        }
    };

    /** From year 0 to 9999, in each of the four modes of register B's bits 2 and 1. */
    @Property(tries = 500)
    void everyTimeComesBack(@ForAll @LongRange(min = -62_167_219_200L, max = 253_402_300_799L) long second,
            @ForAll @IntRange(max = 3) int mode) {
        TimeRegisters time = new TimeRegisters(new RegisterFile("test"), 0x32, () -> mode << 1, STANDING);
        LocalDateTime t = LocalDateTime.ofEpochSecond(second, 0, ZoneOffset.UTC);
        time.set(t);
        assertThat(time.get()).isEqualTo(t);
    }

    @Property(tries = 500)
    void alarmMatchesTheTimeInItsBytes(@ForAll @IntRange(max = 86_399) int second, @ForAll @IntRange(max = 3) int mode) {
        RegisterFile file = new RegisterFile("test");
        TimeRegisters time = new TimeRegisters(file, 0x32, () -> mode << 1, STANDING);
        LocalTime t = LocalTime.ofSecondOfDay(second);
        time.set(t.atDate(LocalDate.EPOCH));
        for (int alarm = 1; alarm <= 5; alarm += 2) {
            file.write(alarm, 1, file.read(alarm - 1, 1));
        }
        assertThat(time.hourMatches(t) && time.minuteMatches(t) && time.secondMatches(t)).isTrue();
        LocalTime other = t.plusHours(12);
        assertThat(time.hourMatches(other)).isFalse();
    }
}
