package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.MsiChannel;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.hypervisor.InterruptChip;

/**
 * The interrupt controllers and the timer in the kernel. State: all but the local APICs, in the software chips' format
 * and under their names; see {@link ChipStates}. Any thread; once closed, calls come to nothing.
 */
final class KvmInterruptChip implements InterruptChip, Stateful {
    private static final int GSIS = 24;
    /** The MADT's override of GSI 0. */
    private static final int TIMER_PIN = 2;

    private final Handle vm;
    private final KvmMessages messages;
    private final MemorySegment[] powerOn;
    /** Levels of the lines that are driven from here, a bit a GSI. Guarded by this, as is {@link #closed}. */
    private int levels;
    private boolean closed;

    /** The chips of {@code vm}, whose GSIs have at most {@code mostRoutes} routes. */
    KvmInterruptChip(Handle vm, int mostRoutes) {
        this.vm = vm;
        vm.call(Request.KVM_CREATE_IRQCHIP, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pit = arena.allocate(ChipAbi.PitConfig.S.size(), 8);
            pit.set(JAVA_INT, ChipAbi.PitConfig.FLAGS, ChipAbi.PitConfig.SPEAKER_DUMMY);
            vm.call(Request.KVM_CREATE_PIT2, pit);
        }
        messages = new KvmMessages(vm, GsiRoutes.ofKernelChips(vm, mostRoutes));
        powerOn = new MemorySegment[] {read(ChipAbi.IrqChip.PIC_MASTER), read(ChipAbi.IrqChip.PIC_SLAVE),
            read(ChipAbi.IrqChip.IOAPIC)};
        ChipStates.mask(powerOn[0]);
        ChipStates.mask(powerOn[1]);
        reset();
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

    @Override
    public void signal(long address, int data) {
        messages.signal(address, data);
    }

    @Override
    public MsiChannel channel() {
        return messages.channel();
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

    /** What was sent is in the local APICs by now. */
    @Override
    public synchronized void exchangeState(StateIo io) {
        messages.release();
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

    /** From now on calls come to nothing. */
    synchronized void close() {
        messages.close();
        closed = true;
    }
}
