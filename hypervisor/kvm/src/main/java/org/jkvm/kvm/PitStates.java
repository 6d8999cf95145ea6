package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateIo;
import org.jkvm.base.time.Frequency;

/**
 * The kernel's 8254 in the format that saved machines have (Intel 8254 datasheet 231164). The kernel begins counting anew
 * where it is restored: phases are lost, counts and modes are not.
 */
final class PitStates {
    private static final Frequency RATE = new Frequency(1_193_182);
    private static final int CHANNELS = 3;
    private static final int FULL = 0x10000;
    private static final int LSB = 1;
    private static final int MSB = 2;
    private static final int WORD_FIRST = 3;
    private static final int WORD_SECOND = 4;
    private static final int NOT_PROGRAMMED = 0xff;
    private static final int SQUARE_WAVE = 3;

    private PitStates() {
    }

    /** As a PC's firmware leaves it: counter 0 interrupts 18.2 times a second. */
    static MemorySegment firmware() {
        MemorySegment pit = Arena.ofAuto().allocate(ChipAbi.PitState.S.size(), 8);
        for (int n = 0; n < CHANNELS; n++) {
            Channel c = new Channel(pit, n);
            c.segment().set(JAVA_INT, c.at(ChipAbi.PitChannel.COUNT), FULL);
            c.set(ChipAbi.PitChannel.RW_MODE, LSB | MSB);
            c.set(ChipAbi.PitChannel.READ_STATE, WORD_FIRST);
            c.set(ChipAbi.PitChannel.WRITE_STATE, WORD_FIRST);
            c.set(ChipAbi.PitChannel.MODE, SQUARE_WAVE);
            c.set(ChipAbi.PitChannel.GATE, n < 2 ? 1 : 0);
        }
        return pit;
    }

    /** OUT of a counter, now. */
    static boolean output(MemorySegment pit, int channel) {
        Channel c = new Channel(pit, channel);
        long ticks = c.age();
        long count = c.count();
        return switch (c.get(ChipAbi.PitChannel.MODE)) {
            case 0, 1 -> ticks >= count;
            case 2 -> ticks % count != count - 1;
            case SQUARE_WAVE -> ticks % count < (count + 1) / 2;
            default -> ticks != count;
        };
    }

    /** All of it, under the software chip's names. */
    static void exchange(StateIo io, MemorySegment pit) {
        for (int n = 0; n < CHANNELS; n++) {
            Channel channel = new Channel(pit, n);
            io.part("counter-" + n, channel::exchange);
        }
        int flags = pit.get(JAVA_INT, ChipAbi.PitState.FLAGS);
        Channel speaker = new Channel(pit, 2);
        boolean on = (flags & ChipAbi.PitState.SPEAKER_DATA_ON) != 0;
        int portB = (int) io.bits("port-b", 4, speaker.get(ChipAbi.PitChannel.GATE) | (on ? 2 : 0));
        int speakerFlag = (portB & 2) != 0 ? ChipAbi.PitState.SPEAKER_DATA_ON : 0;
        pit.set(JAVA_INT, ChipAbi.PitState.FLAGS, flags & ~ChipAbi.PitState.SPEAKER_DATA_ON | speakerFlag);
        io.bits("late", 32, 0);
        io.bits("delay", 32, 0);
    }

    /** One counter's fields. */
    private record Channel(MemorySegment segment, int number) {
        int at(int field) {
            return ChipAbi.PitState.CHANNELS + number * ChipAbi.PitChannel.S.size() + field;
        }

        int get(int field) {
            return segment.get(JAVA_BYTE, at(field)) & 0xff;
        }

        void set(int field, int value) {
            segment.set(JAVA_BYTE, at(field), (byte) value);
        }

        long count() {
            int count = segment.get(JAVA_INT, at(ChipAbi.PitChannel.COUNT));
            return count < 1 || count > FULL ? FULL : count;
        }

