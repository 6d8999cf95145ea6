package org.jkvm.soft.chip;

import org.jkvm.base.Bits;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;

/**
 * One counter of an 8254 (Intel 8254 datasheet 231164, "Mode Definitions"). It stores no count: it stores the clock tick
 * at which the counting element was loaded, and what OUT and the count are follows from the tick that it is asked at.
 */
final class PitChannel {
    /** No such tick. */
    static final long NEVER = Long.MAX_VALUE;

    private static final int LSB = 1;
    private static final int MSB = 2;

    private int access = LSB | MSB;
    private int mode = 3;
    private boolean bcd;
    private boolean gate;
    /** The count that counts, 1 to 65536. */
    private int count = 0x10000;
    /** The tick at which it was loaded; it may be the next one. */
    private long loaded;
    private boolean counting = true;
    /** Ticks counted when the gate stopped it, or -1. */
    private long heldAt = -1;
    /** A count that waits for the end of the period (modes 2 and 3) or the trigger (1 and 5), or 0. */
    private int waiting;
    private long waitsFor = NEVER;
    private int lsbWritten;
    private boolean msbWritesNext;
    private boolean msbReadsNext;
    /** Latched bytes still to be read, least significant first, and how many. */
    private int latch;
    private int latchedBytes;
    private int statusLatch = -1;

    PitChannel(boolean gate) {
        this.gate = gate;
    }

    /** As a PC's firmware leaves it: square wave, full count. */
    void reset(long now, boolean gateLevel) {
        gate = gateLevel;
        controlWord(0x36, now);
        load(0x10000, now);
    }

    /** A control word with RW other than 0; the counter select bits were decoded by the caller. */
    void controlWord(int word, long now) {
        access = word >> 4 & 3;
        mode = (word >> 1 & 7) > 5 ? word >> 1 & 3 : word >> 1 & 7;
        bcd = Bits.isSet(word, 0);
        counting = false;
        waiting = 0;
        waitsFor = NEVER;
        heldAt = -1;
        msbWritesNext = false;
        msbReadsNext = false;
        latchedBytes = 0;
        statusLatch = -1;
    }

    /** Writes a byte of the count. */
    void write(int data, long now) {
        settle(now);
        if (access == (LSB | MSB) && !msbWritesNext) {
            lsbWritten = data;
            msbWritesNext = true;
            counting &= mode != 0;
            return;
        }
        int low = access == MSB ? 0 : access == LSB ? data : lsbWritten;
        msbWritesNext = false;
        load(initialCount(access == LSB ? low : data << 8 | low), now);
    }

    /** Reads status, latched count or the count itself, a byte at a time. */
    int read(long now) {
        settle(now);
        if (statusLatch >= 0) {
            int status = statusLatch;
            statusLatch = -1;
            return status;
        }
        if (latchedBytes > 0) {
            int data = latch & 0xff;
            latch >>= 8;
            latchedBytes--;
            return data;
        }
        boolean high = access == MSB || msbReadsNext;
        msbReadsNext = access == (LSB | MSB) && !msbReadsNext;
        return reading(now) >> (high ? 8 : 0) & 0xff;
    }

    /** Counter latch command; a count already latched stays (datasheet, "Counter Latch Command"). */
    void latchCount(long now) {
        settle(now);
        if (latchedBytes == 0) {
            int value = reading(now);
            latch = access == MSB ? value >> 8 : value;
            latchedBytes = access == (LSB | MSB) ? 2 : 1;
        }
    }

    /** Read-back command for the status byte: OUT, NULL COUNT, RW, M, BCD. */
    void latchStatus(long now) {
        settle(now);
        if (statusLatch < 0) {
            boolean nullCount = !counting || waiting != 0 || now < loaded;
            statusLatch = (out(now) ? 0x80 : 0) | (nullCount ? 0x40 : 0) | access << 4 | mode << 1 | (bcd ? 1 : 0);
        }
    }

    boolean gate() {
        return gate;
    }

    /** Drives GATE (datasheet, figure 21, "Gate Pin Operations Summary"). */
    void setGate(boolean level, long now) {
        settle(now);
        if (level == gate) {
            return;
        }
        gate = level;
        switch (mode) {
            case 0, 4 -> {
                loaded = level ? now - heldAt : loaded;
                heldAt = level ? -1 : elapsed(now);
            }
            case 2, 3 -> {
                takeWaiting();
                loaded = now + 1;
                heldAt = level ? -1 : 0;
            }
            default -> trigger(now);
        }
    }

    /** OUT. */
    boolean out(long now) {
        settle(now);
        if (!counting || now < loaded) {
            return mode != 0;
        }
        long ticks = elapsed(now);
        return switch (mode) {
            case 0, 1 -> ticks >= count;
            case 2 -> !gate || ticks % count != count - 1;
            case 3 -> !gate || ticks % count < (count + 1) / 2;
            default -> ticks != count;
        };
    }

