package org.jkvm.machine.pc;

import org.jkvm.base.Line;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.devices.bus.WiredOr;
import org.jkvm.hypervisor.InterruptChip;

/** The sixteen interrupt wires of the ISA bus, which several chips may share, in front of the interrupt controllers. */
final class IsaIrqs implements Stateful {
    private final WiredOr[] wires = new WiredOr[16];

    IsaIrqs(InterruptChip chip) {
        for (int i = 0; i < wires.length; i++) {
            int gsi = i;
            wires[i] = new WiredOr(level -> chip.setLine(gsi, level));
        }
    }

    /** One more driver of IRQ {@code irq}. */
    Line join(int irq) {
        return wires[irq].join();
    }

    @Override
    public void exchangeState(StateIo io) {
        for (int i = 0; i < wires.length; i++) {
            io.part("irq" + i, wires[i]);
        }
    }
}
