package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What processors see of each other's accesses is what the SDM's memory model allows (vol. 3A, section 9.2), and locked
 * instructions lose nothing: memory-order.s. {@code -Djkvm.smp.iterations=10000000} makes a test as long as one wants.
 */
@ParameterizedClass
@EnumSource(names = {"INTERPRETER", "TRANSLATOR"})
class MemoryOrderTest {
    private static final int ROUND = 4096;
    private static final int ROUNDS = Math.max(1, Integer.getInteger("jkvm.smp.iterations", 2 * ROUND) / ROUND);
    private static final long LIMIT_NANOS = 60_000_000_000L + ROUNDS * 200_000_000L;
    /** Two processors wait for each other every so many iterations; more would make them wait for the host's scheduler. */
    private static final int MEETINGS = 16;
    private static final int OUTCOMES = 0x16_0000;
    private static final int COUNTER = 0x17_0000;
    private static final int COUNTER_SPLIT = 0x17_003e;
    private static final int COUNTER_PAGES = 0x17_1ffe;
    private static final int AMONG_CODE_AT = 0x8008;
    private static final int TEARING = 19;
    private static final int TORN = 0x17_4040;

    /** Tests of order: which outcomes x86 forbids. */
    enum Order {
        STORE_BUFFERING(0, 2), STORE_FENCE_LOAD(1, 2, 0), STORE_BY_XCHG(2, 2, 0), STORE_LOCK_LOAD(3, 2, 0),
        MESSAGE_PASSING(4, 2, 1), MESSAGE_BY_STRING(5, 2, 1), LOAD_BUFFERING(6, 2, 3), COHERENCE(7, 2, 1),
        INDEPENDENT_READS(8, 4, 5);

        private final int id;
        private final int processors;
        private final Set<Integer> forbidden;

        Order(int id, int processors, Integer... forbidden) {
            this.id = id;
            this.processors = processors;
            this.forbidden = Set.of(forbidden);
        }
    }

    /** Tests of locked instructions: what of them counts, and where. */
    enum Count {
        XADD(9, COUNTER, 8), INC_WORD(10, COUNTER, 2), INC(10, COUNTER + 8, 8), ADD_BYTE(11, COUNTER, 1),
        SUB(11, COUNTER + 8, 4), ACROSS_LINES(12, COUNTER_SPLIT, 4), ACROSS_PAGES(13, COUNTER_PAGES, 4),
        CMPXCHG(14, COUNTER, 8), CMPXCHG8B_LOW(15, COUNTER, 4), CMPXCHG8B_HIGH(15, COUNTER + 4, 4),
        CMPXCHG16B_LOW(16, COUNTER, 8), CMPXCHG16B_HIGH(16, COUNTER + 8, 8), XCHG(17, COUNTER, 8), BTS(18, COUNTER, 8),
        AMONG_CODE(20, AMONG_CODE_AT, 4);

        private final int id;
        private final int address;
        private final int size;

        Count(int id, int address, int size) {
            this.id = id;
            this.address = address;
            this.size = size;
        }
    }

    private final TestBackend backend;

    MemoryOrderTest(TestBackend backend) {
        this.backend = backend;
    }

    private static void run(SmpMachine machine, int test, int processors, int mask) throws InterruptedException {
        byte[] code = Payload.load("memory-order").code();
        machine.run(code, LIMIT_NANOS, (number, state) -> {
            state.general[0] = number;
            state.general[1] = ROUNDS;
            state.general[2] = processors;
            state.general[3] = test;
            state.general[5] = mask;
        });
    }

    private SmpMachine machine(int processors) {
        return new SmpMachine(backend.hypervisor(), backend.models().parse("max", processors, processors), processors);
    }

    @ParameterizedTest
    @EnumSource
    void onlyWhatX86Allows(Order test) throws InterruptedException {
        try (SmpMachine machine = machine(test.processors)) {
            run(machine, test.id, test.processors, test.processors == 2 ? MEETINGS - 1 : -1);
            long[] outcomes = IntStream.range(0, 16)
                    .mapToLong(n -> machine.memory().get(ValueLayout.JAVA_LONG, OUTCOMES + 8L * n)).toArray();
            System.out.printf("%s, %s: outcomes %s%n", backend, test, Arrays.toString(outcomes));
            assertThat(Arrays.stream(outcomes).sum()).isEqualTo((long) ROUNDS * ROUND);
            assertThat(test.forbidden).as("of %s", Arrays.toString(outcomes)).allMatch(n -> outcomes[n] == 0);
        }
    }

    @ParameterizedTest
    @EnumSource
    void noUpdateIsLost(Count test) throws InterruptedException {
        try (SmpMachine machine = machine(2)) {
            run(machine, test.id, 2, -1);
            long expected = 2L * ROUNDS * ROUND;
            long counted = machine.memory().get(ValueLayout.JAVA_LONG_UNALIGNED, test.address);
            long mask = -1L >>> 64 - 8 * test.size;
            assertThat(counted & mask).isEqualTo(expected & mask);
            assertThat(machine.memory().get(ValueLayout.JAVA_INT, TORN)).as("values that nobody wrote").isZero();
        }
    }

    @Test
    void alignedAccessesDoNotTear() throws InterruptedException {
        try (SmpMachine machine = machine(2)) {
            run(machine, TEARING, 2, -1);
            assertThat(machine.memory().get(ValueLayout.JAVA_INT, TORN)).as("values that nobody wrote").isZero();
        }
    }
}
