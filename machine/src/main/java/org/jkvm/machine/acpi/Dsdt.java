package org.jkvm.machine.acpi;

import static org.jkvm.machine.acpi.Aml.ARG0;
import static org.jkvm.machine.acpi.Aml.LOCAL0;
import static org.jkvm.machine.acpi.Aml.LOCAL1;
import static org.jkvm.machine.acpi.Aml.NOWHERE;
import static org.jkvm.machine.acpi.Aml.ZERO;
import static org.jkvm.machine.acpi.Aml.and;
import static org.jkvm.machine.acpi.Aml.byteFields;
import static org.jkvm.machine.acpi.Aml.createDWordField;
import static org.jkvm.machine.acpi.Aml.device;
import static org.jkvm.machine.acpi.Aml.dwordFields;
import static org.jkvm.machine.acpi.Aml.eisaId;
import static org.jkvm.machine.acpi.Aml.ifTrue;
import static org.jkvm.machine.acpi.Aml.integer;
import static org.jkvm.machine.acpi.Aml.method;
import static org.jkvm.machine.acpi.Aml.name;
import static org.jkvm.machine.acpi.Aml.or;
import static org.jkvm.machine.acpi.Aml.pack;
import static org.jkvm.machine.acpi.Aml.pciConfigRegion;
import static org.jkvm.machine.acpi.Aml.portRegion;
import static org.jkvm.machine.acpi.Aml.resourceTemplate;
import static org.jkvm.machine.acpi.Aml.returns;
import static org.jkvm.machine.acpi.Aml.scope;
import static org.jkvm.machine.acpi.Aml.serializedMethod;
import static org.jkvm.machine.acpi.Aml.store;
import static org.jkvm.machine.acpi.Aml.string;
import static org.jkvm.machine.acpi.Aml.terms;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.devices.acpi.AcpiPciHotplug;
import org.jkvm.devices.pci.Piix3;
import org.jkvm.machine.acpi.PcDescription.SerialPort;
import org.jkvm.machine.memory.RamLayout;

/**
 * The PC's differentiated system description table (ACPI 6.4, section 5.2.11.1), in AML: processors, the PCI root with
 * its windows, interrupt routing and hot-plug, the ISA chips behind the PIIX3, the interrupt links, and S5.
 */
final class Dsdt {
    private static final int PCI_SLOTS = 32;
    private static final int PINS = 4;
    /** Values of Notify (section 5.6.6). */
    private static final int DEVICE_CHECK = 1;
    private static final int EJECT_REQUEST = 3;
    private static final int ROUTE_CONTROL = 0x60;
    private static final int ROUTE_DISABLED = 0x80;
    private static final int STA_PRESENT_DECODING_FUNCTIONING = 0x0b;
    private static final int STA_PRESENT_DISABLED = 0x09;
    /** Offset of the interrupt number in an extended interrupt descriptor (section 6.4.3.6). */
    private static final int INTERRUPT_NUMBER = 5;
    private static final String[] LINKS = {"LNKA", "LNKB", "LNKC", "LNKD"};
    private static final String[] ROUTES = {"PRQA", "PRQB", "PRQC", "PRQD"};

    private final PcDescription pc;

    Dsdt(PcDescription pc) {
        this.pc = pc;
    }

    /** The table. */
    byte[] table() {
        return AcpiTable.of("DSDT", 2, terms(
                name("\\_S5", pack(ZERO, ZERO, ZERO, ZERO)),
                scope("\\_SB", processors(), pciRoot(), links()),
                hotplugEvent()));
    }

    /** General-purpose event 1, edge-triggered (section 5.6.4.1): cards have come or are asked to go. */
    private byte[] hotplugEvent() {
        return pc.hotplugPort() == 0 ? new byte[0] : scope("\\_GPE", method("_E01", 0, name("\\_SB.PCI0.PCNT")));
    }

    /** Slots whose cards can come and go, and the method that says which (section 6.3). */
    private byte[] hotplug() {
        if (pc.hotplugPort() == 0) {
            return new byte[0];
        }
        byte[] all = terms(
                device("PHPR",
                        name("_HID", eisaId("PNP0A06")),
                        name("_UID", string("PCI Hotplug resources")),
                        name("_STA", integer(STA_PRESENT_DECODING_FUNCTIONING)),
                        name("_CRS", resourceTemplate(Resources.io(pc.hotplugPort(), AcpiPciHotplug.PORTS)))),
                portRegion("PCST", pc.hotplugPort(), 2 * Integer.BYTES),
                dwordFields("PCST", "PCIU", "PCID"),
                portRegion("SEJ", pc.hotplugPort() + AcpiPciHotplug.EJECT, Integer.BYTES),
                dwordFields("SEJ", "B0EJ"));
        byte[] notices = terms(store(name("PCIU"), LOCAL0), store(name("PCID"), LOCAL1));
        for (int slot = pc.firstCard(); slot < PCI_SLOTS; slot++) {
            String label = String.format("S%02X", slot * 8);
            byte[] bit = integer(1L << slot);
            all = terms(all, device(label,
                    name("_ADR", integer((long) slot << 16)),
                    name("_SUN", integer(slot)),
                    method("_EJ0", 1, store(bit, name("B0EJ")))));
            notices = terms(notices,
                    ifTrue(and(LOCAL0, bit, NOWHERE), Aml.notify(label, DEVICE_CHECK)),
                    ifTrue(and(LOCAL1, bit, NOWHERE), Aml.notify(label, EJECT_REQUEST)));
        }
        return terms(all, serializedMethod("PCNT", 0, notices));
    }

