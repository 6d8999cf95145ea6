package org.jkvm.base.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jkvm.base.state.StateTree;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SystemClockTest {
    private static final long MILLI = 1_000_000;
    private final ReentrantLock lock = new ReentrantLock();
    private final SystemClock clock = new SystemClock(lock);

    @AfterEach
    void close() {
        clock.close();
    }

    @Test
    void runsWithHostTime() throws InterruptedException {
        long host = System.nanoTime();
        long guest = clock.nanos();
        Thread.sleep(5);
        long passed = clock.nanos() - guest;
        assertThat(passed).isBetween(4 * MILLI, System.nanoTime() - host);
    }

    @Test
    void standsStillWhilePaused() throws InterruptedException {
        clock.pause();
        long at = clock.nanos();
        Thread.sleep(5);
        assertThat(clock.nanos()).isEqualTo(at);
        clock.resume();
        assertThat(clock.nanos()).isBetween(at, at + 1000 * MILLI);
        Thread.sleep(2);
        assertThat(clock.nanos()).isGreaterThan(at + MILLI);
    }

    @Test
    void neverGoesBackAroundPauses() throws InterruptedException {
        AtomicInteger backwards = new AtomicInteger();
        Thread reader = Thread.ofPlatform().start(() -> {
            long last = 0;
            for (int i = 0; i < 200_000; i++) {
                long now = clock.nanos();
                backwards.addAndGet(now < last ? 1 : 0);
                last = now;
            }
        });
        while (reader.isAlive()) {
            clock.pause();
            clock.resume();
        }
        reader.join();
        assertThat(backwards).hasValue(0);
    }

    @Test
    void firesInOrderOfDeadlinesWithTheLockHeld() throws InterruptedException {
        List<String> fired = new ArrayList<>();
        CountDownLatch done = new CountDownLatch(3);
        lock.lock();
        long now = clock.nanos();
        for (int ms : new int[] {3, 1, 2}) {
            clock.timer("t" + ms, () -> {
                fired.add(ms + " " + lock.isHeldByCurrentThread());
                done.countDown();
            }).arm(now + ms * MILLI);
        }
        lock.unlock();
        assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
        assertThat(fired).containsExactly("1 true", "2 true", "3 true");
    }

    @Test
    void neverFiresEarly() throws InterruptedException {
        AtomicLong late = new AtomicLong(Long.MIN_VALUE);
        CountDownLatch done = new CountDownLatch(1);
        long deadline = clock.nanos() + 2 * MILLI;
        clock.timer("t", () -> {
            late.set(clock.nanos() - deadline);
            done.countDown();
        }).arm(deadline);
        assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
        assertThat(late.get()).isNotNegative();
    }

    @Test
    void aDeadlineInThePastFiresAtOnceAndOnlyOnce() throws InterruptedException {
        AtomicInteger count = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(1);
        clock.timer("t", () -> {
            count.incrementAndGet();
            done.countDown();
        }).arm(-1);
        assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
        Thread.sleep(5);
        assertThat(count).hasValue(1);
    }

    @Test
    void cancelledUnderTheLockItDoesNotFire() throws InterruptedException {
        AtomicInteger count = new AtomicInteger();
        Clock.Timer timer = clock.timer("t", count::incrementAndGet);
        lock.lock();
        timer.arm(0);
        Thread.sleep(5);
        timer.cancel();
        lock.unlock();
        Thread.sleep(5);
        assertThat(count).hasValue(0);
    }

    @Test
    void rearmedLaterUnderTheLockItFiresOnceAtTheNewTime() throws InterruptedException {
        AtomicLong at = new AtomicLong();
        CountDownLatch done = new CountDownLatch(1);
        Clock.Timer timer = clock.timer("t", () -> {
            at.set(clock.nanos());
            done.countDown();
        });
        lock.lock();
        timer.arm(0);
        Thread.sleep(2);
        long deadline = clock.nanos() + 5 * MILLI;
        timer.arm(deadline);
        lock.unlock();
        assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
        assertThat(at.get()).isGreaterThanOrEqualTo(deadline);
    }

    /** One that is due already, and waits for its lock, too. */
    @Test
    void timersWaitWhilePaused() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        lock.lock();
        clock.timer("t", done::countDown).arm(clock.nanos() + 2 * MILLI);
        Thread.sleep(4);
        clock.pause();
        lock.unlock();
        assertThat(done.await(10, TimeUnit.MILLISECONDS)).isFalse();
        clock.resume();
        assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aViewHasItsOwnLockAndTheSameTime() throws InterruptedException {
        ReentrantLock own = new ReentrantLock();
        Clock view = clock.lockedBy(own);
        List<Boolean> held = new ArrayList<>();
        CountDownLatch done = new CountDownLatch(1);
        view.timer("t", () -> {
            held.add(own.isHeldByCurrentThread());
            held.add(lock.isHeldByCurrentThread());
            done.countDown();
        }).arm(0);
        assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
        assertThat(held).containsExactly(true, false);
        assertThat(view.nanos()).isBetween(0L, clock.nanos());
    }

    @Test
    void aThrowingCallbackIsToldAndStopsNeitherTheThreadNorOtherTimers() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        List<Throwable> failures = new ArrayList<>();
        try (SystemClock failing = new SystemClock(lock, failures::add)) {
            AssertionError bug = new AssertionError("expected in the log");
            failing.timer("bad", () -> {
                throw bug;
            }).arm(0);
            failing.timer("good", done::countDown).arm(MILLI);
            assertThat(done.await(5, TimeUnit.SECONDS)).isTrue();
            assertThat(failures).containsExactly(bug);
            assertThat(lock.tryLock(5, TimeUnit.SECONDS)).as("no lock is left held").isTrue();
        }
    }

    @Test
    void closedItFiresNothing() throws InterruptedException {
        AtomicBoolean closed = new AtomicBoolean();
        AtomicBoolean late = new AtomicBoolean();
        Clock.Timer timer = clock.timer("t", () -> late.compareAndSet(false, closed.get()));
        timer.arm(clock.nanos() + 2 * MILLI);
        clock.close();
        closed.set(true);
        timer.arm(0);
        Thread.sleep(5);
        assertThat(late).isFalse();
    }

    @Test
    void aSavedTimeGoesOnInAnotherClock() {
        clock.pause();
        StateTree saved = StateTree.save(clock);
        try (SystemClock other = new SystemClock(new ReentrantLock())) {
            other.pause();
            saved.restore(other);
            assertThat(other.nanos()).isEqualTo(clock.nanos());
            other.resume();
            assertThat(other.nanos()).isGreaterThanOrEqualTo(clock.nanos());
        }
    }
}
