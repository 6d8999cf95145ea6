package org.jkvm.soft.chip;

import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;

/**
 * One 8259A programmable interrupt controller (Intel 8259A datasheet 231468), with the edge/level register that chip
 * sets put beside it (82371AB PIIX4 datasheet, section 4.2.5). Offset 0 of its window is A0 = 0, offset 1 is A0 = 1.
 *
 * <p>Departures, as in the PIIX: ICW1's LTIM and the MCS-80 modes are ignored; an edge is remembered until it is
 * acknowledged although the line may have fallen again, so that a short pulse is an interrupt and not a spurious one.
 */
final class Pic8259 implements IoHandler, Stateful {
    /** What the controller answers to an acknowledge with nothing to acknowledge ("default IR7"). */
    private static final int SPURIOUS = 7;

    private final int cascade;
    private final int elcrWritable;
    private final Runnable changed;
    /** Input levels. */
    private int lines;
    /** Edges not yet acknowledged; {@link #irr} adds the level inputs. */
    private int edges;
    private int imr;
    private int isr;
    private int elcr;
    private int vectorBase;
    /** The input of lowest priority; the one after it has the highest. */
    private int lowest = 7;
    private boolean autoEoi;
    private boolean rotateInAutoEoi;
    private boolean specialFullyNested;
    private boolean specialMask;
    private boolean readIsr;
    private boolean poll;
    /** The ICW that is due next: 1 after power-on, then 2, 3, 4; 0 when initialized. Until then INT stays low. */
    private int dueIcw = 1;
    private boolean icw4Needed;

    /**
     * A controller after power-on.
     *
     * @param cascade      inputs that another controller's INT drives; they follow its level
     * @param elcrWritable inputs that may be level-triggered
     * @param changed      called after anything that may change INT
     */
    Pic8259(int cascade, int elcrWritable, Runnable changed) {
        this.cascade = cascade;
        this.elcrWritable = elcrWritable;
        this.changed = changed;
    }

    void setLine(int irq, boolean level) {
        int bit = 1 << irq;
        if (level && (lines & bit) == 0) {
            edges |= bit & ~levelInputs();
        }
        lines = level ? lines | bit : lines & ~bit;
        changed.run();
    }

    /** The input that INT stands for now, or -1 while INT is low. */
    int pending() {
        int urgency = dueIcw == 0 ? urgency(irr() & ~imr) : 8;
        return urgency < urgency(blocking()) ? urgency + lowest + 1 & 7 : -1;
    }

    /** Both INTA cycles: moves the request in service and returns its input, 7 when there is none. */
    int acknowledge() {
        int irq = pending();
        if (irq < 0) {
            return SPURIOUS;
        }
        edges &= ~(1 << irq);
        if (!autoEoi) {
            isr |= 1 << irq;
        } else if (rotateInAutoEoi) {
            lowest = irq;
        }
        changed.run();
        return irq;
    }

    /** The vector of {@code irq}: T7-T3 of ICW2 and the input. */
    int vector(int irq) {
        return vectorBase | irq;
    }

    /** Interrupt request register: remembered edges and level inputs that are high. */
    int irr() {
        return edges | lines & levelInputs();
    }

    int lines() {
        return lines;
    }

    int imr() {
        return imr;
    }

    int elcr() {
        return elcr;
    }

    void setElcr(int value) {
        elcr = value & elcrWritable;
        edges &= ~elcr;
        changed.run();
    }

    /** Power-on. Line levels stay: they are others'. */
    void reset() {
        icw1(0);
        dueIcw = 1;
        vectorBase = 0;
        setElcr(0);
    }

    @Override
    public long read(long offset, int size) {
        if (poll) {
            return pollWord();
        }
        return offset != 0 ? imr : readIsr ? isr : irr();
    }

    @Override
    public void write(long offset, int size, long value) {
        int data = (int) value & 0xff;
        if (offset != 0) {
            writeData(data);
        } else if (Bits.isSet(data, 4)) {
            icw1(data);
        } else if (Bits.isSet(data, 3)) {
            ocw3(data);
        } else {
            ocw2(data);
        }
        changed.run();
    }

