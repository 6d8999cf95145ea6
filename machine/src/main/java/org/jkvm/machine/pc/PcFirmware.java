package org.jkvm.machine.pc;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.base.GuestMemory;
import org.jkvm.devices.acpi.AcpiPciHotplug;
import org.jkvm.devices.fwcfg.FwCfg;
import org.jkvm.devices.pci.PciAllocator;
import org.jkvm.devices.pci.PciBus;
import org.jkvm.devices.pci.Piix3;
import org.jkvm.devices.pci.Piix4PmFunction;
import org.jkvm.devices.rtc.Mc146818;
import org.jkvm.hypervisor.x86.X86State;
import org.jkvm.machine.acpi.AcpiTables;
import org.jkvm.machine.acpi.FirmwareFiles;
import org.jkvm.machine.acpi.PcDescription;
import org.jkvm.machine.acpi.PcDescription.SerialPort;
import org.jkvm.machine.acpi.Smbios;
import org.jkvm.machine.memory.MemoryMap;
import org.jkvm.machine.memory.RamLayout;

/**
 * What a PC's firmware would have done before it loads a kernel: PCI windows and interrupt routes assigned, power
 * management switched on, tables in the F segment.
 */
final class PcFirmware {
    private static final int PIRQ_ROUTE_CONTROL = 0x60;
    private static final int[] ROUTES = {10, 10, 11, 11};
    private static final PciAllocator.Range IO_WINDOW = new PciAllocator.Range(0xc000, 0x4000);
    private static final long LOWEST_PCI_HOLE = 0xc000_0000L;
    private static final long PCI_HOLE_STEP = 256 << 20;
    private static final long ACPI_START = RamLayout.FIRMWARE;
    private static final int ACPI_LENGTH = 0xe000;
    private static final long SMBIOS_START = ACPI_START + ACPI_LENGTH;
    private static final int BDA_EBDA_SEGMENT = 0x40e;
    private static final int BDA_BASE_MEMORY_KIB = 0x413;
    private static final int BDA_COM_PORTS = 0x400;

    private final PcConfig config;
    private final RamLayout layout;
    private final Chips chips;
    private final AcpiTables acpi;
    private final Smbios smbios;

    /** The chips that firmware sets up. */
    record Chips(PciBus pci, Piix3 isaBridge, Piix4PmFunction pm, Mc146818 rtc, FwCfg fwCfg) {
    }

    PcFirmware(PcConfig config, RamLayout layout, Chips chips) {
        this.config = config;
        this.layout = layout;
        this.chips = chips;
        acpi = new AcpiTables(description(), ACPI_START, ACPI_LENGTH);
        smbios = new Smbios(layout, config.vcpus(), SMBIOS_START);
        fillFwCfg();
        fillCmos();
    }

    /** Where the ACPI root pointer is. */
    long rsdp() {
        return acpi.rsdp();
    }

    /** Sets the chips up, as after power-on self test. The bus lock is held. */
    void run() {
        chips.pm.enableAt(Pc.PM_BASE);
        for (int i = 0; i < ROUTES.length; i++) {
            chips.isaBridge.config().write(PIRQ_ROUTE_CONTROL + i, 1, ROUTES[i]);
        }
        new PciAllocator(IO_WINDOW, new PciAllocator.Range(pciHole(), RamLayout.FIXED_DEVICES - pciHole()))
                .assign(chips.pci, (slot, pin) -> ROUTES[Piix3.pirqOf(slot, pin)]);
    }

    /** Puts the tables and the BIOS data area's few facts that kernels look at into low memory. */
    void placeTables(GuestMemory memory) {
        memory.write(ACPI_START, acpi.image(), 0, acpi.image().length);
        memory.write(SMBIOS_START, smbios.image(), 0, smbios.image().length);
        memory.writeInt(BDA_EBDA_SEGMENT, 2, RamLayout.EBDA >> 4);
        memory.writeInt(BDA_BASE_MEMORY_KIB, 2, RamLayout.EBDA >> 10);
        for (int i = 0; i < Pc.SERIAL_PORTS.size(); i++) {
            memory.writeInt(BDA_COM_PORTS + 2L * i, 2, hasSerial(i) ? Pc.SERIAL_PORTS.get(i).port() : 0);
        }
    }

    /** Sets up what firmware does in each processor. */
    void setUp(X86State processor) {
        Mtrrs.setUp(processor, config.cpu(), pciHole());
    }

    private PcDescription description() {
        List<SerialPort> serial = new ArrayList<>();
        for (int i = 0; i < config.serial().size(); i++) {
            if (hasSerial(i)) {
                serial.add(Pc.SERIAL_PORTS.get(i));
            }
        }
        return new PcDescription(config.vcpus(), Pc.PM_BASE, Pc.APM_PORT, Pc.SCI_IRQ, Pc.PCI_IRQS, Pc.ISA_BRIDGE_SLOT,
                pciHole(), serial, Pc.FW_CFG_PORT, AcpiPciHotplug.PORT, PcConfig.FIRST_CARD_SLOT);
    }

    /** From 3 GiB on where RAM ends below; in steps that few memory type range registers can describe. */
    private long pciHole() {
        return Bits.alignUp(Math.max(LOWEST_PCI_HOLE, layout.below4g()), PCI_HOLE_STEP);
    }

    private boolean hasSerial(int index) {
        return index < config.serial().size() && config.serial().get(index) != null;
    }

    private void fillFwCfg() {
        chips.fwCfg.addInt(FwCfg.RAM_SIZE, 8, layout.size());
        chips.fwCfg.addInt(FwCfg.NOGRAPHIC, 2, 1);
        chips.fwCfg.addInt(FwCfg.NB_CPUS, 2, config.vcpus());
        chips.fwCfg.addInt(FwCfg.MAX_CPUS, 2, config.vcpus());
        FirmwareFiles.of(description(), layout.memoryMap(), smbios).forEach(chips.fwCfg::addFile);
    }

    /** Memory sizes where firmware looks for them (SeaBIOS; IBM PC AT Technical Reference for 15h to 18h). */
    private void fillCmos() {
        long extended = Math.min((layout.below4g() - MemoryMap.ONE_MIB) >> 10, 0xffff);
        long above16 = Math.min(Math.max(layout.below4g() - (16 << 20), 0) >> 16, 0xffff);
        putCmos(0x15, RamLayout.DISPLAY >> 10, 2);
        putCmos(0x17, extended, 2);
        putCmos(0x30, extended, 2);
        putCmos(0x34, above16, 2);
        putCmos(0x5b, layout.above4g() >> 16, 3);
        putCmos(0x5f, config.vcpus() - 1L, 1);
    }

    private void putCmos(int address, long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            chips.rtc.put(address + i, (int) (value >> 8 * i) & 0xff);
        }
    }
}
