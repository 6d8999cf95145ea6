package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jkvm.soft.chip.ApicBench.ICR;
import static org.jkvm.soft.chip.ApicBench.LDR;
import static org.jkvm.soft.chip.ApicBench.SVR;
import static org.jkvm.soft.chip.ApicBench.TPR;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.time.ManualClock;
import org.junit.jupiter.api.Test;

class LocalApicStateTest {
    private static final int SELF = 1 << 18;

    private static ByteBuffer page(VcpuInterrupts cpu) {
        return ByteBuffer.wrap(cpu.exportPage()).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static LocalApic apic(FakePins pins) {
        ManualClock clock = new ManualClock();
        LocalApic[] one = new LocalApic[1];
        one[0] = new LocalApic(0, new ApicBus(one, v -> { }), () -> -1, pins, clock, new GuestTsc(clock, 1));
        return one[0];
    }

    @Test
    void thePageIsLaidOutAsKvmDoes() {
        ApicBench bench = new ApicBench(2);
        bench.write(1, TPR, 0x30);
        bench.write(1, LDR, 0x0200_0000);
        bench.write(1, ICR, SELF | 0x61);
        ByteBuffer page = page(bench.cpus[1]);
        assertThat(page.capacity()).isEqualTo(1024);
        assertThat(page.getInt(0x20)).isEqualTo(0x0100_0000);
        assertThat(page.getInt(0x30)).isEqualTo(0x50014);
        assertThat(page.getInt(0x80)).isEqualTo(0x30);
        assertThat(page.getInt(0xa0)).isEqualTo(0x30);
        assertThat(page.getInt(0xd0)).isEqualTo(0x0200_0000);
        assertThat(page.getInt(0xf0)).isEqualTo(0x1ff);
        assertThat(page.getInt(0x230)).isEqualTo(2);
        assertThat(page.getInt(0x350)).isEqualTo(0x10000);
        assertThat(page.getInt(0x24)).isZero();
    }

    @Test
    void anX2apicsPageHasItsIdAndItsIcrInTwoHalves() {
        ApicBench bench = new ApicBench(18);
        bench.x2apic(17);
        bench.writeX2(17, ICR, 5L << 32 | 0x41);
        ByteBuffer page = page(bench.cpus[17]);
        assertThat(page.getInt(0x20)).isEqualTo(17 << 24);
        assertThat(page.getInt(0xd0)).isEqualTo(0x1_0002);
        assertThat(page.getInt(0x300)).isEqualTo(0x41);
        assertThat(page.getInt(0x310)).isEqualTo(5);
        ApicBench other = new ApicBench(18);
        other.cpus[17].restore(0xfee00c00L, page.array(), 0);
        assertThat(other.readX2(17, ICR)).isEqualTo(5L << 32 | 0x41);
        assertThat(other.cpus[17].exportPage()).isEqualTo(page.array());
    }

    @Test
    void aPageOfAnotherSizeIsRefused() {
        ApicBench bench = new ApicBench(1);
        assertThatThrownBy(() -> bench.cpus[0].restore(0, new byte[1023], 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void savedWithInterruptsUnderWayItGoesOnElsewhere() {
        LocalApic apic = apic(new FakePins());
        apic.write(SVR, 4, 0x1ff);
        apic.write(0x320, 4, 2 << 17 | 0xef);
        apic.timer().setTscDeadline(100);
        apic.accept(DeliveryMode.FIXED, 0x51, true);
        apic.accept(DeliveryMode.FIXED, 0x41, false);
        apic.acknowledge();
        apic.accept(DeliveryMode.FIXED, 3, false);
        apic.setLint0(true);
        StateTree saved = StateTree.save(apic);
        FakePins pins = new FakePins();
        LocalApic other = apic(pins);
        saved.restore(other);
        assertThat(StateTree.save(other).values()).usingRecursiveComparison().isEqualTo(saved.values());
        assertThat(pins.interrupt).isTrue();
        assertThat(other.timer().tscDeadline()).isEqualTo(100);
    }
}