    /** Poll command: the read is the acknowledge; bit 7 says whether there was a request (datasheet, "Poll Command"). */
    private int pollWord() {
        poll = false;
        boolean requested = pending() >= 0;
        return requested ? 0x80 | acknowledge() : 0;
    }

    private void writeData(int data) {
        switch (dueIcw) {
            case 2 -> {
                vectorBase = data & 0xf8;
                dueIcw = 3;
            }
            case 3 -> dueIcw = icw4Needed ? 4 : 0;
            case 4 -> icw4(data);
            default -> imr = data;
        }
    }

    /** ICW1 (datasheet, "Initialization Command Words", items a to f). SNGL is ignored: the PC's pair is cascaded. */
    private void icw1(int data) {
        edges = 0;
        imr = 0;
        isr = 0;
        lowest = 7;
        specialMask = false;
        readIsr = false;
        poll = false;
        rotateInAutoEoi = false;
        icw4Needed = Bits.isSet(data, 0);
        icw4(0);
        dueIcw = 2;
    }

    private void icw4(int data) {
        specialFullyNested = Bits.isSet(data, 4);
        autoEoi = Bits.isSet(data, 1);
        dueIcw = 0;
    }

    /** OCW2: R, SL, EOI in bits 7 to 5 and a level in bits 2 to 0. */
    private void ocw2(int data) {
        int level = data & 7;
        switch (data >> 5) {
            case 0 -> rotateInAutoEoi = false;
            case 1 -> endOfInterrupt(highestInService(), false);
            case 2 -> { }
            case 3 -> endOfInterrupt(level, false);
            case 4 -> rotateInAutoEoi = true;
            case 5 -> endOfInterrupt(highestInService(), true);
            case 6 -> lowest = level;
            default -> endOfInterrupt(level, true);
        }
    }

    private void endOfInterrupt(int irq, boolean rotate) {
        if (irq < 0) {
            return;
        }
        isr &= ~(1 << irq);
        if (rotate) {
            lowest = irq;
        }
    }

    private int highestInService() {
        int urgency = urgency(specialMask ? isr & ~imr : isr);
        return urgency < 8 ? urgency + lowest + 1 & 7 : -1;
    }

    private void ocw3(int data) {
        if (Bits.isSet(data, 6)) {
            specialMask = Bits.isSet(data, 5);
        }
        if (Bits.isSet(data, 2)) {
            poll = true;
        } else if (Bits.isSet(data, 1)) {
            readIsr = Bits.isSet(data, 0);
        }
    }

    /** What in service keeps others off (datasheet, "Special Mask Mode", "The Special Fully Nested Mode"). */
    private int blocking() {
        int inService = specialMask ? isr & ~imr : isr;
        return specialFullyNested ? inService & ~cascade : inService;
    }

    private int levelInputs() {
        return elcr | cascade;
    }

    /** How far the most urgent of {@code set} is from the highest priority: 0 to 7, 8 for none. */
    private int urgency(int set) {
        int rotated = (set | set << 8) >>> (lowest + 1 & 7) & 0xff;
        return rotated == 0 ? 8 : Integer.numberOfTrailingZeros(rotated);
    }

    @Override
    public void exchangeState(StateIo io) {
        lines = io.u8("lines", lines);
        edges = io.u8("edges", edges);
        imr = io.u8("imr", imr);
        isr = io.u8("isr", isr);
        elcr = io.u8("elcr", elcr) & elcrWritable;
        vectorBase = io.u8("icw2", vectorBase) & 0xf8;
        lowest = (int) io.bits("lowest", 3, lowest);
        autoEoi = io.flag("aeoi", autoEoi);
        rotateInAutoEoi = io.flag("rotate-in-aeoi", rotateInAutoEoi);
        specialFullyNested = io.flag("sfnm", specialFullyNested);
        specialMask = io.flag("smm", specialMask);
        readIsr = io.flag("read-isr", readIsr);
        poll = io.flag("poll", poll);
        dueIcw = (int) io.bits("due-icw", 3, dueIcw);
        icw4Needed = io.flag("ic4", icw4Needed);
    }

    @Override
    public String toString() {
        return String.format("irr=%02x imr=%02x isr=%02x elcr=%02x base=%02x lowest=%d", irr(), imr, isr, elcr, vectorBase,
                lowest);
    }
}