    private byte[] processors() {
        byte[] all = new byte[0];
        for (int i = 0; i < pc.vcpus(); i++) {
            all = terms(all, device(String.format("C%03X", i),
                    name("_HID", string("ACPI0007")),
                    name("_UID", integer(i))));
        }
        return all;
    }

    private byte[] pciRoot() {
        return device("PCI0",
                name("_HID", eisaId("PNP0A03")),
                name("_UID", ZERO),
                name("_CRS", pciWindows()),
                name("_PRT", routing()),
                isaBridge(),
                hotplug());
    }

    private byte[] pciWindows() {
        return resourceTemplate(
                Resources.busNumbers(0, 0xff),
                Resources.io(0xcf8, 8),
                Resources.ioRange(0x0000, 0x0cf7),
                Resources.ioRange(0x0d00, 0xffff),
                Resources.memoryRange(RamLayout.DISPLAY, RamLayout.OPTION_ROMS - 1),
                Resources.memoryRange(pc.pciHoleStart(), RamLayout.FIXED_DEVICES - 1));
    }

    /** Section 6.2.13: slot, pin, link, 0. */
    private static byte[] routing() {
        List<byte[]> entries = new ArrayList<>();
        for (int slot = 0; slot < PCI_SLOTS; slot++) {
            for (int pin = 0; pin < PINS; pin++) {
                String link = LINKS[Piix3.pirqOf(slot, pin + 1)];
                entries.add(pack(integer((long) slot << 16 | 0xffff), integer(pin), name(link), ZERO));
            }
        }
        return pack(entries.toArray(byte[][]::new));
    }

    private byte[] isaBridge() {
        byte[] serial = new byte[0];
        for (int i = 0; i < pc.serialPorts().size(); i++) {
            serial = terms(serial, serialPort(i, pc.serialPorts().get(i)));
        }
        return device("ISA",
                name("_ADR", integer((long) pc.isaBridge() << 16)),
                pciConfigRegion("PIRQ", ROUTE_CONTROL, PINS),
                byteFields("PIRQ", ROUTES),
                isaDevice("RTC", "PNP0B00", Resources.io(0x70, 2), Resources.irqNoFlags(8)),
                isaDevice("KBD", "PNP0303", Resources.io(0x60, 1), Resources.io(0x64, 1), Resources.irqNoFlags(1)),
                isaDevice("MOU", "PNP0F13", Resources.irqNoFlags(12)),
                serial,
                fwCfg());
    }

    private static byte[] isaDevice(String name, String id, byte[]... resources) {
        return device(name, name("_HID", eisaId(id)), name("_CRS", resourceTemplate(resources)));
    }

    private static byte[] serialPort(int index, SerialPort port) {
        return device("COM" + (index + 1),
                name("_HID", eisaId("PNP0501")),
                name("_UID", integer(index + 1L)),
                name("_CRS", resourceTemplate(Resources.io(port.port(), 8), Resources.irqNoFlags(port.irq()))));
    }

    private byte[] fwCfg() {
        return pc.fwCfgPort() == 0 ? new byte[0] : device("FWCF",
                name("_HID", string("QEMU0002")),
                name("_STA", integer(STA_PRESENT_DECODING_FUNCTIONING)),
                name("_CRS", resourceTemplate(Resources.io(pc.fwCfgPort(), 12))));
    }

    private byte[] links() {
        byte[] all = new byte[0];
        for (int i = 0; i < PINS; i++) {
            all = terms(all, link(i));
        }
        return all;
    }

    /** A PCI interrupt link (section 6.2.13, _SRS and friends): the PIIX3's PIRQRC register says where it leads. */
    private byte[] link(int index) {
        byte[] route = name("\\_SB.PCI0.ISA." + ROUTES[index]);
        byte[] disabled = integer(ROUTE_DISABLED);
        int[] possible = pc.pciIrqs().stream().mapToInt(i -> i).toArray();
        return device(LINKS[index],
                name("_HID", eisaId("PNP0C0F")),
                name("_UID", integer(index)),
                name("_PRS", resourceTemplate(Resources.interrupt(possible))),
                method("_STA", 0,
                        and(route, disabled, LOCAL0),
                        ifTrue(LOCAL0, returns(integer(STA_PRESENT_DISABLED))),
                        returns(integer(STA_PRESENT_DECODING_FUNCTIONING))),
                method("_DIS", 0, or(route, disabled, route)),
                serializedMethod("_CRS", 0,
                        name("RES", resourceTemplate(Resources.interrupt(0))),
                        createDWordField(name("RES"), INTERRUPT_NUMBER, "IRQ"),
                        and(route, integer(0x0f), name("IRQ")),
                        returns(name("RES"))),
                serializedMethod("_SRS", 1,
                        createDWordField(ARG0, INTERRUPT_NUMBER, "IRQ"),
                        store(name("IRQ"), route)));
    }
}
