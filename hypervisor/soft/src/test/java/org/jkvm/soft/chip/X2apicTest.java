package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jkvm.soft.chip.ApicBench.BASE;
import static org.jkvm.soft.chip.ApicBench.DFR;
import static org.jkvm.soft.chip.ApicBench.EN;
import static org.jkvm.soft.chip.ApicBench.EOI;
import static org.jkvm.soft.chip.ApicBench.ESR;
import static org.jkvm.soft.chip.ApicBench.EXTD;
import static org.jkvm.soft.chip.ApicBench.ICR;
import static org.jkvm.soft.chip.ApicBench.ICR2;
import static org.jkvm.soft.chip.ApicBench.ID;
import static org.jkvm.soft.chip.ApicBench.LDR;
import static org.jkvm.soft.chip.ApicBench.LINT0;
import static org.jkvm.soft.chip.ApicBench.LVT_TIMER;
import static org.jkvm.soft.chip.ApicBench.PPR;
import static org.jkvm.soft.chip.ApicBench.SELF_IPI;
import static org.jkvm.soft.chip.ApicBench.SVR;
import static org.jkvm.soft.chip.ApicBench.TPR;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class X2apicTest {
    private static final int APIC_BASE = VcpuInterrupts.IA32_APIC_BASE;
    private final ApicBench bench = new ApicBench(20);

    @BeforeEach
    void enter() {
        for (int i = 0; i < bench.cpus.length; i++) {
            bench.x2apic(i);
        }
    }

    private int take(int cpu) {
        int vector = bench.cpus[cpu].acknowledgeInterrupt();
        bench.writeX2(cpu, EOI, 0);
        return vector;
    }

    private int[] interrupted() {
        int[] all = new int[bench.cpus.length];
        Arrays.setAll(all, i -> take(i) >= 0 ? i : -1);
        return Arrays.stream(all).filter(i -> i >= 0).toArray();
    }

    @Test
    void thePageIsGone() {
        assertThat(bench.cpus[0].page()).isEqualTo(VcpuInterrupts.NO_PAGE);
    }

    @Test
    void idsAreWideAndLogicalIdsDerived() {
        assertThat(bench.readX2(18, ID)).isEqualTo(18);
        assertThat(bench.readX2(18, LDR)).isEqualTo(0x1_0004);
        assertThat(bench.readX2(3, LDR)).isEqualTo(0x8);
    }

    @ParameterizedTest
    @CsvSource({"disabled, 0, true", "xapic, 0x800, false", "x2apic, 0xc00, true", "invalid, 0x400, false"})
    void fromX2apicItOnlyGoesOff(String state, String bits, boolean allowed) {
        assertThat(bench.cpus[1].writeMsr(APIC_BASE, BASE | Integer.decode(bits))).as(state).isEqualTo(allowed);
    }

    @ParameterizedTest
    @CsvSource({"disabled, 0, true", "xapic, 0x800, true", "x2apic, 0xc00, false", "invalid, 0x400, false"})
    void fromDisabledItOnlyGoesToXapic(String state, String bits, boolean allowed) {
        bench.cpus[1].writeMsr(APIC_BASE, BASE);
        assertThat(bench.cpus[1].writeMsr(APIC_BASE, BASE | Integer.decode(bits))).as(state).isEqualTo(allowed);
    }

    @Test
    void reservedBitsOfTheBaseFaultAndTheBspFlagStays() {
        assertThat(bench.cpus[0].writeMsr(APIC_BASE, BASE | EN | EXTD | 1)).isFalse();
        assertThat(bench.cpus[0].writeMsr(APIC_BASE, 1L << 52 | BASE | EN | EXTD)).isFalse();
        assertThat(bench.cpus[0].writeMsr(APIC_BASE, BASE | EN | EXTD)).isTrue();
        assertThat(bench.cpus[0].readMsr(APIC_BASE)).hasValue(BASE | EN | EXTD | 0x100);
    }

    @Test
    void theIcrIsOneRegister() {
        assertThat(bench.writeX2(0, ICR, 17L << 32 | 0x41)).isTrue();
        assertThat(bench.readX2(0, ICR)).isEqualTo(17L << 32 | 0x41);
        assertThat(interrupted()).containsExactly(17);
    }

    @Test
    void aLogicalDestinationNamesAClusterAndItsMembers() {
        bench.writeX2(0, ICR, 0x1_0005L << 32 | 1 << 11 | 0x41);
        assertThat(interrupted()).containsExactly(16, 18);
    }

    @Test
    void allOnesIsABroadcast() {
        bench.writeX2(0, ICR, 0xffff_ffffL << 32 | 0x41);
        assertThat(interrupted()).hasSize(20);
        bench.writeX2(0, ICR, 0xffL << 32 | 0x41);
        assertThat(interrupted()).isEmpty();
    }

    @Test
    void messagesFromDevicesHaveEightBitDestinations() {
        bench.chip.signal(0xfee12000L, 0x41);
        assertThat(interrupted()).containsExactly(18);
        bench.chip.signal(0xfeeff000L, 0x41);
        assertThat(interrupted()).hasSize(20);
    }

    @Test
    void selfIpi() {
        assertThat(bench.writeX2(5, SELF_IPI, 0x41)).isTrue();
        assertThat(interrupted()).containsExactly(5);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x90, 0xc0, DFR, ICR2, 0x2f0, 0x3a0, EOI, SELF_IPI, 0x400, 0xff0})
    void readsThatFault(int offset) {
        assertThat(bench.cpus[0].readMsr(VcpuInterrupts.X2APIC_FIRST + (offset >> 4))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {ID, 0x30, PPR, LDR, DFR, ICR2, 0x100, 0x180, 0x200, 0x390, 0x2f0, 0xff0})
    void writesThatFault(int offset) {
        assertThat(bench.writeX2(0, offset, 0)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"0x80, 0x100", "0xb0, 1", "0xf0, 0x400", "0x280, 1", "0x300, 0x2000", "0x320, 0x80000", "0x350, 0x800",
        "0x380, 0x100000000", "0x3e0, 4", "0x3f0, 0x100"})
    void reservedBitsFault(String offset, String value) {
        assertThat(bench.writeX2(0, Integer.decode(offset), Long.decode(value))).isFalse();
    }

    @Test
    void statusBitsDoNot() {
        assertThat(bench.writeX2(0, LVT_TIMER, 0x11041)).isTrue();
        assertThat(bench.readX2(0, LVT_TIMER)).isEqualTo(0x10041);
        assertThat(bench.writeX2(0, LINT0, 0x15700)).isTrue();
        assertThat(bench.readX2(0, LINT0)).isEqualTo(0x10700);
        assertThat(bench.writeX2(0, ESR, 0)).isTrue();
        assertThat(bench.writeX2(0, TPR, 0x20)).isTrue();
        assertThat(bench.cpus[0].tpr()).isEqualTo(0x20);
    }

    @Test
    void inXapicModeTheMsrsFault() {
        ApicBench xapic = new ApicBench(1);
        assertThat(xapic.cpus[0].readMsr(VcpuInterrupts.X2APIC_FIRST + (SVR >> 4))).isEmpty();
        assertThat(xapic.writeX2(0, SVR, 0x1ff)).isFalse();
    }

    @Test
    void itOwnsItsMsrsOnly() {
        assertThat(VcpuInterrupts.ownsMsr(0x1b)).isTrue();
        assertThat(VcpuInterrupts.ownsMsr(0x6e0)).isTrue();
        assertThat(VcpuInterrupts.ownsMsr(0x8ff)).isTrue();
        assertThat(VcpuInterrupts.ownsMsr(0x900)).isFalse();
        assertThat(VcpuInterrupts.ownsMsr(0x10)).isFalse();
    }
}
