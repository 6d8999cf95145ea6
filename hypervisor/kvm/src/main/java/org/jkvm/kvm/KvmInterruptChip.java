package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.HostException;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.hypervisor.InterruptChip;
import org.jkvm.linux.Errno;

/**
 * The interrupt controllers and the timer in the kernel. State: all but the local APICs, in the software chips' format
 * and under their names; see {@link ChipStates}. Any thread; once closed, calls come to nothing.
 */
final class KvmInterruptChip implements InterruptChip, Stateful {
    private static final int GSIS = 24;
    private static final int ISA_LINES = 16;
    /** The MADT's override of GSI 0. */
    private static final int TIMER_PIN = 2;

    private final Handle vm;
    private final MemorySegment[] powerOn;
    /** Levels of the lines that are driven from here, a bit a GSI. Guarded by this, as is {@link #closed}. */
    private int levels;
    private boolean closed;

    KvmInterruptChip(Handle vm) {
        this.vm = vm;
        vm.call(Request.KVM_CREATE_IRQCHIP, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pit = arena.allocate(ChipAbi.PitConfig.S.size(), 8);
            pit.set(JAVA_INT, ChipAbi.PitConfig.FLAGS, ChipAbi.PitConfig.SPEAKER_DUMMY);
            vm.call(Request.KVM_CREATE_PIT2, pit);
        }
        route();
        powerOn = new MemorySegment[] {read(ChipAbi.IrqChip.PIC_MASTER), read(ChipAbi.IrqChip.PIC_SLAVE),
            read(ChipAbi.IrqChip.IOAPIC)};
        ChipStates.mask(powerOn[0]);
        ChipStates.mask(powerOn[1]);
        reset();
    }

    /** GSIs 0 to 15 reach the 8259As, all reach the I/O APIC; input 2 of the first 8259A is the second. */
    private void route() {
        int entries = ISA_LINES - 1 + GSIS - 1;
        try (Arena arena = Arena.ofConfined()) {
            long size = ChipAbi.IrqRouting.S.size() + (long) entries * ChipAbi.IrqRoutingEntry.S.size();
            MemorySegment table = arena.allocate(size, 8);
            table.set(JAVA_INT, ChipAbi.IrqRouting.NR, entries);
            int n = 0;
            for (int gsi = 0; gsi < GSIS; gsi++) {
                if (gsi == TIMER_PIN) {
                    continue;
                }
                if (gsi < ISA_LINES) {
                    entry(table, n++, gsi, gsi < 8 ? ChipAbi.IrqChip.PIC_MASTER : ChipAbi.IrqChip.PIC_SLAVE, gsi & 7);
                }
                entry(table, n++, gsi, ChipAbi.IrqChip.IOAPIC, gsi == 0 ? TIMER_PIN : gsi);
            }
            vm.call(Request.KVM_SET_GSI_ROUTING, table);
        }
    }

    private static void entry(MemorySegment table, int n, int gsi, int chip, int pin) {
        long at = ChipAbi.IrqRouting.S.size() + (long) n * ChipAbi.IrqRoutingEntry.S.size();
        table.set(JAVA_INT, at + ChipAbi.IrqRoutingEntry.GSI, gsi);
        table.set(JAVA_INT, at + ChipAbi.IrqRoutingEntry.TYPE, ChipAbi.IrqRoutingEntry.TO_IRQCHIP);
        table.set(JAVA_INT, at + ChipAbi.IrqRoutingEntry.IRQCHIP, chip);
        table.set(JAVA_INT, at + ChipAbi.IrqRoutingEntry.PIN, pin);
    }

    // ---- lines and messages ----

    @Override
    public synchronized void setLine(int gsi, boolean level) {
        levels = level ? levels | 1 << gsi : levels & ~(1 << gsi);
        drive(gsi, level);
    }

