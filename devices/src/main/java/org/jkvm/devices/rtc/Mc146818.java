package org.jkvm.devices.rtc;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.List;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Alarm;
import org.jkvm.base.time.Clock;
import org.jkvm.base.time.Frequency;
import org.jkvm.devices.Device;

/**
 * Motorola MC146818A, the PC's real-time clock, with 128 bytes of battery-backed RAM as on a PIIX4 and the PC's century
 * byte (datasheet MC146818A/D 1984; Intel 82371AB PIIX4, real time clock registers).
 *
 * <p>The time is a supplied source plus the difference that the guest made by setting it; nothing ticks while nobody
 * looks: update, alarm and periodic flags are worked out when they are read, and timers run only for interrupts that
 * are enabled. Departures: no square wave, no daylight saving; a periodic interrupt that was not acknowledged in time is
 * merged with the next, as on the chip.
 */
public final class Mc146818 implements Device {
    /** Bytes of clock and RAM. */
    public static final int SIZE = 128;
    /** The first byte of RAM. */
    public static final int RAM_START = 0x0e;
    /** Where the PC keeps the century; FADT's CENTURY names it. */
    public static final int CENTURY = 0x32;

    private static final Frequency CRYSTAL = new Frequency(32_768);
    private static final long SECOND = 1_000_000_000L;
    private static final int MINUTE_SECONDS = 60;
    private static final int HOUR_SECONDS = 3600;
    private static final int DAY_SECONDS = 86_400;
    /** A guest sets no year past 17000; a saved state that says so is wrong. */
    private static final long LARGEST_OFFSET = 1_000_000_000_000L;
    /** UIP rises 244 us before an update that takes 1984 us (table 5, "Update cycle times"). */
    private static final long UIP_NANOS = (244 + 1984) * 1000L;

    private static final int SQWE = 3;
    private static final int SET = 7;
    private static final int PIE = 6;
    private static final int AIE = 5;
    private static final int UIE = 4;
    private static final int INTERRUPTS = 1 << PIE | 1 << AIE | 1 << UIE;
    private static final int IRQF = 0x80;
    private static final int UIP = 0x80;
    private static final int VRT = 0x80;

    private final Line irq;
    private final Clock clock;
    private final InstantSource source;
    private final byte[] ram = new byte[SIZE];
    private final Alarm periodic;
    private final Alarm update;
    private final RegisterFile ports = new RegisterFile("mc146818").summary("Index and data ports, 70h on a PC")
            .source("Intel 82371AB PIIX4 (290562), real time clock registers");
    private final RegisterFile file = new RegisterFile("mc146818-registers")
            .summary("Clock registers and RAM, behind the index").source("Motorola MC146818A/D, address map");
    private final Register index;
    private final TimeRegisters time;
    private final Register a;
    private final Register b;
    private final Register c;

    /** What the guest's settings add to the source. */
    private Duration offset = Duration.ZERO;
    /** The last second, of the clock's own time, whose update has been looked at. */
    private long lastSecond;
    /** The last period of the rate selected whose end has been looked at. */
    private long lastPeriod;
    /** Whether SET was on, and the divider held in reset, when that was last looked at. */
    private boolean wasSet;
    private boolean wasHeld;

    /**
     * Makes the chip, showing what {@code source} says, in UTC.
     *
     * @param irq    the interrupt, active high
     * @param clock  drives the periodic interrupt and the waiting for updates
     * @param source the time of day; for a local-time RTC, one that is shifted by the zone's offset
     */
    public Mc146818(Line irq, Clock clock, InstantSource source) {
        this.irq = irq;
        this.clock = clock;
        this.source = source;
        periodic = new Alarm(clock, "rtc periodic", this::sync);
        update = new Alarm(clock, "rtc update", this::sync);
        index = ports.register("INDEX", 0, 8).writeSide().field("ADDRESS", 6, 0, "Byte that DATA reaches")
                .unmodelled("NMI", 7, 7, "Disables NMI").summary("Index");
        ports.register("DATA", 1, 8).notSaved().onRead(this::readData).onWrite(this::writeData).summary("Data");
        time = new TimeRegisters(file, CENTURY, this::registerB, new Clockwork());
        a = declareA();
        b = declareB();
        c = declareC();
        file.register("D", 0x0d, 8).readOnly().notSaved().reset(VRT).bit("VRT", 7, "Valid RAM and time")
                .summary("Register D");
        file.window("RAM", RAM_START, SIZE - RAM_START, "Battery-backed RAM", new Ram());
        lastSecond = now().getEpochSecond();
    }

