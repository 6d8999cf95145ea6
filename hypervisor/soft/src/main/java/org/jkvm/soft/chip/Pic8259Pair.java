package org.jkvm.soft.chip;

import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * The PC's two 8259As: the slave's INT drives input 2 of the master, and the master's INT is the pair's. Inputs 0, 1, 2,
 * 8 and 13 are always edge-triggered (82371AB PIIX4 datasheet, ELCR1 and ELCR2). Single-threaded: the chip's lock is held.
 */
public final class Pic8259Pair implements Stateful {
    private static final int CASCADE = 2;

    private final Line intr;
    private final Pic8259 master = new Pic8259(1 << CASCADE, 0xf8, this::update);
    private final Pic8259 slave = new Pic8259(0, 0xde, this::updateSlave);

    /** A pair after power-on whose INT drives {@code intr}. */
    public Pic8259Pair(Line intr) {
        this.intr = intr;
    }

    /** Drives input {@code irq}, 0 to 15; input 2 is not on the outside and is ignored. */
    public void setLine(int irq, boolean level) {
        if (irq >= 8) {
            slave.setLine(irq - 8, level);
        } else if (irq != CASCADE) {
            master.setLine(irq, level);
        }
    }

    /** Whether INT is high. */
    public boolean requested() {
        return master.pending() >= 0;
    }

    /** The processor's INTA cycles: returns the vector, of input 7 (or 15) when the request has gone. */
    public int acknowledge() {
        int irq = master.acknowledge();
        return irq == CASCADE ? slave.vector(slave.acknowledge()) : master.vector(irq);
    }

    /** The master's window: two bytes, at ports 20h and 21h on a PC. */
    public IoHandler master() {
        return master;
    }

    /** The slave's window: two bytes, at ports A0h and A1h on a PC. */
    public IoHandler slave() {
        return slave;
    }

    /** The window of ELCR1 and ELCR2: two bytes, at ports 4D0h and 4D1h on a PC. */
    public IoHandler edgeLevel() {
        return new EdgeLevel();
    }

    /** Power-on. */
    public void reset() {
        slave.reset();
        master.reset();
    }

    /** Whether input {@code irq} is high, masked. */
    boolean level(int irq) {
        return (lines() >> irq & 1) != 0;
    }

    boolean masked(int irq) {
        return ((master.imr() | slave.imr() << 8) >> irq & 1) != 0;
    }

    private int lines() {
        return master.lines() | slave.lines() << 8;
    }

    private void updateSlave() {
        master.setLine(CASCADE, slave.pending() >= 0);
    }

    private void update() {
        intr.set(requested());
    }

    @Override
    public void exchangeState(StateIo io) {
        io.part("master", master);
        io.part("slave", slave);
    }

    @Override
    public String toString() {
        return "pic0: " + master + "\npic1: " + slave;
    }

    private final class EdgeLevel implements IoHandler {
        @Override
        public long read(long offset, int size) {
            return offset == 0 ? master.elcr() : slave.elcr();
        }

        @Override
        public void write(long offset, int size, long value) {
            (offset == 0 ? master : slave).setElcr((int) value & 0xff);
        }
    }
}
