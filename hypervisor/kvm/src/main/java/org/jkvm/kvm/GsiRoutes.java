package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The kernel's table of what each GSI reaches (KVM_SET_GSI_ROUTING): 0 to 23 the chips' pins, those above one message each. One
 * thread at a time.
 */
final class GsiRoutes {
    /** Those of the chips' pins. */
    static final int GSIS = 24;
    private static final int ISA_LINES = 16;
    /** The MADT's override of GSI 0. */
    private static final int TIMER_PIN = 2;

    private final Handle vm;
    private final int most;
    private final List<Pin> pins;
    private final Map<Integer, MsiMessage> messages = new TreeMap<>();

    private record Pin(int gsi, int chip, int number) {
    }

    private GsiRoutes(Handle vm, int most, List<Pin> pins) {
        this.vm = vm;
        this.most = most;
        this.pins = pins;
        write();
    }

    /** Of the chips in the kernel; the table takes {@code most} entries. */
    static GsiRoutes ofKernelChips(Handle vm, int most) {
        return new GsiRoutes(vm, most, pins());
    }

    /** Of local APICs only: an I/O APIC elsewhere says what its pins send. */
    static GsiRoutes ofSplitChips(Handle vm, int most) {
        return new GsiRoutes(vm, most, List.of());
    }

    /** The first 24 GSIs send {@code redirections} from now on. */
    void redirect(Map<Integer, MsiMessage> redirections) {
        messages.keySet().removeIf(gsi -> gsi < GSIS);
        messages.putAll(redirections);
        write();
    }

    /** GSIs 0 to 15 reach the 8259As, all reach the I/O APIC; input 2 of the first 8259A is the second. */
    private static List<Pin> pins() {
        List<Pin> pins = new ArrayList<>();
        for (int gsi = 0; gsi < GSIS; gsi++) {
            if (gsi == TIMER_PIN) {
                continue;
            }
            if (gsi < ISA_LINES) {
                pins.add(new Pin(gsi, gsi < 8 ? ChipAbi.IrqChip.PIC_MASTER : ChipAbi.IrqChip.PIC_SLAVE, gsi & 7));
            }
            pins.add(new Pin(gsi, ChipAbi.IrqChip.IOAPIC, gsi == 0 ? TIMER_PIN : gsi));
        }
        return pins;
    }

    /** A GSI that sends {@code message}; -1 where the table is full. */
    int add(MsiMessage message) {
        if (pins.size() + messages.size() >= most) {
            return -1;
        }
        int gsi = GSIS;
        while (messages.containsKey(gsi)) {
            gsi++;
        }
        set(gsi, message);
        return gsi;
    }

    /** From now on {@code gsi} sends another message. */
    void set(int gsi, MsiMessage message) {
        messages.put(gsi, message);
        write();
    }

    void remove(int gsi) {
        messages.remove(gsi);
        write();
    }

    private void write() {
        int entries = pins.size() + messages.size();
        try (Arena arena = Arena.ofConfined()) {
            long size = ChipAbi.IrqRouting.S.size() + (long) entries * ChipAbi.IrqRoutingEntry.S.size();
            MemorySegment table = arena.allocate(size, 8);
            table.set(JAVA_INT, ChipAbi.IrqRouting.NR, entries);
            long at = ChipAbi.IrqRouting.S.size();
            for (Pin pin : pins) {
                put(table.asSlice(at), pin);
                at += ChipAbi.IrqRoutingEntry.S.size();
            }
            for (Map.Entry<Integer, MsiMessage> message : messages.entrySet()) {
                put(table.asSlice(at), message.getKey(), message.getValue());
                at += ChipAbi.IrqRoutingEntry.S.size();
            }
            vm.call(Request.KVM_SET_GSI_ROUTING, table);
        }
    }

    private static void put(MemorySegment entry, Pin pin) {
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.GSI, pin.gsi);
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.TYPE, ChipAbi.IrqRoutingEntry.TO_IRQCHIP);
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.IRQCHIP, pin.chip);
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.PIN, pin.number);
    }

    private static void put(MemorySegment entry, int gsi, MsiMessage message) {
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.GSI, gsi);
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.TYPE, ChipAbi.IrqRoutingEntry.TO_MSI);
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.ADDRESS_LO, (int) message.address());
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.ADDRESS_HI, (int) (message.address() >>> 32));
        entry.set(JAVA_INT, ChipAbi.IrqRoutingEntry.DATA, message.data());
    }
}
