package org.jkvm.machine.pc;

import java.util.Map;
import java.util.TreeMap;
import org.jkvm.devices.bus.AddressSpace;
import org.jkvm.machine.memory.RamLayout;
import org.jkvm.machine.run.Bus;

/** Both address spaces as text, for {@code info mtree} and dumps. */
final class AddressSpaceText {
    private AddressSpaceText() {
    }

    /** Several lines; the bus lock is held. */
    static String of(RamLayout layout, Bus bus) {
        Map<Long, String> memory = new TreeMap<>();
        for (RamLayout.Block b : layout.blocks()) {
            memory.put(b.address(), line(b.address(), b.length(), "ram", 16));
        }
        for (AddressSpace.Window w : bus.mmio().windows()) {
            memory.put(w.start(), line(w.start(), w.length(), w.name(), 16));
        }
        StringBuilder text = new StringBuilder("address-space: memory\n");
        memory.values().forEach(text::append);
        text.append("address-space: I/O\n");
        for (AddressSpace.Window w : bus.ports().windows()) {
            text.append(line(w.start(), w.length(), w.name(), 4));
        }
        return text.toString();
    }

    private static String line(long start, long length, String name, int digits) {
        String format = "  %0" + digits + "x-%0" + digits + "x: %s%n";
        return String.format(format, start, start + length - 1, name);
    }
}
