package org.jkvm.soft.chip;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * The I/O APIC (82093AA datasheet 290566): 24 inputs, each with a redirection entry. Version 20h adds the EOI register
 * (82801DB ICH4 datasheet, section 8.5.4.2). Single-threaded: the chip's lock is held.
 *
 * <p>Inputs are assertions, not voltages: INTPOL is kept and does nothing. The window is IOREGSEL at 00h, IOWIN at 10h and
 * EOIR at 40h.
 */
public final class IoApic implements IoHandler, Stateful {
    /** How many inputs it has. */
    public static final int PINS = 24;
    /** The 82093AA's version. */
    public static final int VERSION_82093AA = 0x11;
    /** The version of later chips, with an EOI register. */
    public static final int VERSION_EOI_REGISTER = 0x20;

    private static final int REMOTE_IRR = 14;
    private static final int LEVEL_TRIGGER = 15;
    private static final int MASK = 16;
    /** All but delivery status and remote IRR. */
    private static final long WRITABLE = 0xff00_0000_0001_afffL;

    private final Consumer<ApicMessage> bus;
    private final RegisterFile file = new RegisterFile("ioapic").summary("I/O APIC, registers behind IOREGSEL and IOWIN")
            .source("82093AA datasheet 290566, section 3.0; index times 4");
    private final Register id = file.register("IOAPICID", 0x00, 32).writable(0x0f00_0000)
            .field("ID", 27, 24, "APIC id").summary("Identification");
    private final Register version = file.register("IOAPICVER", 0x04, 32).readOnly()
            .field("ENTRIES", 23, 16, "Number of the last entry").field("VERSION", 7, 0, "Version").summary("Version");
    private final Register arbitration = file.register("IOAPICARB", 0x08, 32).readOnly()
            .field("ARBID", 27, 24, "Arbitration id").summary("Arbitration; follows IOAPICID");
    private final Register[] entries = new Register[PINS];
    private final transient long[] counts = new long[PINS];
    /** Input levels, a bit a pin. */
    private int levels;
    private int select;

    /**
     * An I/O APIC after power-on.
     *
     * @param version {@link #VERSION_82093AA} or {@link #VERSION_EOI_REGISTER}
     * @param bus     takes its messages
     */
    IoApic(int version, Consumer<ApicMessage> bus) {
        this.bus = bus;
        this.version.reset(PINS - 1 << 16 | version);
        arbitration.onRead(id::get);
        for (int i = 0; i < PINS; i++) {
            int pin = i;
            entries[i] = entry(i).onWrite(v -> entryWritten(pin));
        }
    }

    private Register entry(int pin) {
        return file.register("IOREDTBL" + pin, 0x40 + 8 * pin, 64).reset(1 << MASK).writable(WRITABLE)
                .field("DEST", 63, 56, "Destination").bit("MASK", MASK, "Masked")
                .bit("LEVEL", LEVEL_TRIGGER, "Level-triggered").bit("RIRR", REMOTE_IRR, "Remote IRR: accepted, no EOI yet")
                .unmodelled("INTPOL", 13, 13, "Active low").bit("DELIVS", 12, "Delivery status: always idle")
                .bit("LOGICAL", 11, "Destination mode").field("DELMOD", 10, 8, "Delivery mode")
                .field("INTVEC", 7, 0, "Vector").summary("Redirection entry of input " + pin);
    }

    /** Its registers, in datasheet order, at four times their index. */
    public RegisterFile registers() {
        return file;
    }

    /** Drives input {@code pin}. An edge on a masked pin is lost (datasheet, section 3.2.4, "Interrupt Mask"). */
    public void setLine(int pin, boolean level) {
        boolean rises = level && !Bits.isSet(levels, pin);
        levels = (int) Bits.with(levels, pin, level);
        counts[pin] += rises ? 1 : 0;
        if (levelTriggered(entries[pin])) {
            serveLevel(pin);
        } else if (rises && !entries[pin].isSet(MASK)) {
            send(pin);
        }
    }

    /** A local APIC broadcast the EOI of a level-triggered {@code vector}: what still is asserted is sent again. */
    public void endOfInterrupt(int vector) {
        for (int pin = 0; pin < PINS; pin++) {
            Register e = entries[pin];
            if (e.isSet(REMOTE_IRR) && e.get(7, 0) == vector) {
                e.setBit(REMOTE_IRR, false);
                serveLevel(pin);
            }
        }
    }

    /** What the inputs that are not masked send. */
    Map<Integer, ApicMessage> redirections() {
        Map<Integer, ApicMessage> all = new TreeMap<>();
        for (int pin = 0; pin < PINS; pin++) {
            if (!entries[pin].isSet(MASK)) {
                all.put(pin, message(entries[pin]));
            }
        }
        return all;
    }

    /** Power-on. Input levels stay: they are others'. */
    public void reset() {
        select = 0;
        file.reset();
    }

    /** Rising edges of {@code pin} so far. */
    long count(int pin) {
        return counts[pin];
    }

    boolean level(int pin) {
        return Bits.isSet(levels, pin);
    }

    Register entryOf(int pin) {
        return entries[pin];
    }

    @Override
    public long read(long offset, int size) {
        return switch ((int) offset) {
            case 0x00 -> select;
            case 0x10 -> selected() ? file.read(4 * select, 4) : 0;
            default -> 0;
        };
    }

    @Override
    public void write(long offset, int size, long value) {
        switch ((int) offset) {
            case 0x00 -> select = (int) value & 0xff;
            case 0x10 -> writeSelected(value & 0xffff_ffffL);
            case 0x40 -> writeEoi((int) value & 0xff);
            default -> { }
        }
    }

    private boolean selected() {
        return select <= 2 || select >= 0x10 && select < 0x10 + 2 * PINS;
    }

    private void writeSelected(long value) {
        if (selected()) {
            file.write(4 * select, 4, value);
        }
    }

    private void writeEoi(int vector) {
        if (version.get(7, 0) >= VERSION_EOI_REGISTER) {
            endOfInterrupt(vector);
        }
    }

    /** Turned edge-triggered, an entry forgets its remote IRR: how software ends an interrupt without an EOI register. */
    private void entryWritten(int pin) {
        Register e = entries[pin];
        if (levelTriggered(e)) {
            serveLevel(pin);
        } else {
            e.setBit(REMOTE_IRR, false);
        }
    }

    private void serveLevel(int pin) {
        Register e = entries[pin];
        if (level(pin) && !e.isSet(MASK) && !e.isSet(REMOTE_IRR)) {
            e.setBit(REMOTE_IRR, true);
            send(pin);
        }
    }

    /** Only interrupts with a vector can be (datasheet, section 3.2.4, "Delivery Mode"): nobody ends an NMI. */
    private static boolean levelTriggered(Register e) {
        boolean vectored = mode(e) == DeliveryMode.FIXED || mode(e) == DeliveryMode.LOWEST_PRIORITY;
        return vectored && e.isSet(LEVEL_TRIGGER);
    }

    private void send(int pin) {
        bus.accept(message(entries[pin]));
    }

    private static ApicMessage message(Register e) {
        return new ApicMessage(e.get(63, 56), e.isSet(11), false, mode(e), e.get(7, 0), levelTriggered(e));
    }

    private static DeliveryMode mode(Register entry) {
        return DeliveryMode.of(entry.get());
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("registers", file);
        select = io.u8("ioregsel", select);
        levels = (int) io.bits("levels", PINS, levels);
    }
}
