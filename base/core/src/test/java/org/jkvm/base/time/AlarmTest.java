package org.jkvm.base.time;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.jkvm.base.state.StateTree;
import org.junit.jupiter.api.Test;

class AlarmTest {
    private final ManualClock clock = new ManualClock();
    private int fired;
    private final Alarm alarm = new Alarm(clock, "test", () -> fired++);

    @Test
    void firesOnceAtItsDeadline() {
        alarm.arm(100);
        clock.advance(99);
        assertThat(fired).isZero();
        clock.advance(1);
        clock.advance(1000);
        assertThat(fired).isEqualTo(1);
        assertThat(alarm.armed()).isFalse();
    }

    @Test
    void lastDeadlineCounts() {
        alarm.arm(10);
        alarm.arm(50);
        clock.advance(20);
        assertThat(fired).isZero();
        alarm.cancel();
        clock.advance(100);
        assertThat(fired).isZero();
    }

    @Test
    void restoredAlarmFires() {
        alarm.arm(100);
        StateTree saved = StateTree.save(alarm);
        int[] other = {0};
        Alarm copy = new Alarm(clock, "copy", () -> other[0]++);
        saved.restore(copy);
        clock.advance(100);
        assertThat(other[0]).isEqualTo(1);
    }

    @Property
    void nanosIsTheFirstMomentOfATick(@ForAll @LongRange(min = 1, max = 9_000_000_000L) long hertz,
            @ForAll @LongRange(min = 1, max = 1L << 50) long nanos) {
        Frequency f = new Frequency(hertz);
        long tick = f.ticks(nanos);
        long first = f.nanos(tick);
        assertThat(first).isLessThanOrEqualTo(nanos);
        assertThat(f.ticks(first)).isEqualTo(tick);
        assertThat(first == 0 || f.ticks(first - 1) < tick).isTrue();
    }
}
