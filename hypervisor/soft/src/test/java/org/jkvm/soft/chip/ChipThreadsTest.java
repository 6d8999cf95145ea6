package org.jkvm.soft.chip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jkvm.soft.chip.ApicBench.EOI;
import static org.jkvm.soft.chip.ApicBench.SVR;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.time.SystemClock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The chip between real threads: a device, the clock's, a vCPU's. */
@Timeout(30)
class ChipThreadsTest {
    private static final int ROUNDS = 2000;

    /** A processor that sleeps until its interrupt pin rises. */
    private static final class SleepingPins implements ProcessorPins {
        private final Semaphore wake = new Semaphore(0);

        @Override
        public void interrupt(boolean level) {
            if (level) {
                wake.release();
            }
        }

        @Override
        public void nmi() {
            wake.release();
        }

        @Override
        public void init() {
            wake.release();
        }

        @Override
        public void startup(int vector) {
            wake.release();
        }

        void sleep() throws InterruptedException {
            assertThat(wake.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void noMessageBetweenThreadsIsLost() throws InterruptedException {
        try (SystemClock clock = new SystemClock(new ReentrantLock())) {
            SoftInterruptChip chip = new SoftInterruptChip(clock, 2, 1_000_000_000L);
            SleepingPins pins = new SleepingPins();
            VcpuInterrupts cpu = chip.attach(0, pins);
            cpu.write(SVR, 4, 0x1ff);
            Semaphore taken = new Semaphore(0);
            Thread device = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < ROUNDS; i++) {
                    chip.signal(0xfee00000L, 0x40 + i % 100);
                    taken.acquireUninterruptibly();
                }
            });
            for (int i = 0; i < ROUNDS; i++) {
                pins.sleep();
                assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x40 + i % 100);
                cpu.write(EOI, 4, 0);
                taken.release();
            }
            device.join();
        }
    }

    @Test
    void theTimerWakesASleepingProcessor() throws InterruptedException {
        try (SystemClock clock = new SystemClock(new ReentrantLock())) {
            SoftInterruptChip chip = new SoftInterruptChip(clock, 1, 1_000_000_000L);
            SleepingPins pins = new SleepingPins();
            VcpuInterrupts cpu = chip.attach(0, pins);
            cpu.write(SVR, 4, 0x1ff);
            cpu.write(ApicBench.LVT_TIMER, 4, 2 << 17 | 0x40);
            for (int i = 0; i < 50; i++) {
                long deadline = cpu.tsc().read() + 200_000;
                cpu.writeMsr(VcpuInterrupts.IA32_TSC_DEADLINE, deadline);
                pins.sleep();
                assertThat(cpu.tsc().read()).isGreaterThanOrEqualTo(deadline);
                assertThat(cpu.acknowledgeInterrupt()).isEqualTo(0x40);
                cpu.write(EOI, 4, 0);
            }
        }
    }
}