    private void drive(int gsi, boolean level) {
        if (closed || gsi == TIMER_PIN) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment line = arena.allocate(ChipAbi.IrqLevel.S.size(), 4);
            line.set(JAVA_INT, ChipAbi.IrqLevel.IRQ, gsi);
            line.set(JAVA_INT, ChipAbi.IrqLevel.LEVEL, level ? 1 : 0);
            vm.call(Request.KVM_IRQ_LINE, line);
        }
    }

    /** A message that reaches no processor is lost, as on the bus; the kernel says EPERM then. */
    @Override
    public synchronized void signal(long address, int data) {
        if (closed) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment msi = arena.allocate(ChipAbi.Msi.S.size(), 4);
            msi.set(JAVA_INT, ChipAbi.Msi.ADDRESS_LO, (int) address);
            msi.set(JAVA_INT, ChipAbi.Msi.ADDRESS_HI, (int) (address >>> 32));
            msi.set(JAVA_INT, ChipAbi.Msi.DATA, data);
            int result = vm.attempt(Request.KVM_SIGNAL_MSI, msi);
            if (result < 0 && result != -Errno.EPERM) {
                throw new HostException("KVM_SIGNAL_MSI: " + Errno.describe(-result), -result);
            }
        }
    }

    @Override
    public boolean speakerOutput() {
        return PitStates.output(readPit(), 2);
    }

    /** The levels of the lines stay: they are others'. */
    @Override
    public synchronized void reset() {
        if (closed) {
            return;
        }
        for (MemorySegment chip : powerOn) {
            vm.call(Request.KVM_SET_IRQCHIP, chip);
        }
        writePit(PitStates.firmware());
    }

    @Override
    public synchronized String describe() {
        return closed ? "" : ChipStates.describe(levels, read(ChipAbi.IrqChip.PIC_MASTER), read(ChipAbi.IrqChip.PIC_SLAVE),
                read(ChipAbi.IrqChip.IOAPIC));
    }

    // ---- state ----

    @Override
    public synchronized void exchangeState(StateIo io) {
        MemorySegment master = read(ChipAbi.IrqChip.PIC_MASTER);
        MemorySegment slave = read(ChipAbi.IrqChip.PIC_SLAVE);
        MemorySegment ioApic = read(ChipAbi.IrqChip.IOAPIC);
        MemorySegment pit = readPit();
        io.part("pic", pics -> {
            pics.part("master", part -> ChipStates.exchangePic(part, master, true));
            pics.part("slave", part -> ChipStates.exchangePic(part, slave, false));
        });
        io.part("ioapic", part -> levels = ChipStates.exchangeIoApic(part, ioApic, levels));
        io.part("pit", part -> PitStates.exchange(part, pit));
        io.part("apic-bus", part -> part.u8("turn", 0));
        if (io.restoring()) {
            restore(master, slave, ioApic, pit);
        }
    }

    /** Lines that are level-triggered are driven again; an edge has been taken already. */
    private void restore(MemorySegment master, MemorySegment slave, MemorySegment ioApic, MemorySegment pit) {
        writePit(pit);
        vm.call(Request.KVM_SET_IRQCHIP, master);
        vm.call(Request.KVM_SET_IRQCHIP, slave);
        vm.call(Request.KVM_SET_IRQCHIP, ioApic);
        int levelTriggered = ChipStates.levelTriggered(master, slave, ioApic);
        for (int gsi = 0; gsi < GSIS; gsi++) {
            if ((levels & levelTriggered & 1 << gsi) != 0) {
                drive(gsi, true);
            }
        }
    }

    private MemorySegment read(int chip) {
        MemorySegment state = Arena.ofAuto().allocate(ChipAbi.IrqChip.S.size(), 8);
        state.set(JAVA_INT, ChipAbi.IrqChip.CHIP_ID, chip);
        vm.call(Request.KVM_GET_IRQCHIP, state);
        return state;
    }

    private MemorySegment readPit() {
        MemorySegment state = Arena.ofAuto().allocate(ChipAbi.PitState.S.size(), 8);
        vm.call(Request.KVM_GET_PIT2, state);
        return state;
    }

    private void writePit(MemorySegment state) {
        vm.call(Request.KVM_SET_PIT2, state);
    }

    /** From now on calls come to nothing; false where it was closed already. */
    synchronized boolean close() {
        boolean first = !closed;
        closed = true;
        return first;
    }
}
