package org.jkvm.storage.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.Test;

/** Limits on requests, by a clock that the test winds. */
class ThrottleTest {
    private static final long SECOND = 1_000_000_000L;

    private long now;
    private final PriorityQueue<Alarm> alarms = new PriorityQueue<>(Comparator.comparingLong(Alarm::at));
    private final Throttle throttle = new Throttle(() -> now, (task, nanos) -> alarms.add(new Alarm(now + nanos, task)));
    private final List<Integer> served = new ArrayList<>();
    private record Alarm(long at, Runnable task) {
    }

    private void advance(long nanos) {
        long end = now + nanos;
        while (!alarms.isEmpty() && alarms.peek().at() <= end) {
            now = alarms.peek().at();
            alarms.remove().task().run();
        }
        now = end;
    }

    private void limit(Limits.Kind kind, long rate, long max, long length) {
        throttle.setLimits(new Limits(Map.of(kind, new Limits.Bucket(rate, max, length)), 0));
    }

    private void ask(Operation operation, int count, long bytes) {
        for (int i = 0; i < count; i++) {
            int number = i;
            throttle.admit(operation, bytes, () -> served.add(number));
        }
    }

    @Test
    void withoutLimitsNobodyWaits() {
        ask(Operation.WRITE, 10_000, 1 << 20);
        assertThat(served).hasSize(10_000);
        assertThat(alarms).isEmpty();
    }

    @Test
    void operationsComeAtTheRateAndInOrder() {
        limit(Limits.Kind.IOPS_TOTAL, 100, 0, 1);
        ask(Operation.WRITE, 1000, 4096);
        advance(5 * SECOND);
        assertThat(served.size()).isBetween(500, 512);
        assertThat(served).isSorted();
        advance(5 * SECOND);
        assertThat(served).hasSize(1000);
    }

    @Test
    void bytesAreCounted() {
        limit(Limits.Kind.BPS_READ, 1 << 20, 0, 1);
        ask(Operation.READ, 100, 64 << 10);
        ask(Operation.WRITE, 100, 64 << 10);
        assertThat(served.size()).isBetween(100, 104);
        advance(3 * SECOND);
        assertThat(served.size()).isBetween(100 + 48, 100 + 52);
    }

    @Test
    void aRequestLargerThanASecondsWorthIsPaidForAfterwards() {
        limit(Limits.Kind.BPS_WRITE, 1000, 0, 1);
        ask(Operation.WRITE, 2, 5000);
        assertThat(served).containsExactly(0);
        advance(4 * SECOND);
        assertThat(served).containsExactly(0);
        advance(2 * SECOND);
        assertThat(served).containsExactly(0, 1);
    }

    @Test
    void burstsLastAsLongAsTheyMay() {
        limit(Limits.Kind.IOPS_TOTAL, 100, 1000, 3);
        ask(Operation.READ, 10_000, 512);
        advance(SECOND);
        assertThat(served.size()).isBetween(1000, 1110);
        advance(2 * SECOND);
        int burst = served.size();
        assertThat(burst).isBetween(2990, 3310);
        advance(10 * SECOND);
        assertThat(served.size() - burst).isBetween(900, 1320);
    }

    @Test
    void newLimitsHoldForThoseWhoWait() {
        limit(Limits.Kind.IOPS_TOTAL, 1, 0, 1);
        ask(Operation.READ, 50, 512);
        assertThat(served).hasSizeLessThan(3);
        throttle.setLimits(Limits.NONE);
        assertThat(served).hasSize(50);
        ask(Operation.READ, 5, 512);
        assertThat(served).hasSize(55);
    }

    @Test
    void largeRequestsCountAsSeveralOperations() {
        throttle.setLimits(new Limits(Map.of(Limits.Kind.IOPS_TOTAL, new Limits.Bucket(100, 0, 1)), 4096));
        ask(Operation.WRITE, 100, 40_960);
        advance(5 * SECOND);
        assertThat(served.size()).isBetween(50, 53);
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        refused(Limits.Kind.BPS_READ, new Limits.Bucket(0, 10, 1), "bps-read-max needs bps-read");
        refused(Limits.Kind.BPS_READ, new Limits.Bucket(100, 10, 1), "bps-read-max must not be less than bps-read");
        refused(Limits.Kind.IOPS_TOTAL, new Limits.Bucket(100, 0, 9), "needs iops-total-max");
        Limits.Bucket one = new Limits.Bucket(1, 0, 1);
        assertThatThrownBy(() -> new Limits(Map.of(Limits.Kind.BPS_TOTAL, one, Limits.Kind.BPS_WRITE, one), 0))
                .isInstanceOf(UserException.class).hasMessageContaining("cannot be used at the same time");
    }

    private static void refused(Limits.Kind kind, Limits.Bucket bucket, String message) {
        assertThatThrownBy(() -> new Limits(Map.of(kind, bucket), 0)).isInstanceOf(UserException.class)
                .hasMessageContaining(message);
    }
}
