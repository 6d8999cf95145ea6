package org.jkvm.devices.acpi;

import java.util.List;
import java.util.function.IntConsumer;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Alarm;
import org.jkvm.base.time.Clock;
import org.jkvm.base.time.Frequency;
import org.jkvm.devices.Device;

/**
 * Power management of Intel's 82371AB PIIX4 (datasheet 290562, section 7.2, "Power management I/O registers") as ACPI
 * fixed hardware (ACPI 6.5, section 4.8.3): PM1a events and control, the PM timer, general-purpose events, and the
 * APM ports through which an operating system turns ACPI on. What an FADT says about it are the constants here.
 *
 * <p>Departures: no SMIs (there is no system management mode to take them: ACPI_ENABLE and ACPI_DISABLE act at once),
 * no throttling, no C-states but HLT, no device monitors; the timer is 24 or 32 bits wide, as the machine says.
 */
public final class Piix4Pm implements Device {
    /** Offset of PM1a_EVT_BLK in the window; 4 bytes. */
    public static final int PM1A_EVT_BLK = 0;
    /** Offset of PM1a_CNT_BLK in the window; 2 bytes. */
    public static final int PM1A_CNT_BLK = 4;
    /** Offset of PM_TMR_BLK in the window; 4 bytes. */
    public static final int PM_TMR_BLK = 8;
    /** Offset of GPE0_BLK in the window; 4 bytes: 16 events. */
    public static final int GPE0_BLK = 0x0c;
    /** Bytes in the power management window, PMBA. */
    public static final int WINDOW_LENGTH = 0x40;
    /** Written to SMI_CMD to set SCI_EN. */
    public static final int ACPI_ENABLE = 0xf1;
    /** Written to SMI_CMD to clear SCI_EN. */
    public static final int ACPI_DISABLE = 0xf0;
    /** SLP_TYP for soft off, S5 (datasheet section 7.2.3). */
    public static final int SLP_TYP_SOFT_OFF = 0;

    private static final Frequency TIMER = new Frequency(3_579_545);
    private static final int TMR_STS = 0;
    private static final int GBL_STS = 5;
    private static final int PWRBTN_STS = 8;
    private static final int RTC_STS = 10;
    private static final int SCI_EN = 0;
    private static final int SLP_EN = 13;
    /** Events of PM1 that have an enable bit: TMR, GBL, PWRBTN, RTC. */
    private static final int PM1_EVENTS = 1 << TMR_STS | 1 << GBL_STS | 1 << PWRBTN_STS | 1 << RTC_STS;

    private final Clock clock;
    private final Line sci;
    private final IntConsumer sleep;
    private final int timerBits;
    private final Alarm overflow;
    private final RegisterFile file = new RegisterFile("piix4-pm-io").summary("Power management registers, at PMBA")
            .source("Intel 82371AB PIIX4 (290562), section 7.2; ACPI 6.5, section 4.8.3");
    private final RegisterFile apm = new RegisterFile("piix4-apm").summary("APM ports, B2h and B3h on a PC")
            .source("Intel 82371AB PIIX4 (290562), APM registers; ACPI 6.5, section 5.2.9, SMI_CMD");
    private final Register pmsts;
    private final Register pmen;
    private final Register pmcntrl;
    private final Register gpsts;
    private final Register gpen;
    /** How often the timer's top bit had changed when that was last looked at. */
    private long halves;

    /**
     * Makes the chip.
     *
     * @param clock   drives the PM timer
     * @param sci     the system control interrupt: level, active high
     * @param timer32 whether the PM timer has 32 bits (FADT flag TMR_VAL_EXT) and not 24
     * @param sleep   called with SLP_TYP when the guest sets SLP_EN; returns before anything happens
     */
    public Piix4Pm(Clock clock, Line sci, boolean timer32, IntConsumer sleep) {
        this.clock = clock;
        this.sci = sci;
        this.sleep = sleep;
        timerBits = timer32 ? 32 : 24;
        overflow = new Alarm(clock, "piix4-pm timer", this::update);
        pmsts = declareStatus();
        pmen = declareEnable();
        pmcntrl = declareControl();
        file.register("PMTMR", PM_TMR_BLK, 32).readOnly().notSaved().onRead(this::timer)
                .summary("Power management timer, 3.579545 MHz");
        gpsts = file.register("GPSTS", GPE0_BLK, 16).clearedByOne(0xffff).onWrite(v -> update())
                .summary("General purpose status: GPE0_STS");
        gpen = file.register("GPEN", GPE0_BLK + 2, 16).onWrite(v -> update())
                .summary("General purpose enable: GPE0_EN");
        declareUnmodelled();
        declareApm();
        halves = halvesNow();
    }

    private Register declareStatus() {
        return file.register("PMSTS", 0, 16).readOnly().clearedByOne(0x8d31).onRead(this::readStatus)
                .onWrite(this::writeStatus)
                .bit("TMROF_STS", TMR_STS, "The timer's top bit has changed")
                .bit("BM_STS", 4, "Bus master status: no bus master sets it here")
                .bit("GBL_STS", GBL_STS, "Released by the firmware")
                .bit("PWRBTN_STS", PWRBTN_STS, "Power button pressed")
                .bit("RTC_STS", RTC_STS, "RTC alarm").bit("PWRBTNOR_STS", 11, "Power button override")
                .bit("RSM_STS", 15, "Resume: ACPI's WAK_STS").summary("Power management status: PM1a_STS");
    }

