package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.jkvm.base.IoHandler;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.ManualClock;
import org.jkvm.testkit.FakeLine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Pit8254Test {
    private static final int CONTROL = 3;
    private static final long SECOND = 1_000_000_000L;

    private final ManualClock clock = new ManualClock();
    private final FakeLine irq0 = new FakeLine();
    private final Pit8254 pit = new Pit8254(clock, irq0);
    private final IoHandler counters = pit.counters();
    private final IoHandler portB = pit.portB();
    private long tick;

    /** Runs to {@code ticks} CLK periods later. */
    private void run(long ticks) {
        tick += ticks;
        clock.advance(Math.ceilDiv(tick * SECOND, Pit8254.HERTZ) - clock.nanos());
    }

    private void program(int counter, int mode, int count) {
        counters.write(CONTROL, 1, counter << 6 | 0x30 | mode << 1);
        writeCount(counter, count);
    }

    private void writeCount(int counter, int count) {
        counters.write(counter, 1, count & 0xff);
        counters.write(counter, 1, count >> 8);
    }

    private int readCount(int counter) {
        return (int) (counters.read(counter, 1) | counters.read(counter, 1) << 8);
    }

    private int latched(int counter) {
        counters.write(CONTROL, 1, counter << 6);
        return readCount(counter);
    }

    private int status(int counter) {
        counters.write(CONTROL, 1, 0xe0 | 2 << counter);
        return (int) counters.read(counter, 1);
    }

    private void gate2(boolean level) {
        portB.write(0, 1, level ? 1 : 0);
    }

    private int edgesIn(long ticks) {
        int before = irq0.edges();
        run(ticks);
        return irq0.edges() - before;
    }

    @Test
    void afterPowerOnItInterrupts18TimesASecond() {
        clock.advance(SECOND);
        assertThat(irq0.edges()).isEqualTo(1 + 18);
        assertThat(status(0) & 0x3f).isEqualTo(0x36);
    }

    @Test
    void mode0GoesHighOneClockAfterTheCount() {
        program(0, 0, 100);
        assertThat(irq0.level()).isFalse();
        run(100);
        assertThat(irq0.level()).isFalse();
        run(1);
        assertThat(irq0.level()).isTrue();
        assertThat(edgesIn(200_000)).isZero();
    }

    @Test
    void mode0StopsAfterTheFirstByteAndStartsAgainAfterTheSecond() {
        program(0, 0, 100);
        run(60);
        counters.write(0, 1, 10);
        assertThat(edgesIn(200)).isZero();
        counters.write(0, 1, 0);
        assertThat(edgesIn(10)).isZero();
        assertThat(edgesIn(1)).isEqualTo(1);
    }

    @Test
    void mode0CountsOnAfterTheTerminalCount() {
        gate2(true);
        program(2, 0, 5);
        run(1 + 5);
        assertThat(latched(2)).isZero();
        run(1);
        assertThat(latched(2)).isEqualTo(0xffff);
    }

    @Test
    void mode0StandsStillWhileTheGateIsLow() {
        gate2(true);
        program(2, 0, 100);
        run(31);
        gate2(false);
        run(1000);
        assertThat(latched(2)).isEqualTo(70);
        gate2(true);
        run(69);
        assertThat(pit.speakerOutput()).isFalse();
        run(1);
        assertThat(pit.speakerOutput()).isTrue();
    }

    @Test
    void mode1IsTriggeredAgainByTheGate() {
        program(2, 1, 10);
        run(50);
        assertThat(pit.speakerOutput()).isTrue();
        gate2(true);
        run(1);
        assertThat(pit.speakerOutput()).isFalse();
        run(9);
        gate2(false);
        gate2(true);
        run(10);
        assertThat(pit.speakerOutput()).isFalse();
        run(1);
        assertThat(pit.speakerOutput()).isTrue();
    }

    @Test
    void mode2IsLowForOneClockAPeriod() {
        gate2(true);
        program(2, 2, 4);
        run(1);
        String wave = "";
        for (int i = 0; i < 9; i++) {
            wave += pit.speakerOutput() ? "1" : "0";
            run(1);
        }
        assertThat(wave).isEqualTo("111011101");
    }

    @ParameterizedTest
    @CsvSource({"4, 110011001100", "5, 111001110011", "2, 101010101010"})
    void mode3IsASquareWave(int count, String expected) {
        gate2(true);
        program(2, 3, count);
        run(1);
        String wave = "";
        for (int i = 0; i < expected.length(); i++) {
            wave += pit.speakerOutput() ? "1" : "0";
            run(1);
        }
        assertThat(wave).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"4, 4242", "5, 42042", "6, 642642"})
    void mode3CountsByTwo(int count, String expected) {
        gate2(true);
        program(2, 3, count);
        run(1);
        String counts = "";
        for (int i = 0; i < expected.length(); i++) {
            counts += latched(2);
            run(1);
        }
        assertThat(counts).isEqualTo(expected);
    }

    @Test
    void mode4StrobesOnceAfterTheCount() {
        program(0, 4, 10);
        assertThat(edgesIn(11)).isZero();
        assertThat(edgesIn(1)).isEqualTo(1);
        assertThat(edgesIn(100_000)).isZero();
    }

    @Test
    void mode5StrobesAfterTheTrigger() {
        program(2, 5, 3);
        run(20);
        gate2(true);
        run(1);
        String wave = "";
        for (int i = 0; i < 6; i++) {
            wave += pit.speakerOutput() ? "1" : "0";
            run(1);
        }
        assertThat(wave).isEqualTo("111011");
    }

    @ParameterizedTest
    @CsvSource({"2, 1193", "3, 1193", "2, 11932", "3, 4773"})
    void periodicEdgesDoNotDrift(int mode, int count) {
        program(0, mode, count);
        assertThat(edgesIn(1)).isZero();
        assertThat(edgesIn(10_000L * count - 1)).isEqualTo(9_999);
        assertThat(edgesIn(1)).isEqualTo(1);
    }

    @Test
    void aNewCountWaitsForTheEndOfThePeriod() {
        program(0, 2, 100);
        run(1 + 30);
        writeCount(0, 40);
        assertThat(status(0) & 0x40).isEqualTo(0x40);
        assertThat(edgesIn(69)).isZero();
        assertThat(edgesIn(1)).isEqualTo(1);
        assertThat(status(0) & 0x40).isZero();
        assertThat(edgesIn(400)).isEqualTo(10);
    }

    @Test
    void theGateStopsAndRestartsAPeriod() {
        gate2(true);
        program(2, 2, 100);
        run(1 + 30);
        assertThat(latched(2)).isEqualTo(70);
        gate2(false);
        run(500);
        assertThat(pit.speakerOutput()).isTrue();
        gate2(true);
        run(1);
        assertThat(latched(2)).isEqualTo(100);
    }

    @Test
    void aLatchedCountStaysUntilItIsRead() {
        program(0, 2, 1000);
        run(1 + 100);
        counters.write(CONTROL, 1, 0x00);
        run(100);
        counters.write(CONTROL, 1, 0x00);
        assertThat(readCount(0)).isEqualTo(900);
        assertThat(readCount(0)).isEqualTo(800);
    }

    @Test
    void readBackLatchesStatusAndCountOfSeveralCounters() {
        gate2(true);
        program(0, 2, 1000);
        program(2, 0, 500);
        run(1 + 100);
        counters.write(CONTROL, 1, 0xca);
        run(50);
        assertThat(counters.read(0, 1)).isEqualTo(0x80 | 0x34);
        assertThat(readCount(0)).isEqualTo(900);
        assertThat(counters.read(2, 1)).isEqualTo(0x30);
        assertThat(readCount(2)).isEqualTo(400);
    }

    @Test
    void nullCountIsSetUntilTheCountIsLoaded() {
        counters.write(CONTROL, 1, 0x34);
        assertThat(status(0)).isEqualTo(0x80 | 0x40 | 0x34);
        writeCount(0, 1000);
        assertThat(status(0) & 0x40).isEqualTo(0x40);
        run(1);
        assertThat(status(0) & 0x40).isZero();
    }

    @Test
    void countsInBcd() {
        gate2(true);
        counters.write(CONTROL, 1, 0xb1);
        writeCount(2, 0x1000);
        run(1 + 1);
        assertThat(latched(2)).isEqualTo(0x0999);
        counters.write(CONTROL, 1, 0xb1);
        writeCount(2, 0);
        run(1 + 1);
        assertThat(latched(2)).isEqualTo(0x9999);
    }

    @Test
    void oneByteAccessesLeaveTheOtherByteZero() {
        gate2(true);
        counters.write(CONTROL, 1, 0xa0);
        counters.write(2, 1, 0x12);
        run(1);
        assertThat(counters.read(2, 1)).isEqualTo(0x12);
        assertThat(counters.read(2, 1)).isEqualTo(0x12);
        counters.write(CONTROL, 1, 0x90);
        counters.write(2, 1, 0x34);
        run(1 + 0x34 + 1);
        assertThat(counters.read(2, 1)).isEqualTo(0xff);
    }

    @Test
    void portBShowsGateSpeakerOutputAndRefresh() {
        portB.write(0, 1, 0xff);
        assertThat(portB.read(0, 1) & 0xcf).isEqualTo(0x0f);
        program(2, 0, 10);
        assertThat(portB.read(0, 1) & 0x20).isZero();
        run(11);
        assertThat(portB.read(0, 1) & 0x20).isEqualTo(0x20);
        long refresh = portB.read(0, 1) & 0x10;
        run(18);
        assertThat(portB.read(0, 1) & 0x10).isEqualTo(refresh ^ 0x10);
    }

    @Test
    void missedEdgesFollowFasterAndThenOnTime() {
        program(0, 2, 11932);
        clock.stall(100_000_000);
        int before = irq0.edges();
        clock.advance(40_000_000);
        assertThat(irq0.edges() - before).as("ten late ones, four due meanwhile").isBetween(13, 14);
        before = irq0.edges();
        clock.advance(100_000_000);
        assertThat(irq0.edges() - before).isEqualTo(10);
    }

    @Test
    void edgesThatAreVeryLateAreSkipped() {
        program(0, 2, 11932);
        clock.stall(10 * SECOND);
        int before = irq0.edges();
        clock.advance(SECOND);
        assertThat(irq0.edges() - before).isBetween(100, 102);
    }

    @Test
    void theShortestPeriodDoesNotOccupyTheHost() {
        counters.write(CONTROL, 1, 0x14);
        counters.write(0, 1, 1);
        int before = irq0.edges();
        clock.advance(SECOND / 100);
        assertThat(irq0.edges() - before).isBetween(400, 501);
    }

    @Test
    void savedInTheMiddleOfAPeriodItGoesOnAtAnotherTime() {
        program(0, 2, 1000);
        gate2(true);
        program(2, 0, 5000);
        run(400);
        writeCount(0, 300);
        counters.write(CONTROL, 1, 0x84);
        StateTree saved = StateTree.save(pit);

        ManualClock otherClock = new ManualClock();
        FakeLine otherIrq = new FakeLine();
        Pit8254 other = new Pit8254(otherClock, otherIrq);
        otherClock.stall(77 * SECOND);
        saved.restore(other);
        assertThat(StateTree.save(other).values()).usingRecursiveComparison().isEqualTo(saved.values());
        int before = otherIrq.edges();
        otherClock.advance(601 * SECOND / Pit8254.HERTZ - 2000);
        assertThat(otherIrq.edges()).isEqualTo(before);
        otherClock.advance(4000);
        assertThat(otherIrq.edges()).isEqualTo(before + 1);
        otherClock.advance(300 * SECOND / Pit8254.HERTZ);
        assertThat(otherIrq.edges()).isEqualTo(before + 2);
    }

    @ParameterizedTest
    @CsvSource({"mode, 6", "count, 0", "count, 65537", "rw, 0", "waiting, 65537"})
    void refusesStatesThatNoCounterCanHave(String field, long value) {
        Map<String, Object> values = new HashMap<>(StateTree.save(pit).values());
        Map<String, Object> counter = new HashMap<>();
        ((Map<?, ?>) values.get("counter-0")).forEach((k, v) -> counter.put((String) k, v));
        counter.put(field, value);
        values.put("counter-0", counter);
        assertThatThrownBy(() -> StateTree.of(values).restore(pit)).isInstanceOf(StateException.class)
                .hasMessageContaining(field);
    }
}
