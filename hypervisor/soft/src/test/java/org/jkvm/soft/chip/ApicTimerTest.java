package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jkvm.soft.chip.ApicBench.LVT_TIMER;
import static org.jkvm.soft.chip.ApicBench.TDCR;
import static org.jkvm.soft.chip.ApicBench.TMCCT;
import static org.jkvm.soft.chip.ApicBench.TMICT;

import org.jkvm.base.time.ManualClock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ApicTimerTest {
    private static final int DIVIDE_BY_1 = 0xb;
    private static final int PERIODIC = 1 << 17;
    private static final int TSC_DEADLINE = 2 << 17;
    private static final int DEADLINE_MSR = VcpuInterrupts.IA32_TSC_DEADLINE;

    private final ApicBench bench = new ApicBench(1);
    private final VcpuInterrupts cpu = bench.cpus[0];

    private void start(int lvt, int divide, long count) {
        bench.write(0, LVT_TIMER, lvt);
        bench.write(0, TDCR, divide);
        bench.write(0, TMICT, count);
    }

    private int interruptsIn(int steps, long nanos) {
        int count = 0;
        for (int i = 0; i < steps; i++) {
            bench.clock.advance(nanos);
            count += bench.take(0) == 0x40 ? 1 : 0;
        }
        return count;
    }

    @Test
    void oneShotInterruptsOnce() {
        start(0x40, DIVIDE_BY_1, 1_000_000);
        bench.clock.advance(999_999);
        assertThat(bench.read(0, TMCCT)).isEqualTo(1);
        assertThat(bench.take(0)).isEqualTo(-1);
        bench.clock.advance(1);
        assertThat(bench.read(0, TMCCT)).isZero();
        assertThat(bench.take(0)).isEqualTo(0x40);
        assertThat(interruptsIn(5, 1_000_000)).isZero();
    }

    @Test
    void periodicInterruptsAgainAndAgain() {
        start(PERIODIC | 0x40, DIVIDE_BY_1, 1_000_000);
        assertThat(interruptsIn(10, 1_000_000)).isEqualTo(10);
        bench.clock.advance(250_000);
        assertThat(bench.read(0, TMCCT)).isEqualTo(750_000);
        assertThat(bench.read(0, TMICT)).isEqualTo(1_000_000);
    }

    @ParameterizedTest
    @CsvSource({"0x0, 2", "0x1, 4", "0x2, 8", "0x3, 16", "0x8, 32", "0x9, 64", "0xa, 128", "0xb, 1"})
    void theInputClockIsDivided(String register, int divisor) {
        start(0x40, Integer.decode(register), 1000);
        bench.clock.advance(1000L * divisor - 1);
        assertThat(bench.take(0)).isEqualTo(-1);
        bench.clock.advance(1);
        assertThat(bench.take(0)).isEqualTo(0x40);
    }

    @Test
    void aNewDividerStretchesWhatIsLeft() {
        start(0x40, DIVIDE_BY_1, 1000);
        bench.clock.advance(400);
        bench.write(0, TDCR, 0);
        assertThat(bench.read(0, TMCCT)).isEqualTo(600);
        bench.clock.advance(1199);
        assertThat(bench.take(0)).isEqualTo(-1);
        bench.clock.advance(1);
        assertThat(bench.take(0)).isEqualTo(0x40);
    }

    @Test
    void aCountOfZeroStops() {
        start(PERIODIC | 0x40, DIVIDE_BY_1, 1_000_000);
        bench.write(0, TMICT, 0);
        assertThat(bench.read(0, TMCCT)).isZero();
        assertThat(interruptsIn(5, 1_000_000)).isZero();
    }

    @Test
    void maskedItCountsSilently() {
        start(PERIODIC | 1 << 16 | 0x40, DIVIDE_BY_1, 1_000_000);
        assertThat(interruptsIn(3, 1_000_000)).isZero();
        bench.write(0, LVT_TIMER, PERIODIC | 0x40);
        assertThat(interruptsIn(3, 1_000_000)).isEqualTo(3);
    }

    @Test
    void tscDeadlineFiresWhenTheTscGetsThere() {
        bench.write(0, LVT_TIMER, TSC_DEADLINE | 0x40);
        bench.clock.advance(1000);
        assertThat(cpu.tsc().read()).isEqualTo(2000);
        assertThat(cpu.writeMsr(DEADLINE_MSR, 5000)).isTrue();
        assertThat(cpu.readMsr(DEADLINE_MSR)).hasValue(5000);
        bench.clock.advance(1499);
        assertThat(bench.take(0)).isEqualTo(-1);
        bench.clock.advance(1);
        assertThat(bench.take(0)).isEqualTo(0x40);
        assertThat(cpu.readMsr(DEADLINE_MSR)).hasValue(0);
    }

    @Test
    void aTscDeadlineInThePastFiresAtOnce() {
        bench.write(0, LVT_TIMER, TSC_DEADLINE | 0x40);
        bench.clock.advance(1000);
        cpu.writeMsr(DEADLINE_MSR, 1);
        assertThat(bench.pins[0].interrupt).isTrue();
    }

    @Test
    void aTscDeadlineAtTheEndOfTimeNeverFires() {
        bench.write(0, LVT_TIMER, TSC_DEADLINE | 0x40);
        cpu.writeMsr(DEADLINE_MSR, -1L);
        bench.clock.advance(10_000_000_000L);
        assertThat(bench.take(0)).isEqualTo(-1);
        assertThat(cpu.readMsr(DEADLINE_MSR)).hasValue(-1L);
    }

    @Test
    void aTscDeadlineOfZeroDisarms() {
        bench.write(0, LVT_TIMER, TSC_DEADLINE | 0x40);
        cpu.writeMsr(DEADLINE_MSR, 5000);
        cpu.writeMsr(DEADLINE_MSR, 0);
        bench.clock.advance(10_000);
        assertThat(bench.take(0)).isEqualTo(-1);
    }

    @Test
    void theDeadlineFollowsAWrittenTsc() {
        bench.write(0, LVT_TIMER, TSC_DEADLINE | 0x40);
        cpu.writeMsr(DEADLINE_MSR, 1_000_000);
        cpu.writeTsc(900_000);
        bench.clock.advance(49_999);
        assertThat(bench.take(0)).isEqualTo(-1);
        bench.clock.advance(1);
        assertThat(bench.take(0)).isEqualTo(0x40);
        cpu.writeMsr(DEADLINE_MSR, 5_000_000);
        cpu.writeTsc(6_000_000);
        assertThat(bench.take(0)).isEqualTo(0x40);
    }

    @Test
    void countAndDeadlineKeepOutOfEachOthersMode() {
        bench.write(0, LVT_TIMER, TSC_DEADLINE | 0x40);
        bench.write(0, TMICT, 1000);
        assertThat(bench.read(0, TMCCT)).isZero();
        bench.write(0, LVT_TIMER, 0x40);
        cpu.writeMsr(DEADLINE_MSR, 5000);
        assertThat(cpu.readMsr(DEADLINE_MSR)).hasValue(0);
        bench.clock.advance(100_000);
        assertThat(bench.take(0)).isEqualTo(-1);
    }

    @Test
    void changingToOrFromTscDeadlineModeDisarms() {
        start(0x40, DIVIDE_BY_1, 1000);
        bench.write(0, LVT_TIMER, TSC_DEADLINE | 0x40);
        cpu.writeMsr(DEADLINE_MSR, 10_000);
        bench.write(0, LVT_TIMER, 0x40);
        bench.clock.advance(100_000);
        assertThat(bench.take(0)).isEqualTo(-1);
    }

    @Test
    void aLatePeriodicTimerKeepsItsPhase() {
        ManualClock clock = new ManualClock();
        int[] fired = {0};
        ApicTimer timer = new ApicTimer(clock, new GuestTsc(clock, 1_000_000_000L), () -> fired[0]++);
        timer.setMode(ApicTimer.Mode.PERIODIC);
        timer.setDivide(DIVIDE_BY_1);
        timer.start(1_000_000);
        clock.stall(5_300_000);
        assertThat(timer.currentCount()).isEqualTo(700_000);
        clock.advance(1);
        assertThat(fired[0]).isEqualTo(1);
        clock.advance(699_999);
        assertThat(fired[0]).isEqualTo(2);
        clock.advance(10_000_000);
        assertThat(fired[0]).isEqualTo(12);
    }

    @Test
    void theShortestPeriodDoesNotOccupyTheHost() {
        ManualClock clock = new ManualClock();
        int[] fired = {0};
        ApicTimer timer = new ApicTimer(clock, new GuestTsc(clock, 1_000_000_000L), () -> fired[0]++);
        timer.setMode(ApicTimer.Mode.PERIODIC);
        timer.start(1);
        clock.advance(10_000_000);
        assertThat(fired[0]).isEqualTo(100);
    }

    @Test
    void aRunningTimerIsSavedAndGoesOn() {
        start(PERIODIC | 0x40, DIVIDE_BY_1, 1_000_000);
        bench.clock.advance(300_000);
        byte[] page = cpu.exportPage();
        ApicBench other = new ApicBench(1);
        other.cpus[0].restore(0xfee00900L, page, 0);
        other.clock.advance(699_999);
        assertThat(other.take(0)).isEqualTo(-1);
        other.clock.advance(1);
        assertThat(other.take(0)).isEqualTo(0x40);
        other.clock.advance(1_000_000);
        assertThat(other.take(0)).isEqualTo(0x40);
    }
}