    private Register declareA() {
        return file.register("A", 0x0a, 8).reset(0x26).writable(0x7f).onRead(this::readA).onWrite(v -> controlWritten())
                .field("RS", 3, 0, "Rate of the periodic interrupt")
                .field("DV", 6, 4, "Divider: 2 runs from 32.768 kHz, 6 and 7 hold it in reset")
                .bit("UIP", 7, "Update in progress").summary("Register A");
    }

    private Register declareB() {
        return file.register("B", 0x0b, 8).reset(0x02).onWrite(v -> controlWritten())
                .unmodelled("DSE", 0, 0, "Daylight saving").bit("24/12", 1, "24-hour mode").bit("DM", 2, "Binary data")
                .unmodelled("SQWE", SQWE, SQWE, "Square wave").bit("UIE", UIE, "Update-ended interrupt")
                .bit("AIE", AIE, "Alarm interrupt").bit("PIE", PIE, "Periodic interrupt")
                .bit("SET", SET, "Updates stop, for setting the time").summary("Register B");
    }

    private Register declareC() {
        return file.register("C", 0x0c, 8).readOnly().onRead(this::readC)
                .bit("UF", UIE, "Update ended").bit("AF", AIE, "Alarm").bit("PF", PIE, "Period ended")
                .bit("IRQF", 7, "Interrupting").summary("Register C: a read clears it");
    }

    @Override
    public String name() {
        return "mc146818";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(ports, file);
    }

    /** The index and data ports: 2 bytes. */
    public IoHandler window() {
        return ports;
    }

    /** Puts a byte into the RAM, as firmware's setup would: for the machine, before it starts. */
    public void put(int address, int value) {
        if (address < RAM_START || address >= SIZE) {
            throw new IllegalArgumentException("no CMOS RAM at " + Integer.toHexString(address) + "h");
        }
        ram[address] = (byte) value;
    }

    /** RESET pulse (datasheet, "RESET"): interrupts off, flags cleared; time, calendar and RAM stay. */
    @Override
    public void reset() {
        ports.reset();
        b.set(b.get() & ~(INTERRUPTS | 1 << SQWE));
        readC();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("ports", ports);
        io.part("registers", file);
        io.bytes("ram", ram);
        io.part("periodic", periodic);
        io.part("update", update);
        lastSecond = io.u64("lastSecond", lastSecond);
        lastPeriod = io.u64("lastPeriod", lastPeriod);
        exchangeOffset(io);
        wasSet = set();
        wasHeld = held();
    }

    private void exchangeOffset(StateIo io) {
        long seconds = io.u64("offsetSeconds", offset.getSeconds());
        long nanos = io.bits("offsetNanos", 30, offset.getNano());
        if (Math.abs(seconds) > LARGEST_OFFSET) {
            throw new StateException("offsetSeconds: " + seconds + " is out of any calendar");
        }
        offset = Duration.ofSeconds(seconds, nanos);
    }

    private int registerB() {
        return (int) b.get();
    }

    private boolean set() {
        return b.isSet(SET);
    }

    private boolean held() {
        return a.get(6, 5) == 3;
    }

    private boolean running() {
        return !set() && !held();
    }

    private Instant now() {
        return source.instant().plus(offset);
    }

    private static LocalDateTime civil(Instant t) {
        return LocalDateTime.ofEpochSecond(t.getEpochSecond(), 0, ZoneOffset.UTC);
    }

    // Ports

    private long readData() {
        return file.read(index.get(6, 0), 1);
    }

    private void writeData(long value) {
        file.write(index.get(6, 0), 1, value);
    }

    /** UIP, then the rest: high from 244 us before an update until its end. */
    private long readA() {
        boolean updating = running() && SECOND - now().getNano() <= UIP_NANOS;
        return a.get() | (updating ? UIP : 0);
    }

    private long readC() {
        sync();
        long seen = c.get() | (interrupting() ? IRQF : 0);
        c.set(0);
        sync();
        return seen;
    }

