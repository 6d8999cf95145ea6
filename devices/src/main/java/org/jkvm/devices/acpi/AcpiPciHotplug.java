package org.jkvm.devices.acpi;

import java.util.List;
import java.util.function.IntConsumer;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * Tells a guest's ACPI that PCI cards come and are asked to go, and hears that they may be taken out: the registers that
 * QEMU puts beside its PIIX4 (docs/specs/acpi_pci_hotplug.rst), one bit a slot of bus 0. Who uses them is the machine's own
 * DSDT, called by general-purpose event 1.
 *
 * <pre>
 *   plugged()       --> PCIU bit, event --> DSDT: Notify (slot, Device Check)  --> the guest finds the card
 *   askToUnplug()   --> PCID bit, event --> DSDT: Notify (slot, Eject Request) --> the guest lets go --> _EJ0 writes B0EJ
 *                                                                                    --> eject(slot): the card is taken out
 * </pre>
 *
 * Departures: there is one bus, so that the bus selector is read as it was written and selects nothing.
 */
public final class AcpiPciHotplug implements Device {
    /** The I/O port where the DSDT expects the registers. */
    public static final int PORT = 0xae00;
    /** Ports that they take. */
    public static final int PORTS = 0x14;
    /** The general-purpose event that says that PCIU or PCID has changed. */
    public static final int EVENT = 1;
    /** The offset of B0EJ. */
    public static final int EJECT = 8;
    private static final int SLOTS = 32;

    private final IntConsumer event;
    private final IntConsumer eject;
    private final RegisterFile file = new RegisterFile("acpi-pci-hotplug").summary("PCI hot-plug, at AE00h on a PC")
            .source("QEMU, docs/specs/acpi_pci_hotplug.rst");
    private final Register up;
    private final Register down;

    /**
     * Makes the chip.
     *
     * @param event raises a general-purpose event
     * @param eject takes the card out of a slot, 0 to 31, where there may be none
     */
    public AcpiPciHotplug(IntConsumer event, IntConsumer eject) {
        this.event = event;
        this.eject = eject;
        up = file.register("PCIU", 0, 32).readOnly().onRead(this::takeUp)
                .summary("Slots where a card has come; reading clears it");
        down = file.register("PCID", 4, 32).readOnly().summary("Slots whose card is asked to go");
        file.register("B0EJ", EJECT, 32).notSaved().onRead(() -> 0).onWrite(this::eject)
                .summary("Written: the slots whose cards may be taken out; reads 0");
        file.register("RMV", 12, 32).readOnly().notSaved().reset(0xffff_ffffL)
                .summary("Slots whose card can be taken out: all");
        file.register("BSEL", 16, 32).summary("Bus select: there is one bus");
    }

    @Override
    public String name() {
        return "acpi-pci-hotplug";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(file);
    }

    /** The window of {@link #PORTS} ports. */
    public IoHandler window() {
        return file;
    }

    /** A card has come into {@code slot}. */
    public void plugged(int slot) {
        up.setBit(slot, true);
        down.setBit(slot, false);
        event.accept(EVENT);
    }

    /** The card in {@code slot} should go. */
    public void askToUnplug(int slot) {
        down.setBit(slot, true);
        event.accept(EVENT);
    }

    @Override
    public void reset() {
        file.reset();
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("registers", file);
    }

    private long takeUp() {
        long slots = up.get();
        up.set(0);
        return slots;
    }

    private void eject(long slots) {
        for (int slot = 0; slot < SLOTS; slot++) {
            if ((slots >>> slot & 1) != 0) {
                down.setBit(slot, false);
                eject.accept(slot);
            }
        }
    }
}
