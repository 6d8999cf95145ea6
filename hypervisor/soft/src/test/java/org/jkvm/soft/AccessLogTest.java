package org.jkvm.soft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jkvm.hypervisor.ExitAnswer;
import org.jkvm.hypervisor.VmExit;
import org.jkvm.x86.ExitSignal;
import org.junit.jupiter.api.Test;

class AccessLogTest {
    private static final int ACCESSES = 300;

    private final AccessLog log = new AccessLog();

    /** Executes an instruction that reads {@code count} times; returns the sum once it gets through. */
    private long read(int count) {
        long sum = 0;
        for (int n = 0; n < count; n++) {
            sum += log.replays() ? log.replay() : log.leave(new VmExit.MmioRead(0x1000 + 8L * n, 8));
        }
        return sum;
    }

    @Test
    void makesEachAccessOfAnInstructionOnce() {
        for (int n = 0; n < ACCESSES; n++) {
            assertThatThrownBy(() -> read(ACCESSES)).isInstanceOf(ExitSignal.class);
            assertThat(log.pending()).isEqualTo(new VmExit.MmioRead(0x1000 + 8L * n, 8));
            log.answer(new ExitAnswer.Value(n));
        }
        assertThat(read(ACCESSES)).isEqualTo(ACCESSES * (ACCESSES - 1) / 2);
        log.retire();
        assertThat(log.isEmpty()).isTrue();
        assertThatThrownBy(() -> read(1)).isInstanceOf(ExitSignal.class);
    }

    @Test
    void forgetsAnInstructionThatWasDropped() {
        assertThatThrownBy(() -> read(2)).isInstanceOf(ExitSignal.class);
        log.forget();
        log.answer(ExitAnswer.NONE);
        assertThat(log.isEmpty()).isTrue();
        assertThatThrownBy(() -> read(1)).isInstanceOf(ExitSignal.class);
    }
}