    private Register declareEnable() {
        return file.register("PMEN", 2, 16).writable(PM1_EVENTS).onWrite(v -> update())
                .bit("TMROF_EN", TMR_STS, "Timer").bit("GBL_EN", GBL_STS, "Global release")
                .bit("PWRBTN_EN", PWRBTN_STS, "Power button").bit("RTC_EN", RTC_STS, "RTC alarm")
                .summary("Power management enable: PM1a_EN");
    }

    private Register declareControl() {
        return file.register("PMCNTRL", PM1A_CNT_BLK, 16).writable(0x1c03).onWrite(this::writeControl)
                .bit("SCI_EN", SCI_EN, "Events raise SCI, not SMI")
                .unmodelled("BM_RLD", 1, 1, "Bus master request leaves C3")
                .bit("GBL_RLS", 2, "Asks the firmware for the global lock: write only")
                .field("SLP_TYP", 12, 10, "Kind of sleep: 0 is soft off")
                .bit("SLP_EN", SLP_EN, "Sleep now: write only").summary("Power management control: PM1a_CNT");
    }

    private void declareUnmodelled() {
        unmodelled("PCNTRL", 0x10, 32, "Processor control: throttling, clock control");
        file.register("PLVL2", 0x14, 8).readOnly().notSaved().summary("Reading would enter C2");
        file.register("PLVL3", 0x15, 8).readOnly().notSaved().summary("Reading would enter C3");
        unmodelled("GLBSTS", 0x18, 16, "Global status");
        unmodelled("DEVSTS", 0x1c, 32, "Device status");
        unmodelled("GLBEN", 0x20, 16, "Global enable");
        unmodelled("GLBCTL", 0x28, 32, "Global control");
        unmodelled("DEVCTL", 0x2c, 32, "Device control");
        file.register("GPIREG", 0x30, 32).readOnly().notSaved().summary("General purpose inputs: none");
        unmodelled("GPOREG", 0x34, 32, "General purpose outputs: none");
    }

    private void unmodelled(String registerName, int offset, int width, String summary) {
        file.register(registerName, offset, width).unmodelled(registerName, width - 1, 0, summary).summary(summary);
    }

    private void declareApm() {
        apm.register("APMC", 0, 8).onWrite(this::smiCommand).summary("APM control: ACPI's SMI_CMD");
        apm.register("APMS", 1, 8).summary("APM status: scratch");
    }

    @Override
    public String name() {
        return "piix4-pm-io";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(file, apm);
    }

    /** The power management window of {@link #WINDOW_LENGTH} bytes. */
    public IoHandler window() {
        return file;
    }

    /** The APM window of two bytes: SMI_CMD is the first. */
    public IoHandler apmWindow() {
        return apm;
    }

    /** Somebody presses the power button. */
    public void powerButton() {
        pmsts.setBit(PWRBTN_STS, true);
        update();
    }

    /** General-purpose event {@code number} (0 to 15) happens. */
    public void event(int number) {
        gpsts.setBit(number, true);
        update();
    }

    @Override
    public void reset() {
        file.reset();
        apm.reset();
        halves = halvesNow();
        update();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("registers", file);
        io.part("apm", apm);
        io.part("overflow", overflow);
        halves = io.u64("halves", halves);
    }

    private long timer() {
        return TIMER.ticks(clock.nanos()) & (1L << timerBits) - 1;
    }

    private long halvesNow() {
        return TIMER.ticks(clock.nanos()) >>> timerBits - 1;
    }

    /** TMR_STS is set when the top bit changes either way (ACPI 6.5, section 4.8.3.1.1). */
    private void updateTimerStatus() {
        long now = halvesNow();
        if (now != halves) {
            halves = now;
            pmsts.setBit(TMR_STS, true);
        }
    }

    private long readStatus() {
        updateTimerStatus();
        return pmsts.get();
    }

    /** Clears what has happened up to now, looked at or not. */
    private void writeStatus(long value) {
        if ((value & 1 << TMR_STS) != 0) {
            halves = halvesNow();
        }
        update();
    }

    private void update() {
        updateTimerStatus();
        long events = pmsts.get() & pmen.get() & PM1_EVENTS | gpsts.get() & gpen.get();
        sci.set(pmcntrl.isSet(SCI_EN) && events != 0);
        boolean wanted = pmen.isSet(TMR_STS) && !pmsts.isSet(TMR_STS);
        overflow.arm(wanted ? TIMER.nanos(halves + 1 << timerBits - 1) : Alarm.NEVER);
    }

    private void writeControl(long value) {
        update();
        if ((value & 1 << SLP_EN) != 0) {
            sleep.accept(pmcntrl.get(12, 10));
        }
    }

    private void smiCommand(long value) {
        if (value == ACPI_ENABLE || value == ACPI_DISABLE) {
            pmcntrl.setBit(SCI_EN, value == ACPI_ENABLE);
            update();
        }
    }
}
