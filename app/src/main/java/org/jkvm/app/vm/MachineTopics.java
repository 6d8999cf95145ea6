package org.jkvm.app.vm;

import java.util.List;
import org.jkvm.app.monitor.MonitorMachine.Topic;
import org.jkvm.devices.Device;
import org.jkvm.devices.pci.Bar;
import org.jkvm.devices.pci.PciFunction;
import org.jkvm.hybrid.HybridVm;
import org.jkvm.hypervisor.Vcpu;
import org.jkvm.machine.pc.Pc;

/** What {@code info} tells about a PC. */
final class MachineTopics {
    private static final double NANOS = 1e9;
    private final Pc pc;

    MachineTopics(Pc pc) {
        this.pc = pc;
    }

    /** The subjects. */
    List<Topic> list(Chardevs chardevs, Disks disks) {
        return List.of(
                new Topic("block", "the virtual hard disks", () -> DiskText.block(disks)),
                new Topic("block-jobs", "what goes on with the disks", () -> DiskText.jobs(disks)),
                new Topic("blockstats", "what the disks have done", () -> DiskText.statistics(disks)),
                new Topic("chardev", "the character devices", chardevs::describe),
                new Topic("irq", "the interrupt lines", () -> pc.interruptChip().describe()),
                new Topic("jit", "instructions executed, and how fast", this::jit),
                new Topic("modes", "the vCPUs' time by mode, and their exits", this::modes),
                new Topic("mtree", "the address spaces", pc::describeAddressSpaces),
                new Topic("pci", "the PCI functions", this::pci),
                new Topic("pic", "the interrupt controllers", () -> pc.interruptChip().describe()),
                new Topic("qtree", "the devices", this::devices));
    }

    private String modes() {
        return pc.virtualMachine() instanceof HybridVm vm ? vm.describeModes() : "";
    }

    private String jit() {
        double seconds = pc.clock().nanos() / NANOS;
        StringBuilder text = new StringBuilder();
        long all = 0;
        for (Vcpu vcpu : pc.vcpus()) {
            all += Math.max(0, vcpu.instructions());
            text.append("CPU#").append(vcpu.index()).append(": ").append(vcpu.instructions()).append(" instructions\n");
            text.append(vcpu.describeEngine());
        }
        return text + "instructions executed  %d\nguest time             %.3f s\ninstructions a second  %.0f\n"
                .formatted(all, seconds, all / Math.max(seconds, 1 / NANOS));
    }

    private String devices() {
        StringBuilder text = new StringBuilder();
        pc.parts().devices().forEach((name, device) -> text.append("dev: ").append(device(name, device)).append('\n'));
        return text.toString();
    }

    private static String device(String name, Device device) {
        return device.name() + ", id \"" + name + "\"";
    }

    private String pci() {
        return pc.bus().lockedGet(() -> {
            StringBuilder text = new StringBuilder();
            pc.pci().functions().forEach(function -> function(text, function));
            return text.toString();
        });
    }

    private void function(StringBuilder text, PciFunction function) {
        int place = pc.pci().placeOf(function);
        long ids = pc.pci().configRead(place, 0, 4);
        long classCode = pc.pci().configRead(place, 8, 4) >>> 8;
        text.append("  Bus  0, device %3d, function %d:\n".formatted(place >> 3, place & 7));
        text.append("    %s: PCI device %04x:%04x, class %06x\n".formatted(function.name(), ids & 0xffff,
                ids >>> 16, classCode));
        if (function.interruptPin() != 0) {
            text.append("      IRQ %d, pin %c\n".formatted(function.interruptLine(), '@' + function.interruptPin()));
        }
        for (Bar bar : function.bars()) {
            text.append("      ").append(bar(bar)).append('\n');
        }
    }

    private static String bar(Bar bar) {
        return "BAR%d: %s at 0x%x, %d bytes".formatted(bar.index(), switch (bar.kind()) {
            case IO -> "I/O";
            case MEMORY_32 -> "32 bit memory";
            case MEMORY_64 -> "64 bit memory";
        }, bar.address(), bar.size());
    }
}
