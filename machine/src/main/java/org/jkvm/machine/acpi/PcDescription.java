package org.jkvm.machine.acpi;

import java.util.List;

/**
 * What the firmware tables say about a PC: the facts that the machine's constructor wires, given once.
 *
 * @param vcpus        processors; processor i has local APIC id i
 * @param pmBase       I/O port of the PIIX4's power management registers
 * @param smiCommandPort I/O port that turns ACPI mode on
 * @param sciIrq       interrupt of the same
 * @param pciIrqs      ISA interrupts that the PIIX3 may route PCI interrupts to
 * @param isaBridge    PCI slot of the PIIX3
 * @param pciHoleStart first address of the PCI hole below 4 GiB
 * @param serialPorts  the 16550s on board
 * @param fwCfgPort    I/O port of fw_cfg, or 0 where there is none
 * @param hotplugPort  I/O port of the PCI hot-plug registers, or 0 where there are none
 * @param firstCard    first PCI slot whose card can come and go
 */
public record PcDescription(int vcpus, int pmBase, int smiCommandPort, int sciIrq, List<Integer> pciIrqs, int isaBridge,
                            long pciHoleStart, List<SerialPort> serialPorts, int fwCfgPort, int hotplugPort,
                            int firstCard) {
    /** Copies the lists. */
    public PcDescription {
        pciIrqs = List.copyOf(pciIrqs);
        serialPorts = List.copyOf(serialPorts);
    }

    /** A 16550's place: first I/O port and ISA interrupt. */
    public record SerialPort(int port, int irq) {
    }
}