        /** Ticks since the count was loaded; the kernel's time is that of CLOCK_MONOTONIC, as is ours. */
        long age() {
            long loaded = segment.get(JAVA_LONG, at(ChipAbi.PitChannel.COUNT_LOAD_TIME));
            return RATE.ticks(Math.max(0, System.nanoTime() - loaded));
        }

        void exchange(StateIo io) {
            boolean programmed = get(ChipAbi.PitChannel.MODE) != NOT_PROGRAMMED;
            int access = get(ChipAbi.PitChannel.RW_MODE) & 3;
            access = within("rw", (int) io.bits("rw", 2, access == 0 ? LSB | MSB : access), LSB, LSB | MSB);
            set(ChipAbi.PitChannel.RW_MODE, access);
            set(ChipAbi.PitChannel.MODE, within("mode",
                    (int) io.bits("mode", 3, programmed ? get(ChipAbi.PitChannel.MODE) : SQUARE_WAVE), 0, 5));
            set(ChipAbi.PitChannel.BCD, io.flag("bcd", get(ChipAbi.PitChannel.BCD) != 0) ? 1 : 0);
            set(ChipAbi.PitChannel.GATE, io.flag("gate", get(ChipAbi.PitChannel.GATE) != 0) ? 1 : 0);
            segment.set(JAVA_INT, at(ChipAbi.PitChannel.COUNT), within("count", (int) io.bits("count", 17, count()), 1, FULL));
            io.flag("counting", programmed);
            io.bits("age", 62, age() + 1);
            io.bits("held", 62, 0);
            io.bits("waiting", 17, 0);
            io.bits("waits", 62, 0);
            exchangeLatches(io, access);
        }

        private void exchangeLatches(StateIo io, int access) {
            set(ChipAbi.PitChannel.WRITE_LATCH, io.u8("lsb", get(ChipAbi.PitChannel.WRITE_LATCH)));
            boolean msbWrites = io.flag("msb-writes-next", get(ChipAbi.PitChannel.WRITE_STATE) == WORD_SECOND);
            boolean msbReads = io.flag("msb-reads-next", get(ChipAbi.PitChannel.READ_STATE) == WORD_SECOND);
            set(ChipAbi.PitChannel.WRITE_STATE, state(access, msbWrites));
            set(ChipAbi.PitChannel.READ_STATE, state(access, msbReads));
            int latched = get(ChipAbi.PitChannel.COUNT_LATCHED);
            int value = segment.get(JAVA_SHORT, at(ChipAbi.PitChannel.LATCHED_COUNT)) & 0xffff;
            boolean high = latched == MSB || latched == WORD_SECOND;
            value = io.u16("latch", latched == 0 ? 0 : high ? value >> 8 : value);
            int bytes = (int) io.bits("latched-bytes", 2, latched == 0 ? 0 : latched == WORD_FIRST ? 2 : 1);
            if (io.restoring()) {
                boolean second = bytes == 1 && access != LSB;
                set(ChipAbi.PitChannel.COUNT_LATCHED, bytes == 0 ? 0 : bytes == 2 ? WORD_FIRST : state(access, second));
                segment.set(JAVA_SHORT, at(ChipAbi.PitChannel.LATCHED_COUNT), (short) (second ? value << 8 : value));
            }
            boolean status = get(ChipAbi.PitChannel.STATUS_LATCHED) != 0;
            int kept = (int) io.bits("status", 9, status ? get(ChipAbi.PitChannel.STATUS) + 1 : 0);
            set(ChipAbi.PitChannel.STATUS_LATCHED, kept == 0 ? 0 : 1);
            set(ChipAbi.PitChannel.STATUS, kept == 0 ? 0 : kept - 1);
        }

        private static int state(int access, boolean second) {
            return access != (LSB | MSB) ? access : second ? WORD_SECOND : WORD_FIRST;
        }

        private static int within(String name, int value, int least, int most) {
            if (value < least || value > most) {
                throw new StateException(name + ": " + value + ", where " + least + " to " + most + " is allowed");
            }
            return value;
        }
    }
}
