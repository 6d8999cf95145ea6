package org.jkvm.soft.chip;

import org.jkvm.base.Bits;
import org.jkvm.base.IoHandler;
import org.jkvm.base.Line;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.state.Stateful;
import org.jkvm.base.time.Clock;
import org.jkvm.base.time.Frequency;

/**
 * The PC's 8254 programmable interval timer (Intel 8254 datasheet 231164) and the part of system control port B that
 * belongs to it (82371AB PIIX4 datasheet, section 4.2.8.1, NMISC at 61h). Counter 0 interrupts, counter 1 once refreshed
 * DRAM, counter 2 makes sound. Single-threaded: the chip's lock is held.
 *
 * <p>Edges of counter 0 are due at exact multiples of its period; none is lost while the host is late by up to a quarter
 * of a second: the missed ones follow at up to four times the pace. What is missed beyond that is skipped.
 */
public final class Pit8254 implements Stateful {
    /** CLK of all three counters: a twelfth of the colour burst crystal's quadruple, 14.31818 MHz / 12. */
    public static final long HERTZ = 1_193_182;

    private static final Frequency RATE = new Frequency(HERTZ);
    /** How late edges may come before they are given up. */
    private static final long BACKLOG = HERTZ / 4;
    /** No guest makes counter 0 interrupt more often than this, so that it can't occupy the clock's thread: 20 us. */
    private static final long SHORTEST_NANOS = 20_000;
    /** Counter 1 requests a refresh every 15 us, 18 ticks; port 61h bit 4 toggles with it. */
    private static final long REFRESH = 18;

    private final Clock clock;
    private final Line irq0;
    private final Clock.Timer timer;
    private final PitChannel[] channels = {new PitChannel(true), new PitChannel(true), new PitChannel(false)};
    /** The tick of counter 0's next rising edge. */
    private long due;
    /** Nanoseconds that the timer fires after it while edges that were missed follow. */
    private long delay;
    /** Bits 3:0 of port 61h as written; bit 0 is counter 2's GATE. */
    private int portB;

    /** A timer after power-on; {@code irq0} is counter 0's OUT. Callbacks come on the clock's thread, with its lock. */
    public Pit8254(Clock clock, Line irq0) {
        this.clock = clock;
        this.irq0 = irq0;
        this.timer = clock.timer("pit", this::expired);
        reset();
    }

    /** The window of the counters and the control word: four bytes, at ports 40h to 43h on a PC. */
    public IoHandler counters() {
        return new Counters();
    }

    /** System control port B: one byte, at port 61h on a PC. */
    public IoHandler portB() {
        return new PortB();
    }

    /** Whether counter 2's OUT is high. */
    public boolean speakerOutput() {
        return channels[2].out(now());
    }

    /** As firmware leaves it: counter 0 interrupts 18.2 times a second. */
    public void reset() {
        portB = 0;
        for (PitChannel c : channels) {
            c.reset(now(), c != channels[2]);
        }
        reprogrammed();
    }

    /** Counts no more. */
    void close() {
        timer.cancel();
    }

    private long now() {
        return RATE.ticks(clock.nanos());
    }

    private void writeControl(int word) {
        int select = word >> 6;
        if (select == 3) {
            readBack(word);
        } else if ((word & 0x30) == 0) {
            channels[select].latchCount(now());
        } else {
            channels[select].controlWord(word, now());
            reprogrammed(select);
        }
    }

    /** Read-back command (datasheet, figure 11): COUNT and STATUS are active low, bits 3 to 1 select counters. */
    private void readBack(int word) {
        for (int i = 0; i < channels.length; i++) {
            if (Bits.isSet(word, i + 1) && !Bits.isSet(word, 5)) {
                channels[i].latchCount(now());
            }
            if (Bits.isSet(word, i + 1) && !Bits.isSet(word, 4)) {
                channels[i].latchStatus(now());
            }
        }
    }

    private void reprogrammed(int channel) {
        if (channel == 0) {
            reprogrammed();
        }
    }

    private void reprogrammed() {
        long now = now();
        irq0.set(channels[0].out(now));
        due = channels[0].nextRise(now);
        arm(0);
    }

    /** Arms for the edge that is due, no earlier than at {@code earliest}. */
    private void arm(long earliest) {
        delay = due == PitChannel.NEVER ? 0 : Math.max(0, earliest - RATE.nanos(due));
        if (due == PitChannel.NEVER) {
            timer.cancel();
        } else {
            timer.arm(RATE.nanos(due) + delay);
        }
    }

    private void expired() {
        irq0.set(false);
        irq0.set(true);
        long now = now();
        long next = channels[0].nextRise(due);
        due = now - next > BACKLOG ? channels[0].nextRise(now) : next;
        arm(clock.nanos() + Math.max(SHORTEST_NANOS, RATE.nanos(channels[0].period() / 4)));
    }

    private int readPortB() {
        long now = now();
        return portB | (int) (now / REFRESH & 1) << 4 | (channels[2].out(now) ? 0x20 : 0);
    }

    private void writePortB(int value) {
        portB = value & 0xf;
        channels[2].setGate(Bits.isSet(value, 0), now());
    }

    @Override
    public void exchangeState(StateIo io) {
        long now = now();
        for (int i = 0; i < channels.length; i++) {
            PitChannel c = channels[i];
            io.part("counter-" + i, part -> c.exchangeState(part, now));
        }
        portB = (int) io.bits("port-b", 4, portB);
        exchangeTimer(io, now);
    }

    /** An edge that is overdue, as distances: the clock may show another time when restored. */
    private void exchangeTimer(StateIo io, long now) {
        long late = io.bits("late", 32, due <= now ? now + 1 - due : 0);
        long wait = io.bits("delay", 32, delay);
        if (io.restoring()) {
            due = late > 0 ? now + 1 - late : channels[0].nextRise(now);
            arm(due == PitChannel.NEVER ? 0 : RATE.nanos(due) + wait);
        }
    }

    private final class Counters implements IoHandler {
        @Override
        public long read(long offset, int size) {
            return offset == 3 ? 0xff : channels[(int) offset].read(now());
        }

        @Override
        public void write(long offset, int size, long value) {
            int data = (int) value & 0xff;
            if (offset == 3) {
                writeControl(data);
            } else {
                channels[(int) offset].write(data, now());
                reprogrammed((int) offset);
            }
        }
    }

    private final class PortB implements IoHandler {
        @Override
        public long read(long offset, int size) {
            return readPortB();
        }

        @Override
        public void write(long offset, int size, long value) {
            writePortB((int) value & 0xff);
        }
    }
}