    /** The first tick after {@code now} at which OUT goes high, or {@link #NEVER}. */
    long nextRise(long now) {
        settle(now);
        if (!counting || heldAt >= 0) {
            return NEVER;
        }
        if (periodic()) {
            return loaded + Math.max(1, Math.floorDiv(now - loaded, (long) count) + 1) * count;
        }
        long rise = loaded + count + (mode >= 4 ? 1 : 0);
        return rise > now ? rise : NEVER;
    }

    /** Ticks between rising edges where OUT is a wave, else 0. */
    long period() {
        return periodic() ? count : 0;
    }

    private boolean periodic() {
        return mode == 2 || mode == 3;
    }

    /** A new count: the counting element takes it on the next tick, after the period or on the next trigger. */
    private void load(int newCount, long now) {
        boolean waits = mode == 1 || mode == 5 || periodic() && counting;
        if (waits) {
            waitsFor = periodic() ? nextRise(now) : NEVER;
            waiting = newCount;
        } else {
            count = newCount;
            loaded = now + 1;
            counting = true;
            heldAt = gate ? -1 : 0;
        }
    }

    /** GATE of modes 1 and 5: a rising edge starts, and starts again; the level means nothing. */
    private void trigger(long now) {
        if (gate && (counting || waiting != 0)) {
            takeWaiting();
            loaded = now + 1;
            counting = true;
        }
    }

    /** Takes a waiting count whose time has come. */
    private void settle(long now) {
        if (waiting != 0 && now >= waitsFor) {
            loaded = waitsFor;
            takeWaiting();
        }
    }

    private void takeWaiting() {
        count = waiting != 0 ? waiting : count;
        waiting = 0;
        waitsFor = NEVER;
    }

    private long elapsed(long now) {
        return heldAt >= 0 ? heldAt : Math.max(0, now - loaded);
    }

    /** What the counting element holds, as the guest reads it. */
    private int reading(long now) {
        long ticks = elapsed(now);
        long value = switch (mode) {
            case 2 -> count - ticks % count;
            case 3 -> squareWave(ticks % count);
            default -> Math.floorMod(count - ticks, modulus());
        };
        return bcd ? toBcd((int) value) : (int) value & 0xffff;
    }

    /** Mode 3 counts down by two, twice a period; an odd count is made even first. */
    private long squareWave(long ticks) {
        long half = (count + 1) / 2;
        return (count & ~1) - 2 * (ticks < half ? ticks : ticks - half);
    }

    private int modulus() {
        return bcd ? 10_000 : 0x10000;
    }

    private int initialCount(int written) {
        int value = bcd ? fromBcd(written) : written;
        return value == 0 ? modulus() : value;
    }

    private static int fromBcd(int digits) {
        return (digits >> 12 & 15) * 1000 + (digits >> 8 & 15) * 100 + (digits >> 4 & 15) * 10 + (digits & 15);
    }

    private static int toBcd(int value) {
        return value / 1000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
    }

    /** Exchanges with ticks counted from {@code now}, so that it does not matter when it is restored. */
    void exchangeState(StateIo io, long now) {
        settle(now);
        access = within(io, "rw", (int) io.bits("rw", 2, access), LSB, LSB | MSB);
        mode = within(io, "mode", (int) io.bits("mode", 3, mode), 0, 5);
        bcd = io.flag("bcd", bcd);
        gate = io.flag("gate", gate);
        count = within(io, "count", (int) io.bits("count", 17, count), 1, 0x10000);
        counting = io.flag("counting", counting);
        loaded = now + 1 - io.bits("age", 62, now + 1 - loaded);
        heldAt = io.bits("held", 62, heldAt + 1) - 1;
        waiting = within(io, "waiting", (int) io.bits("waiting", 17, waiting), 0, 0x10000);
        long wait = io.bits("waits", 62, waitsFor == NEVER ? 0 : waitsFor - now);
        waitsFor = wait == 0 ? NEVER : now + wait;
        lsbWritten = io.u8("lsb", lsbWritten);
        msbWritesNext = io.flag("msb-writes-next", msbWritesNext);
        msbReadsNext = io.flag("msb-reads-next", msbReadsNext);
        latch = io.u16("latch", latch);
        latchedBytes = (int) io.bits("latched-bytes", 2, latchedBytes);
        statusLatch = (int) io.bits("status", 9, statusLatch + 1) - 1;
    }

    private static int within(StateIo io, String name, int value, int least, int most) {
        if (io.restoring() && (value < least || value > most)) {
            throw new StateException(name + ": " + value + ", where " + least + " to " + most + " is allowed");
        }
        return value;
    }
}
