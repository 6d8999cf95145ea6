package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** A snapshot's local APIC page is untrusted. */
class LocalApicHostilePageTest {
    @Property(tries = 200)
    void anyPageCanBeRestored(@ForAll long seed, @ForAll long base, @ForAll long deadline) {
        byte[] page = new byte[1024];
        new Random(seed).nextBytes(page);
        ApicBench bench = new ApicBench(1);
        VcpuInterrupts cpu = bench.cpus[0];
        cpu.restore(base, page, deadline);
        byte[] once = cpu.exportPage();
        assertThat(ByteBuffer.wrap(once).order(ByteOrder.LITTLE_ENDIAN).getInt(0x200) & 0xffff).isZero();
        bench.clock.advance(1_000_000);
        int vector = cpu.acknowledgeInterrupt();
        assertThat(vector == -1 || vector >= 16 || vector == 7).isTrue();
    }
}
