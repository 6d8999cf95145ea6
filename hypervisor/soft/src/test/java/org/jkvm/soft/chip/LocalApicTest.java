package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jkvm.soft.chip.ApicBench.DFR;
import static org.jkvm.soft.chip.ApicBench.EOI;
import static org.jkvm.soft.chip.ApicBench.ESR;
import static org.jkvm.soft.chip.ApicBench.ICR;
import static org.jkvm.soft.chip.ApicBench.ID;
import static org.jkvm.soft.chip.ApicBench.IRR;
import static org.jkvm.soft.chip.ApicBench.ISR;
import static org.jkvm.soft.chip.ApicBench.LDR;
import static org.jkvm.soft.chip.ApicBench.LINT0;
import static org.jkvm.soft.chip.ApicBench.LINT1;
import static org.jkvm.soft.chip.ApicBench.LVT_ERROR;
import static org.jkvm.soft.chip.ApicBench.LVT_TIMER;
import static org.jkvm.soft.chip.ApicBench.PPR;
import static org.jkvm.soft.chip.ApicBench.SVR;
import static org.jkvm.soft.chip.ApicBench.TPR;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LocalApicTest {
    private static final int SELF = 1 << 18;
    private static final int ALL = 2 << 18;
    private static final int OTHERS = 3 << 18;
    private static final int LOGICAL = 1 << 11;
    private static final int LOWEST = 1 << 8;
    private static final int INIT = 5 << 8 | 1 << 14;
    private static final int STARTUP = 6 << 8 | 1 << 14;

    private final ApicBench bench = new ApicBench(3);
    private final VcpuInterrupts cpu = bench.cpus[0];

    @Test
    void resetValuesAreTheManuals() {
        ApicBench fresh = new ApicBench(2);
        fresh.cpus[1].reset();
        assertThat(fresh.read(1, ID)).isEqualTo(0x0100_0000);
        assertThat(fresh.read(1, 0x30)).isEqualTo(0x50014);
        assertThat(fresh.read(1, SVR)).isEqualTo(0xff);
        assertThat(fresh.read(1, DFR)).isEqualTo(0xffff_ffffL);
        assertThat(fresh.read(1, LVT_TIMER)).isEqualTo(0x10000);
        assertThat(fresh.cpus[0].readMsr(0x1b)).hasValue(0xfee00900L);
        assertThat(fresh.cpus[1].readMsr(0x1b)).hasValue(0xfee00800L);
        assertThat(fresh.cpus[1].page()).isEqualTo(0xfee00000L);
    }

    @Test
    void aVectorGoesFromIrrToIsrToEoi() {
        bench.write(0, ICR, SELF | 0x61);
        assertThat(bench.pins[0].interrupt).isTrue();
        assertThat(bench.read(0, IRR + 0x30)).isEqualTo(2);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x61);
        assertThat(bench.pins[0].interrupt).isFalse();
        assertThat(bench.read(0, IRR + 0x30)).isZero();
        assertThat(bench.read(0, ISR + 0x30)).isEqualTo(2);
        bench.write(0, EOI, 0);
        assertThat(bench.read(0, ISR + 0x30)).isZero();
    }

    @Test
    void theHighestVectorGoesFirstAndOnlyAHigherClassNests() {
        bench.write(0, ICR, SELF | 0x61);
        bench.write(0, ICR, SELF | 0x42);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x61);
        bench.write(0, ICR, SELF | 0x6f);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(-1);
        bench.write(0, ICR, SELF | 0x70);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x70);
        bench.write(0, EOI, 0);
        bench.write(0, EOI, 0);
        assertThat(bench.take(0)).isEqualTo(0x6f);
        assertThat(bench.take(0)).isEqualTo(0x42);
        assertThat(bench.take(0)).isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({"0x00, 0x00", "0x35, 0x50", "0x50, 0x50", "0x57, 0x57", "0x60, 0x60", "0x6f, 0x6f"})
    void processorPriorityWithVector53hInService(String tpr, String ppr) {
        bench.write(0, ICR, SELF | 0x53);
        cpu.acknowledgeInterrupt();
        bench.write(0, TPR, Integer.decode(tpr));
        int expected = Integer.decode(tpr) == 0 ? 0x50 : Integer.decode(ppr);
        assertThat(bench.read(0, PPR)).isEqualTo(expected);
    }

    @Test
    void taskPriorityHoldsItsClassAndLowerOnesBack() {
        cpu.setTpr(0x50);
        bench.write(0, ICR, SELF | 0x5f);
        assertThat(bench.pins[0].interrupt).isFalse();
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(-1);
        cpu.setTpr(0x4f);
        assertThat(bench.pins[0].interrupt).isTrue();
        cpu.setTpr(0x50);
        assertThat(bench.pins[0].interrupt).isFalse();
        bench.write(0, ICR, SELF | 0x60);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x60);
        assertThat(cpu.tpr()).isEqualTo(0x50);
    }

    @ParameterizedTest
    @CsvSource({"0x00000041, 1, 1", "0x00000041, 255, 012", "0x00000041, 9, ''", "0x00000841, 2, 1", "0x00000841, 6, 12",
        "0x00000841, 8, ''", "0x00000841, 255, 012", "0x00040041, 1, 0", "0x00080041, 1, 012", "0x000c0041, 1, 12"})
    void ipisReachWhomDestinationAndShorthandName(String command, int destination, String reached) {
        for (int i = 0; i < 3; i++) {
            bench.write(i, LDR, 1L << 24 + i);
        }
        bench.ipi(0, destination, Integer.decode(command));
        assertThat(bench.interrupted()).isEqualTo(reached);
    }

    @ParameterizedTest
    @CsvSource({"0x11, 0", "0x12, 1", "0x13, 01", "0x21, 2", "0x23, 2", "0x31, ''", "0xff, 012"})
    void theClusterModelMatchesClusterAndMember(String destination, String reached) {
        int[] ids = {0x11, 0x12, 0x21};
        for (int i = 0; i < 3; i++) {
            bench.write(i, DFR, 0);
            bench.write(i, LDR, (long) ids[i] << 24);
        }
        bench.ipi(0, Integer.decode(destination), LOGICAL | 0x41);
        assertThat(bench.interrupted()).isEqualTo(reached);
    }

    @Test
    void lowestPriorityPicksTheLeastBusyAndEqualsTakeTurns() {
        for (int i = 0; i < 3; i++) {
            bench.write(i, LDR, 1L << 24 + i);
        }
        bench.cpus[1].setTpr(0x30);
        StringBuilder taken = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            bench.ipi(0, 7, LOGICAL | LOWEST | 0x41);
            taken.append(bench.interrupted());
        }
        assertThat(taken.toString()).isEqualTo("0202");
    }

    @Test
    void lowestPriorityPassesDisabledApicsBy() {
        bench.write(0, SVR, 0xff);
        bench.write(1, SVR, 0xff);
        bench.ipi(0, 0xff, LOWEST | 0x41);
        assertThat(bench.interrupted()).isEqualTo("2");
    }

    @Test
    void initThenStartupStartsAProcessor() {
        bench.write(1, LVT_ERROR, 0xfe);
        bench.ipi(0, 1, INIT);
        bench.ipi(0, 1, 5 << 8 | 1 << 15);
        bench.ipi(0, 1, STARTUP | 0x9a);
        assertThat(bench.pins[1].events).containsExactly("init", "startup 9a");
        assertThat(bench.pins[0].events).isEmpty();
        assertThat(bench.read(1, LVT_ERROR)).isEqualTo(0x10000);
        assertThat(bench.read(1, SVR)).isEqualTo(0xff);
        assertThat(bench.read(1, ID)).isEqualTo(0x0100_0000);
    }

    @Test
    void initKeepsX2apicMode() {
        bench.x2apic(1);
        bench.ipi(0, 1, INIT);
        assertThat(bench.cpus[1].readMsr(0x1b)).hasValue(0xfee00c00L);
        assertThat(bench.readX2(1, ID)).isEqualTo(1);
    }

    @Test
    void softwareDisabledItTakesNmisButNoVectorsAndMasksItsTable() {
        bench.write(1, LVT_TIMER, 0x40);
        bench.write(1, SVR, 0xff);
        assertThat(bench.read(1, LVT_TIMER)).isEqualTo(0x10040);
        bench.write(1, LVT_TIMER, 0x41);
        assertThat(bench.read(1, LVT_TIMER)).isEqualTo(0x10041);
        bench.ipi(0, 1, 0x41);
        bench.ipi(0, 1, 4 << 8);
        assertThat(bench.pins[1].interrupt).isFalse();
        assertThat(bench.pins[1].events).containsExactly("nmi");
    }

    @Test
    void writingAnotherEntryWhileDisabledLeavesTheBootProcessorsLint0() {
        bench.cpus[0].reset();
        bench.write(0, LVT_ERROR, 0xfe);
        assertThat(bench.read(0, LINT0)).isEqualTo(0x700);
        assertThat(bench.read(0, LVT_ERROR)).isEqualTo(0x100fe);
    }

    @Test
    void softwareDisabledItStillDeliversWhatItHadAccepted() {
        bench.write(0, ICR, SELF | 0x41);
        bench.write(0, SVR, 0xff);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x41);
    }

    @Test
    void globallyDisabledItIsNotThere() {
        assertThat(bench.cpus[1].writeMsr(0x1b, 0xfee00000L)).isTrue();
        assertThat(bench.cpus[1].page()).isEqualTo(VcpuInterrupts.NO_PAGE);
        bench.ipi(0, 0xff, 0x41);
        bench.write(0, ICR, OTHERS | 4 << 8);
        assertThat(bench.pins[1].interrupt).isFalse();
        assertThat(bench.pins[1].events).isEmpty();
        assertThat(bench.pins[2].events).containsExactly("nmi");
    }

    @Test
    void reenabledItStartsFromReset() {
        bench.write(1, LVT_ERROR, 0xfe);
        bench.cpus[1].writeMsr(0x1b, 0xfee00000L);
        bench.cpus[1].writeMsr(0x1b, 0xfee00800L);
        assertThat(bench.read(1, LVT_ERROR)).isEqualTo(0x10000);
        assertThat(bench.read(1, SVR)).isEqualTo(0xff);
    }

    @Test
    void thePageCanBeMoved() {
        assertThat(bench.cpus[1].writeMsr(0x1b, 0xd000_0800L)).isTrue();
        assertThat(bench.cpus[1].page()).isEqualTo(0xd000_0000L);
    }

    @Test
    void sendingAnIllegalVectorIsAnErrorAndInterrupts() {
        bench.write(0, LVT_ERROR, 0xfe);
        bench.ipi(0, 1, 0x0f);
        assertThat(bench.read(0, ESR)).isZero();
        assertThat(bench.take(0)).isEqualTo(0xfe);
        bench.ipi(0, 1, 0x0f);
        assertThat(bench.take(0)).as("not until the ESR is written").isEqualTo(-1);
        bench.write(0, ESR, 0);
        assertThat(bench.read(0, ESR)).isEqualTo(0x20);
        bench.write(0, ESR, 0);
        assertThat(bench.read(0, ESR)).isZero();
        bench.ipi(0, 1, 0x0f);
        assertThat(bench.take(0)).isEqualTo(0xfe);
        assertThat(bench.pins[1].interrupt).isFalse();
    }

    @Test
    void receivingAnIllegalVectorIsAnError() {
        bench.chip.signal(0xfee00000L, 0x0f);
        bench.write(0, ESR, 0);
        assertThat(bench.read(0, ESR)).isEqualTo(0x40);
        assertThat(cpu.interruptPending()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"0x00", "0x10", "0x40", "0x2f0", "0x3f0", "0x400", "0xff0"})
    void touchingAReservedRegisterIsAnError(String offset) {
        assertThat(bench.read(0, Integer.decode(offset))).isZero();
        bench.write(0, ESR, 0);
        assertThat(bench.read(0, ESR)).isEqualTo(0x80);
    }

    @Test
    void narrowAndOddAccessesDoNoHarm() {
        assertThat(cpu.read(SVR, 1)).isEqualTo(0xff);
        assertThat(cpu.read(SVR + 1, 1)).isEqualTo(0x01);
        assertThat(cpu.read(SVR + 4, 4)).isZero();
        assertThat(cpu.read(SVR, 8)).isZero();
        cpu.write(SVR, 1, 0);
        cpu.write(SVR + 4, 4, 0);
        assertThat(bench.read(0, SVR)).isEqualTo(0x1ff);
    }

    @Test
    void lint0AsALevelTriggeredInterruptWaitsForItsEoi() {
        bench.write(0, LINT0, 1 << 15 | 0x45);
        raiseIrq4();
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x45);
        assertThat(bench.read(0, LINT0)).isEqualTo(1 << 15 | 1 << 14 | 0x45);
        bench.write(0, EOI, 0);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x45);
        bench.chip.writePort(0x21, 1, 0xff);
        bench.write(0, EOI, 0);
        assertThat(cpu.acknowledgeInterrupt()).isEqualTo(-1);
        assertThat(bench.read(0, LINT0)).isEqualTo(1 << 15 | 0x45);
    }

    @Test
    void lint0AsAnNmiIsTheNmiWatchdog() {
        bench.write(1, LINT0, 0x400);
        raiseIrq4();
        assertThat(bench.pins[1].events).containsExactly("nmi");
    }

    @Test
    void aMaskedLint1IsSilent() {
        bench.write(0, LINT1, 0x10400);
        bench.chip.setNmi(true);
        assertThat(bench.pins[0].events).isEmpty();
        bench.chip.setNmi(false);
        bench.cpus[0].writeMsr(0x1b, 0xfee00100L);
        bench.chip.setNmi(true);
        assertThat(bench.pins[0].events).as("without an APIC, LINT1 is the NMI pin").containsExactly("nmi");
    }

    private void raiseIrq4() {
        for (int[] access : new int[][] {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1}, {0x21, 0}}) {
            bench.chip.writePort(access[0], 1, access[1]);
        }
        bench.chip.setLine(4, true);
    }
}