    private void controlWritten() {
        boolean stopped = wasSet || wasHeld;
        if (!running() && !stopped) {
            time.set(civil(now()));
        } else if (wasHeld && !held()) {
            startAt(SECOND / 2);
        } else if (running() && stopped) {
            startAt(now().getNano());
        }
        if (set()) {
            b.setBit(UIE, false);
        }
        wasSet = set();
        wasHeld = held();
        lastPeriod = periods();
        sync();
    }

    /** The clock goes on from what its registers say, that far into the second (after DV: half, table 4). */
    private void startAt(long nanos) {
        Instant shown = time.get().toInstant(ZoneOffset.UTC).plusNanos(nanos);
        offset = Duration.between(source.instant(), shown);
        lastSecond = shown.getEpochSecond();
    }

    // Flags and interrupts

    private boolean interrupting() {
        return (c.get() & b.get() & INTERRUPTS) != 0;
    }

    /** Catches up with what has happened since this was last called, and waits for what can interrupt next. */
    private void sync() {
        if (running()) {
            syncUpdates();
        }
        long period = periods();
        if (period != lastPeriod) {
            lastPeriod = period;
            c.setBit(PIE, true);
        }
        irq.set(interrupting());
        schedule();
    }

    private void syncUpdates() {
        long second = now().getEpochSecond();
        if (second != lastSecond) {
            c.setBit(UIE, true);
            c.setBit(AIE, c.isSet(AIE) || nextAlarm(lastSecond) <= second);
            lastSecond = second;
        }
    }

    private void schedule() {
        boolean wantPeriod = b.isSet(PIE) && !c.isSet(PIE) && periodCycles() != 0;
        periodic.arm(wantPeriod ? CRYSTAL.nanos((lastPeriod + 1) * periodCycles()) : Alarm.NEVER);
        long second = running() ? nextInterruptingSecond() : Long.MAX_VALUE;
        update.arm(second == Long.MAX_VALUE ? Alarm.NEVER : clock.nanos() + untilSecond(second));
    }

    private long nextInterruptingSecond() {
        if (b.isSet(UIE) && !c.isSet(UIE)) {
            return lastSecond + 1;
        }
        return b.isSet(AIE) && !c.isSet(AIE) ? nextAlarm(lastSecond) : Long.MAX_VALUE;
    }

    private long untilSecond(long second) {
        Instant now = now();
        return Math.max(1, (second - now.getEpochSecond()) * SECOND - now.getNano());
    }

    /** The first second after {@code after} that the alarm matches, or {@link Long#MAX_VALUE} where none does. */
    private long nextAlarm(long after) {
        long t = after + 1;
        long end = t + DAY_SECONDS;
        while (t < end) {
            LocalTime local = LocalTime.ofSecondOfDay(Math.floorMod(t, DAY_SECONDS));
            if (!time.hourMatches(local)) {
                t += HOUR_SECONDS - Math.floorMod(t, HOUR_SECONDS);
            } else if (!time.minuteMatches(local)) {
                t += MINUTE_SECONDS - Math.floorMod(t, MINUTE_SECONDS);
            } else if (!time.secondMatches(local)) {
                t++;
            } else {
                return t;
            }
        }
        return Long.MAX_VALUE;
    }

    /** Crystal cycles of the period that RS selects, or 0 (table 5, "Periodic interrupt rate", 32.768 kHz). */
    private long periodCycles() {
        int rs = a.get(3, 0);
        return rs == 0 || held() ? 0 : 1L << (rs <= 2 ? rs + 6 : rs - 1);
    }

    private long periods() {
        long cycles = periodCycles();
        return cycles == 0 ? 0 : CRYSTAL.ticks(clock.nanos()) / cycles;
    }

    private final class Clockwork implements TimeRegisters.Clockwork {
        @Override
        public void show() {
            if (running()) {
                time.set(civil(now()));
            }
        }

        /** A byte written while the clock runs changes that byte of the present time. */
        @Override
        public void timeWritten(Register register) {
            if (running()) {
                long written = register.get();
                show();
                register.set(written);
                startAt(now().getNano());
                sync();
            }
        }

        @Override
        public void alarmWritten() {
            sync();
        }
    }

    private final class Ram implements IoHandler {
        @Override
        public long read(long at, int size) {
            return ram[RAM_START + (int) at] & 0xff;
        }

        @Override
        public void write(long at, int size, long value) {
            ram[RAM_START + (int) at] = (byte) value;
        }
    }
}
