package org.jkvm.devices.rtc;

import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.function.IntSupplier;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;

/**
 * The time, calendar and alarm bytes of an MC146818A (table 3, "Time, calendar, and alarm data modes"): how a time is
 * written in binary or BCD, with 12 or 24 hours. Bytes out of range, which only a confused guest writes, carry over.
 */
final class TimeRegisters {
    private static final int PM = 0x80;
    /** An alarm byte with both top bits set matches anything. */
    private static final int ANY = 0xc0;
    private static final int MODE_24_HOURS = 1;
    private static final int MODE_BINARY = 2;

    private final RegisterFile file;
    private final IntSupplier registerB;
    private final Clockwork clockwork;
    private final Register second;
    private final Register secondAlarm;
    private final Register minute;
    private final Register minuteAlarm;
    private final Register hour;
    private final Register hourAlarm;
    private final Register dayOfWeek;
    private final Register dayOfMonth;
    private final Register month;
    private final Register year;
    private final Register century;

    /** What stands behind the registers. */
    interface Clockwork {
        /** The guest is about to read a time or calendar byte. */
        void show();

        /** The guest has written {@code register}, a time or calendar byte. */
        void timeWritten(Register register);

        /** The guest has written an alarm byte. */
        void alarmWritten();
    }

    /** Declares the bytes in {@code file}; {@code registerB} gives the modes. */
    TimeRegisters(RegisterFile file, int centuryOffset, IntSupplier registerB, Clockwork clockwork) {
        this.file = file;
        this.registerB = registerB;
        this.clockwork = clockwork;
        second = time("SECONDS", 0, "Seconds");
        secondAlarm = alarm("SECONDS_ALARM", 1, "Seconds to match; C0h and up match any");
        minute = time("MINUTES", 2, "Minutes");
        minuteAlarm = alarm("MINUTES_ALARM", 3, "Minutes to match");
        hour = time("HOURS", 4, "Hours; bit 7 is PM in 12-hour mode");
        hourAlarm = alarm("HOURS_ALARM", 5, "Hours to match");
        dayOfWeek = time("DAY_OF_WEEK", 6, "Day of the week, Sunday is 1");
        dayOfMonth = time("DATE_OF_MONTH", 7, "Date of the month");
        month = time("MONTH", 8, "Month");
        year = time("YEAR", 9, "Year in its century");
        century = time("CENTURY", centuryOffset, "Century: the PC's addition");
    }

    private Register time(String name, int offset, String summary) {
        Register r = file.register(name, offset, 8).summary(summary);
        return r.onRead(() -> read(r)).onWrite(v -> clockwork.timeWritten(r));
    }

    private Register alarm(String name, int offset, String summary) {
        return file.register(name, offset, 8).summary(summary).onWrite(v -> clockwork.alarmWritten());
    }

    private long read(Register r) {
        clockwork.show();
        return r.get();
    }

    /** Sets the time and calendar bytes. */
    void set(LocalDateTime t) {
        second.set(encode(t.getSecond()));
        minute.set(encode(t.getMinute()));
        hour.set(encodeHour(t.getHour()));
        dayOfWeek.set(encode(t.getDayOfWeek().getValue() % 7 + 1));
        dayOfMonth.set(encode(t.getDayOfMonth()));
        month.set(encode(t.getMonthValue()));
        year.set(encode(Math.floorMod(t.getYear(), 100)));
        century.set(encode(Math.floorMod(t.getYear() / 100, 100)));
    }

    /** The time and calendar that the bytes say; the day of the week follows from the date. */
    LocalDateTime get() {
        int fullYear = decode(century.get()) * 100 + decode(year.get());
        return LocalDateTime.of(fullYear, 1, 1, 0, 0).plusMonths(decode(month.get()) - 1)
                .plusDays(decode(dayOfMonth.get()) - 1).plusHours(decodeHour(hour.get()))
                .plusMinutes(decode(minute.get())).plusSeconds(decode(second.get()));
    }

    /** Whether the alarm's hour byte lets hour {@code t} through. */
    boolean hourMatches(LocalTime t) {
        return matches(hourAlarm, encodeHour(t.getHour()));
    }

    /** Whether the alarm's minute byte lets minute {@code t} through. */
    boolean minuteMatches(LocalTime t) {
        return matches(minuteAlarm, encode(t.getMinute()));
    }

    /** Whether the alarm's second byte lets second {@code t} through. */
    boolean secondMatches(LocalTime t) {
        return matches(secondAlarm, encode(t.getSecond()));
    }

    private static boolean matches(Register alarm, int encoded) {
        return (alarm.get() & ANY) == ANY || alarm.get() == encoded;
    }

    private boolean binary() {
        return (registerB.getAsInt() >> MODE_BINARY & 1) != 0;
    }

    private boolean hours24() {
        return (registerB.getAsInt() >> MODE_24_HOURS & 1) != 0;
    }

    private int encode(int value) {
        return binary() ? value : value / 10 << 4 | value % 10;
    }

    private int decode(long bits) {
        return (int) (binary() ? bits : (bits >> 4) * 10 + (bits & 0xf));
    }

    private int encodeHour(int value) {
        if (hours24()) {
            return encode(value);
        }
        return encode((value + 11) % 12 + 1) | (value >= 12 ? PM : 0);
    }

    private int decodeHour(long bits) {
        return hours24() ? decode(bits) : decode(bits & ~PM) % 12 + ((bits & PM) != 0 ? 12 : 0);
    }
}
